"""Which network inputs and outputs FP16 may not hold, by what the model does with them."""

from __future__ import annotations

from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ..graph import operators
from .gate import grows

_INTEGERS = frozenset(
    {TensorType.INT8, TensorType.INT16, TensorType.INT32, TensorType.INT64}
    | {TensorType.UINT8, TensorType.UINT16, TensorType.UINT32, TensorType.UINT64}
)
_ROUNDS = frozenset({"Floor", "Ceil", "Round", "Mod"})
_WAVES = frozenset({"Sin", "Cos"})
# What stands between a time or a position and the wave that it becomes.
_SCALES = frozenset({"Mul", "Div", "Add", "Sub"})


def wide_tensors(model: OnnxFacts) -> tuple[tuple[str, str], ...]:
    """FP32 network tensors that are not to become FP16, each with a reason.

    An input that becomes integers (ids) or the argument of a wave (times, positions) needs more
    than FP16's 11 digits of a binary number; an output may be what passes FP16's largest value.

    Returns:
        Names and reasons; a reason is a sentence's end that follows "because".
    """
    readers: dict[str, list[OnnxNode]] = {}
    for node in model.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    makers = {name: node for node in model.nodes for name in node.outputs}
    found = []
    for value in model.inputs:
        if model.types.get(value.name) in operators.FLOAT32:
            why = _exact(model, readers, value.name)
            found += [(value.name, why)] if why else []
    for value in model.outputs:
        if model.types.get(value.name) in operators.FLOAT32:
            why = _large(makers, value.name)
            found += [(value.name, why)] if why else []
    return tuple(found)


def _exact(model: OnnxFacts, readers: dict[str, list[OnnxNode]], name: str) -> str | None:
    """Why an input needs all its digits."""
    whole = "its values are used as whole numbers, which FP16 holds exactly up to 2048 only"
    wave = "it becomes the argument of a sine or cosine, where FP16's rounding shifts the phase"
    seen: set[tuple[str, bool]] = set()
    waiting = [(name, False)]
    while waiting:
        at, scaled = waiting.pop()
        if (at, scaled) in seen:
            continue
        seen.add((at, scaled))
        for node in readers.get(at, ()):
            made = model.types.get(node.outputs[0]) if node.outputs else None
            if node.op in _WAVES:
                return wave
            if not scaled and (
                node.op in _ROUNDS or (node.op in operators.CASTS and made in _INTEGERS)
            ):
                return whole
            if made in operators.FLOATING and (operators.moves(node) or node.op in _SCALES):
                further = scaled or node.op in _SCALES
                waiting += [(output, further) for output in node.outputs]
    return None


def _large(makers: dict[str, OnnxNode], name: str) -> str | None:
    """Why an output may pass FP16's largest value."""
    seen: set[str] = set()
    while name not in seen and (node := makers.get(name)) is not None:
        seen.add(name)
        reason = grows(node)
        if reason is not None:
            return reason
        if not operators.moves(node) or not node.inputs:
            return None
        name = node.inputs[0]
    return None
