"""A TensorRT 8.6 that nobody has: it is copied as ``tensorrt.py`` and imported by children.

Beside it lies ``script.json``, which says how it behaves; what it was asked for goes to ``asked.json``.
"""

from __future__ import annotations

import ctypes
import enum
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCRIPT: dict[str, Any] = json.loads((HERE / "script.json").read_text())
__version__ = SCRIPT.get("version", "8.6.1")
ASKED: dict[str, Any] = {"flags": [], "cleared": [], "layers": {}, "tensors": {}, "profile": {}}


class _Member(enum.IntEnum):
    __str__ = enum.Enum.__str__


BuilderFlag = _Member(
    "BuilderFlag",
    SCRIPT.get(
        "flags",
        "FP16 INT8 TF32 OBEY_PRECISION_CONSTRAINTS PREFER_PRECISION_CONSTRAINTS VERSION_COMPATIBLE",
    ),
    start=0,
)
DataType = _Member("DataType", "FLOAT HALF INT8 INT32 BOOL", start=0)
TensorFormat = _Member("TensorFormat", "LINEAR CHW2 HWC8 CHW4", start=0)
MemoryPoolType = _Member("MemoryPoolType", "WORKSPACE", start=0)
TacticSource = _Member("TacticSource", "CUBLAS CUBLAS_LT CUDNN", start=0)
HardwareCompatibilityLevel = _Member("HardwareCompatibilityLevel", "NONE AMPERE_PLUS", start=0)
NetworkDefinitionCreationFlag = _Member("NetworkDefinitionCreationFlag", "EXPLICIT_BATCH", start=0)
ProfilingVerbosity = _Member("ProfilingVerbosity", "LAYER_NAMES_ONLY NONE DETAILED", start=0)
LayerType = _Member("LayerType", "CONVOLUTION SOFTMAX SHAPE CONSTANT", start=0)
Severity = _Member("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE", start=0)


class _Driver:
    """A CUDA driver with one GPU, as far as it is asked whether there is one."""

    def cuInit(self, flags: int) -> int:
        return 0

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = 1
        return 0


if SCRIPT.get("gpu"):
    _load = ctypes.CDLL
    ctypes.CDLL = lambda name, *more, **rest: (  # type: ignore[assignment,misc]
        _Driver() if name == "libcuda.so.1" else _load(name, *more, **rest)
    )


class ILogger:
    pass


class _Tensor:
    def __init__(self, name: str, shape: list[int], dtype: str = "FLOAT") -> None:
        self.name, self.shape, self.is_shape_tensor = name, tuple(shape), False
        self.dtype = DataType[dtype]
        self.allowed_formats = 0


class _Layer:
    def __init__(self, name: str, kind: str, dtype: str) -> None:
        self.name, self.type, self.num_outputs = name, LayerType[kind], 1
        self.output = _Tensor(f"{name}_output", [1], dtype)

    def get_output(self, index: int) -> _Tensor:
        return self.output

    def set_output_type(self, index: int, dtype: Any) -> None:
        ASKED["layers"][self.name] = [self.precision.name, dtype.name]


class _Network:
    def __init__(self) -> None:
        self.inputs = [_Tensor(*each) for each in SCRIPT.get("inputs", [["x", [1, 3, 8, 8]]])]
        self.outputs = [_Tensor("y", [1, 10])]
        self.layers = [
            _Layer("/conv1/Conv", "CONVOLUTION", "FLOAT"),
            _Layer("/conv2/Conv", "CONVOLUTION", "FLOAT"),
            _Layer("/Shape", "SHAPE", "INT32"),
            _Layer("/ids", "CONVOLUTION", "INT32"),
            _Layer("/sm", "SOFTMAX", "FLOAT"),
        ]
        self.num_inputs, self.num_outputs = len(self.inputs), 1
        self.num_layers = len(self.layers)

    def get_input(self, index: int) -> _Tensor:
        return self.inputs[index]

    def get_output(self, index: int) -> _Tensor:
        return self.outputs[index]

    def get_layer(self, index: int) -> _Layer:
        return self.layers[index]


class _Error:
    def __str__(self) -> str:
        return "In node 3 (parseGraph): UNSUPPORTED_NODE: no importer registered for op: Odd"

    def desc(self) -> str:
        return "no importer registered for op: Odd"

    def node(self) -> int:
        return 3

    def node_name(self) -> str:
        return "/odd"

    def node_operator(self) -> str:
        return "Odd"

    def func(self) -> str:
        raise RuntimeError("this release tells no function")


class OnnxParser:
    num_errors = 1

    def __init__(self, network: Any, logger: Any) -> None:
        pass

    def parse_from_file(self, path: str) -> bool:
        ASKED["model"] = path
        return not SCRIPT.get("unparsed")

    def get_error(self, index: int) -> _Error:
        return _Error()


class _Profile:
    def set_shape(self, name: str, least: Any, opt: Any, most: Any) -> None:
        ASKED["profile"][name] = [list(least), list(opt), list(most)]


class _Cache:
    def __init__(self, held: bytes) -> None:
        self.held = held

    def serialize(self) -> bytes:
        return self.held + b" and new timings"


class _Config:
    avg_timing_iterations = 1
    builder_optimization_level = 3

    def __init__(self) -> None:
        self.cache: _Cache | None = None

    def set_flag(self, flag: Any) -> None:
        ASKED["flags"].append(flag.name)

    def clear_flag(self, flag: Any) -> None:
        ASKED["cleared"].append(flag.name)

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        ASKED["workspace"] = size

    def get_tactic_sources(self) -> int:
        return 0b011

    def set_tactic_sources(self, mask: int) -> None:
        ASKED["tactics"] = mask

    def add_optimization_profile(self, profile: Any) -> None:
        ASKED["profiled"] = True

    def create_timing_cache(self, held: bytes) -> _Cache:
        self.cache = _Cache(held)
        return self.cache

    def set_timing_cache(self, cache: _Cache, ignore: bool) -> bool:
        return not SCRIPT.get("bad_cache")

    def get_timing_cache(self) -> _Cache | None:
        return self.cache


class Builder:
    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def create_network(self, bits: int) -> _Network:
        ASKED["network"] = bits
        return _Network()

    def create_builder_config(self) -> _Config:
        return _Config()

    def create_optimization_profile(self) -> _Profile:
        return _Profile()

    def build_serialized_network(self, network: _Network, config: _Config) -> bytes | None:
        for tensor in (*network.inputs, *network.outputs):
            ASKED["tensors"][tensor.name] = [tensor.dtype.name, tensor.allowed_formats]
        ASKED["avg_timing"] = config.avg_timing_iterations
        ASKED["level"] = config.builder_optimization_level
        ASKED["verbosity"] = config.profiling_verbosity.name  # type: ignore[attr-defined]
        ASKED["hardware"] = str(getattr(config, "hardware_compatibility_level", None))
        (HERE / "asked.json").write_text(json.dumps(ASKED))
        log = HERE / "log.txt"
        for line in log.read_text().split("\x1e") if log.exists() else ():
            self.logger.log(Severity.VERBOSE, line)
        for text in SCRIPT.get("errors", ()):
            self.logger.log(Severity.ERROR, text)
        ending = SCRIPT.get("ending")
        if ending == "crash":
            print("about to fall over", flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if ending == "hang":
            time.sleep(3600)
        if ending == "none":
            return None
        if ending == "raise":
            raise TypeError("an argument is none")
        if ending == "memory":
            raise MemoryError
        if ending == "full":
            raise OSError(28, "No space left on device")
        return (HERE / "plan").read_bytes() if (HERE / "plan").exists() else b"a plan"
