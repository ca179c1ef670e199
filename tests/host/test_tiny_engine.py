"""The tiny engine's network, built by TensorRT-RTX where that is; it needs no GPU for that."""

from __future__ import annotations

import json
import sys
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
