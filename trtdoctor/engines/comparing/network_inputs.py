"""The inputs that an engine itself tells, where no model is at hand to tell them."""

from __future__ import annotations

from trtdoctor.model.engine import EngineReport, IOTensor
from trtdoctor.readers.onnxmodel import OnnxFacts, OnnxValue, TensorType

_TYPES = {
    "FP32": TensorType.FLOAT,
    "FP16": TensorType.FLOAT16,
    "BF16": TensorType.BFLOAT16,
    "FP8": TensorType.FLOAT8E4M3FN,
    "INT8": TensorType.INT8,
    "UINT8": TensorType.UINT8,
    "INT32": TensorType.INT32,
    "INT64": TensorType.INT64,
    "BOOL": TensorType.BOOL,
}


def inputs_as_model(engine: EngineReport) -> OnnxFacts:
    """A model of no nodes with the engine's inputs and outputs."""
    told = (engine.identity.io if engine.identity else None) or ()

    def of(mode: str) -> tuple[OnnxValue, ...]:
        return tuple(_value(tensor) for tensor in told if tensor.mode == mode)

    return OnnxFacts(source=engine.path, inputs=of("input"), outputs=of("output"))


def tuned_shapes(engine: EngineReport) -> dict[str, tuple[int, ...]]:
    """What the first optimisation profile is tuned for, of each input that leaves extents open."""
    profiles = engine.identity.profiles if engine.identity else None
    if not profiles:
        return {}
    return {name: tuple(extents.opt) for name, extents in profiles[0].items()}


def _value(tensor: IOTensor) -> OnnxValue:
    shape = tensor.shape
    return OnnxValue(
        name=tensor.name,
        type=_TYPES.get(tensor.dtype),
        shape=None if shape is None else tuple(extent if extent >= 0 else None for extent in shape),
    )
