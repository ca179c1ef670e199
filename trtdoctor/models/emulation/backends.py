"""What computes one node: onnxruntime's CPU where it is installed, else onnx's own reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, TypeAlias

from ...model.errors import InputError

Kernel: TypeAlias = "Callable[[Sequence[Any]], list[Any]]"
"""Takes a node's operands and gives its results, numpy arrays all."""

_ELEMENTS = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
    "bfloat16": 16,
    "float8_e4m3fn": 17,
    "float8_e4m3fnuz": 18,
    "float8_e5m2": 19,
    "float8_e5m2fnuz": 20,
    "uint4": 21,
    "int4": 22,
}
_HEAVY = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "Einsum"})


class NoBackend(InputError):
    """Nothing here can run a model."""


class Backend(Protocol):
    """Makes kernels of nodes."""

    name: str

    def kernel(self, model: Any, names: Sequence[str]) -> Kernel:
        """A kernel for a model of one node, with its operands in the order of ``names``.

        Raises:
            Exception: whatever the package raises for a node that it cannot run.
        """


class OnnxRuntime:
    """onnxruntime's CPU provider, one session a node, its graph left as it is."""

    def __init__(self) -> None:
        self._package = import_module("onnxruntime")
        self.name = f"onnxruntime {self._package.__version__}"

    def kernel(self, model: Any, names: Sequence[str]) -> Kernel:
        """See `Backend.kernel`."""
        options = self._package.SessionOptions()
        options.graph_optimization_level = self._package.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        heavy = model.graph.node[-1].op_type in _HEAVY
        options.intra_op_num_threads = 0 if heavy else 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False
        session = self._package.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

        def run(operands: Sequence[Any]) -> list[Any]:
            found: list[Any] = session.run(None, dict(zip(names, operands, strict=True)))
            return found

        return run


class Reference:
    """onnx's reference implementation in numpy: slow, and always there."""

    def __init__(self) -> None:
        self._package = import_module("onnx.reference")
        self.name = f"onnx {import_module('onnx').__version__}'s reference"

    def kernel(self, model: Any, names: Sequence[str]) -> Kernel:
        """See `Backend.kernel`."""
        evaluator = self._package.ReferenceEvaluator(model)

        def run(operands: Sequence[Any]) -> list[Any]:
            found: list[Any] = evaluator.run(None, dict(zip(names, operands, strict=True)))
            return found

        return run


BACKENDS: dict[str, Callable[[], Backend]] = {"onnxruntime": OnnxRuntime, "onnx": Reference}


def find_backend(name: str | None = None) -> Backend:
    """The quickest that is installed, or the one that is named.

    Raises:
        NoBackend: it is not installed, or does not load.
    """
    wanted = [name] if name else ["onnxruntime", "onnx"]
    for each in wanted:
        if find_spec(each) is None:
            continue
        try:
            return BACKENDS[each]()
        except (ImportError, AttributeError, OSError) as error:
            if name:
                raise NoBackend(f"{each} does not load: {error}") from error
    raise NoBackend(f"{' and '.join(wanted)} missing; install it: pip install {wanted[0]}")


def element_type(array: Any) -> int:
    """TensorProto's number for an array's type; 0 where there is none."""
    return _ELEMENTS.get(str(array.dtype), 0)
