"""The first and the last Casts of a model whose network tensors are FP32 and whose inside is not."""

from __future__ import annotations

from collections.abc import Iterable

from ...readers.onnxmodel import OnnxFacts, OnnxNode
from . import operators

_MOST_NAMES = 4


def edge_casts(model: OnnxFacts) -> str | None:
    """What a strongly typed network's FP32 inputs and outputs convert; None where nothing does.

    An input counts where nothing but Casts to a 16-bit type reads it, an output where a Cast from
    one makes it.
    """
    users: dict[str, list[OnnxNode]] = {}
    makers: dict[str, OnnxNode] = {}
    for node in model.nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
        makers.update(dict.fromkeys(node.outputs, node))
    given = {value.name for value in model.outputs}
    casts: dict[str, list[OnnxNode]] = {}
    for value in model.inputs:
        read = users.get(value.name, [])
        narrowed = [node for node in read if _narrows(node, model)]
        if value.type in operators.FLOAT32 and read and read == narrowed:
            # An input that is an output as well is wanted in FP32.
            casts |= {} if value.name in given else {value.name: read}
    for value in model.outputs:
        maker = makers.get(value.name)
        if value.type in operators.FLOAT32 and maker is not None and _widens(maker, model):
            casts[value.name] = [maker]
    if not casts:
        return None
    nodes = dict.fromkeys(node.label for found in casts.values() for node in found)
    return (
        f"network tensors are FP32 ({_listed(casts)}), and Casts at the model's edges "
        f"({_listed(nodes)}) convert them; with FP16 there the application would pass FP16, and "
        "conversions that are not fused would go"
    )


def _narrows(node: OnnxNode, model: OnnxFacts) -> bool:
    made = model.types.get(node.outputs[0]) if node.outputs else None
    return node.op in operators.CASTS and made in operators.SIXTEEN_BIT


def _widens(node: OnnxNode, model: OnnxFacts) -> bool:
    taken = model.types.get(node.inputs[0]) if node.inputs else None
    return node.op in operators.CASTS and taken in operators.SIXTEEN_BIT


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    more = f" and {len(told) - _MOST_NAMES} more" if len(told) > _MOST_NAMES else ""
    return ", ".join(told[:_MOST_NAMES]) + more
