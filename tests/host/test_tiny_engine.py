"""The tiny engine's network, built by TensorRT-RTX where that is; it needs no GPU for that."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host, Target
from trtdoctor.host.live import LiveBackend, child_source
from trtdoctor.model.facts import Ending
from trtdoctor.probes import tiny_engines
from trtdoctor.testing import FakeMachine

CHILD: dict[str, Any] = {}
exec(compile(child_source("tiny_engine"), "tiny_engine.py", "exec"), CHILD)


@pytest.mark.parametrize(("precision", "types"), [("fp32", {"Float"}), ("fp16", {"Half"})])
def test_the_network_builds_in_the_precision_that_is_asked_for(
    precision: str, types: set[str]
) -> None:
    trt = pytest.importorskip("tensorrt_rtx")
    logger = trt.Logger(trt.Logger.ERROR)
    builder, alive = trt.Builder(logger), []
    assert CHILD["typing"](trt) == "strong"
    network = CHILD["network"](trt, builder, precision, alive)
    config = CHILD["configuration"](trt, builder, precision)
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    assert builder.build_serialized_network(network, config) is not None
    tensors = [network.get_input(0), network.get_output(0)]
    tensors += [network.get_layer(n).get_output(0) for n in range(network.num_layers)]
    wanted = trt.float16 if precision == "fp16" else trt.float32
    assert {tensor.dtype for tensor in tensors} == {wanted}
    assert tuple(network.get_output(0).shape) == (2048, 512)


def test_a_module_of_rtx_on_a_machine_without_a_gpu() -> None:
    """Building works there; that the engine cannot run is each engine's reason."""
    pytest.importorskip("tensorrt_rtx")
    backend = LiveBackend(budget=60)
    host = Host(backend, target=Target(path=sys.executable, chosen_by="--python"))
    payload = {"module": "tensorrt_rtx", "seconds": 30, "sample_ms": 2.0, "samples": 2}
    try:
        answer = host.child("tiny_engine", payload, python=sys.executable, deadline=60)
    finally:
        backend.close()
    assert answer.ending == "returned", answer
    if any("ms" in engine for engine in answer.value.get("engines", ())):
        pytest.skip("there is a GPU here")
    for engine in answer.value.get("engines", ()):
        assert engine["reason"], json.dumps(answer.value)


class WithoutPointers:
    """A module whose weights are made of numpy's arrays alone, as those of TensorRT 8.6."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def Weights(self, *given: Any) -> Any:
        if len(given) == 3:
            raise TypeError("incompatible constructor arguments")
        return self._module.Weights(*given)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_weights_of_arrays_where_there_is_no_other_way(precision: str) -> None:
    trt = pytest.importorskip("tensorrt_rtx")
    builder, alive = trt.Builder(trt.Logger(trt.Logger.ERROR)), []
    network = CHILD["network"](WithoutPointers(trt), builder, precision, alive)
    config = CHILD["configuration"](trt, builder, precision)
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    assert builder.build_serialized_network(network, config) is not None


# Enough of a weakly typed TensorRT to build a network of nothing, whose inference takes as long as the
# imagined driver's copy of so many bytes.
MODULE = """
import ctypes, enum, sys
__version__ = "10.0.0"
float32, float16 = "float32", "float16"
class BuilderFlag(enum.IntEnum):
    FP16 = 0
    TF32 = 7
class NetworkDefinitionCreationFlag(enum.IntEnum):
    EXPLICIT_BATCH = 0
class MatrixOperation(enum.IntEnum):
    NONE = 0
class MemoryPoolType(enum.IntEnum):
    WORKSPACE = 0
class TacticSource(enum.IntEnum):
    CUBLAS = 0
    EDGE_MASK_CONVOLUTIONS = 3
    JIT_CONVOLUTIONS = 4
class LayerInformationFormat(enum.IntEnum):
    JSON = 1
class ProfilingVerbosity(enum.IntEnum):
    DETAILED = 2
class ILogger:
    class Severity(enum.IntEnum):
        ERROR = 1
        def __str__(self): return "Severity.ERROR"
    def __init__(self): pass
def Weights(*given): return given
class Anything:
    def __getattr__(self, name): return Anything()
    def __call__(self, *given): return Anything()
class Config:
    def __init__(self): self.flags, self.tf32 = set(), True
    def set_memory_pool_limit(self, pool, size): assert size == 256 << 20
    def set_flag(self, flag): self.flags.add(flag)
    def clear_flag(self, flag): self.tf32 = self.tf32 and flag is not BuilderFlag.TF32
    def set_tactic_sources(self, mask): assert mask == 0b11000
class Builder:
    def __init__(self, logger): self.logger = logger
    def create_network(self, flags):
        assert flags == 1
        return Anything()
    def create_builder_config(self): return Config()
    def build_serialized_network(self, network, config):
        assert not config.tf32
        if BuilderFlag.FP16 in config.flags and {refuses}:
            self.logger.log(ILogger.Severity.ERROR, "no implementation")
            return None
        return b"1" if BuilderFlag.FP16 in config.flags else b"4"
class Inspector:
    def get_layer_information(self, number, form):
        return '{{"Name": "conv", "TacticName": "sm80_\x1e"}}'
class Context:
    def __init__(self, plan): self.ms, self.at = int(plan), {{}}
    def set_tensor_address(self, name, address): self.at[name] = address
    def execute_async_v3(self, stream):
        assert stream == 2 and set(self.at) == {{"x", "y"}}
        cuda = ctypes.CDLL("libcuda.so.1")
        size = ctypes.c_size_t(self.ms * 100_000_000)
        cuda.cuMemcpyDtoDAsync_v2(ctypes.c_uint64(0), ctypes.c_uint64(0), size, None)
        return True
class Engine:
    num_layers = 1
    def __init__(self, plan): self.plan = plan
    def create_engine_inspector(self): return Inspector()
    def create_execution_context(self): return Context(self.plan)
class Runtime:
    def __init__(self, logger): pass
    def deserialize_cuda_engine(self, plan): return Engine(plan)
"""


def run(
    drivers: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, refuses: bool
) -> dict[str, Any]:
    (folder / "imagined_trt.py").write_text(MODULE.format(refuses=refuses))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(drivers))
    backend = LiveBackend(budget=60)
    payload = {"module": "imagined_trt", "seconds": 30, "sample_ms": 20.0, "samples": 9}
    try:
        answer = Host(backend).child("tiny_engine", payload, python=sys.executable, deadline=60)
    finally:
        backend.close()
    assert answer.ending == "returned", answer
    assert answer.value["ending"] == "returned", answer
    return dict(answer.value)


def test_engines_are_built_run_and_timed(
    drivers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(drivers, tmp_path, monkeypatch, refuses=False)
    fp32, fp16 = said["engines"]
    assert said["version"] == "10.0.0"
    assert (fp32["typing"], fp32["layers"]) == ("weak", ["conv: sm80_"])
    assert fp32["ms"] == pytest.approx([4.0] * 9, rel=0.001)
    assert fp16["ms"] == pytest.approx([1.0] * 9, rel=0.001)


def test_an_engine_that_cannot_be_built_leaves_the_other(
    drivers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(drivers, tmp_path, monkeypatch, refuses=True)
    fp32, fp16 = said["engines"]
    assert "ms" in fp32
    assert fp16["reason"] == "the builder made no engine"
    assert said["log"] == ["[ERROR] no implementation"]


def fake(answer: dict[str, Any]) -> Host:
    imported = {"ending": "returned", "version": "8.6.0", "has_builder": True, "builder_flags": []}
    machine = FakeMachine(
        children={
            "inventory": {
                "ending": "returned",
                "value": {
                    "path": ["/site"],
                    "denied": [],
                    "packages": [{"name": "tensorrt", "version": "8.6.0", "location": "/site"}],
                    "modules": {
                        "tensorrt": {
                            "origin": "/site/tensorrt/__init__.py",
                            "folders": ["/site/tensorrt"],
                        }
                    },
                },
            },
            "interpreter": {"ending": "returned", "value": {}},
            "import_module:tensorrt": {"ending": "returned", "value": imported},
            "tiny_engine:tensorrt": answer,
        }
    )
    return Host(machine, target=Target(path="/opt/bin/python", chosen_by="--python"))


def test_two_engines_that_ran() -> None:
    samples = [0.4, 0.41, 0.39, 0.4, 0.42, 0.38, 0.4, 0.4, 0.9]
    engines = [
        {"precision": "fp32", "typing": "weak", "ms": samples, "layers": ["conv: a"], "build_s": 2},
        {"precision": "fp16", "typing": "weak", "reason": "time"},
    ]
    said = {"ending": "returned", "version": "8.6.0", "engines": engines, "log": []}
    (trial,) = tiny_engines.look(fake({"ending": "returned", "value": said})).value.trials
    one, other = trial.engines
    assert trial.attempt.ending is Ending.RETURNED
    assert (one.time.median, one.time.low, one.time.high) == (0.4, 0.39, 0.42)
    assert one.layers == ("conv: a",)
    assert other.time is None and other.reason == "no time was left within 60 s"


@pytest.mark.parametrize(
    ("answer", "ending", "detail"),
    [
        ({"ending": "signal", "detail": "SIGSEGV"}, Ending.SIGNAL, "SIGSEGV"),
        (
            {"ending": "deadline", "detail": "no answer within 9 s"},
            Ending.DEADLINE,
            "no answer within 9 s",
        ),
        (
            {
                "ending": "returned",
                "value": {"ending": "exception", "detail": "TypeError: x", "log": ["[E] 35"]},
            },
            Ending.EXCEPTION,
            "TypeError: x",
        ),
    ],
)
def test_a_trial_that_ends_otherwise(answer: dict[str, Any], ending: Ending, detail: str) -> None:
    (trial,) = tiny_engines.look(fake(answer)).value.trials
    assert (trial.attempt.ending, trial.attempt.detail, trial.engines) == (ending, detail, ())
