"""Nodes whose operands TensorRT wants of one type, and that have two."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.model_report import Refusal
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType

MIXED = "mixed-input-types"
# The operands that have to agree; None for all of them. Each was built by TensorRT-RTX 1.7.1 on
# 2026-11-26 with operands of FLOAT and of FLOAT16, and refused, and built with those of FLOAT16
# alone; Pow, Clip, Pad, BatchNormalization and RMSNormalization were not refused.
_ALIKE: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Mod", "PRelu", "Concat"), None
    ),
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), None),
    **dict.fromkeys(("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum"), None),
    **dict.fromkeys(("LayerNormalization", "InstanceNormalization", "GroupNormalization"), None),
    "LSTM": (0, 1, 2, 3),
    "Where": (1, 2),
    "ScatterND": (0, 2),
    "ScatterElements": (0, 2),
}
# TensorRT's parser makes FLOAT of DOUBLE, so that these two do not differ.
_SAME = {TensorType.DOUBLE: TensorType.FLOAT}


def mixed_types(model: OnnxFacts) -> Iterator[Refusal]:
    """The nodes of one model that a strongly typed build refuses for the types of their operands."""
    for node in model.nodes:
        if node.domain or node.op not in _ALIKE:
            continue
        told = _differing(node, model)
        if told:
            operands = " and ".join(f"{name} is {kind}" for name, kind in told)
            yield Refusal(
                node=node.label,
                op=node.op,
                kind=MIXED,
                what=f"its operands have two types: {operands}",
            )


def _differing(node: OnnxNode, model: OnnxFacts) -> tuple[tuple[str, str], ...]:
    """One operand of each type, where there are several types."""
    which = _ALIKE[node.op]
    names = (
        node.inputs if which is None else [node.inputs[i] for i in which if i < len(node.inputs)]
    )
    found: dict[str, str] = {}
    for name in names:
        kind = model.types.get(name) if name else None
        if kind is not None:
            found.setdefault(_SAME.get(kind, kind).value, name)
    return tuple((name, kind) for kind, name in found.items()) if len(found) > 1 else ()
