"""Attention in a model, and whether the engine computes it in one kernel.

Built with TensorRT-RTX 1.7.1 for compute capability 8.9 on 2026-11-25: attention in FP16 is one kernel,
also with Casts round its Softmax alone; with Q, K and V cast to FLOAT it is three and their Casts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.base import Frozen
from ...model.engine import Layer
from ...readers.onnxmodel import OnnxFacts, OnnxNode
from .operators import moves

# What stands between the product of Q and K and its Softmax: a scale, a mask, soft capping.
_BETWEEN = frozenset({"Mul", "Div", "Add", "Where", "Sub", "Tanh", "Max", "Min"})
_FARTHEST = 12


class Attention(Frozen, frozen=True, kw_only=True):
    """One attention: the labels of its two products and its Softmax, and the layers they lie in."""

    nodes: tuple[str, str, str]
    layers: tuple[str, ...]

    @property
    def fused(self) -> bool:
        """Whether one layer computes all of it."""
        return len(self.layers) == 1


def attentions(model: OnnxFacts, layers: Iterable[Layer]) -> tuple[Attention, ...]:
    """Every attention of a model whose three nodes are all found in the engine's layers."""
    homes: dict[str, list[str]] = {}
    for layer in layers:
        for label in layer.onnx_nodes:
            homes.setdefault(label, []).append(layer.name)
    makers = {name: node for node in model.nodes for name in node.outputs}
    readers: dict[str, list[OnnxNode]] = {}
    for node in model.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    found = []
    for node in model.nodes:
        if node.op != "Softmax":
            continue
        before, after = _product_before(node, makers), _product_after(node, readers)
        if before is None or after is None:
            continue
        labels = (before.label, node.label, after.label)
        if all(label in homes for label in labels):
            places = dict.fromkeys(home for label in labels for home in homes[label])
            found.append(Attention(nodes=labels, layers=tuple(places)))
    return tuple(found)


def _product_before(softmax: OnnxNode, makers: dict[str, OnnxNode]) -> OnnxNode | None:
    """The MatMul whose result, scaled and masked, the Softmax reads."""
    open_ = list(softmax.inputs[:1])
    for _ in range(_FARTHEST):
        made = [makers[name] for name in open_ if name in makers]
        product = next((node for node in made if node.op == "MatMul"), None)
        if product is not None or not made:
            return product
        open_ = [name for node in made if _passes(node) for name in node.inputs if name]
    return None


def _product_after(softmax: OnnxNode, readers: dict[str, list[OnnxNode]]) -> OnnxNode | None:
    """The MatMul that reads the Softmax's result, past Casts and movement."""
    open_ = list(softmax.outputs[:1])
    for _ in range(_FARTHEST):
        reading = [node for name in open_ for node in readers.get(name, ())]
        product = next((node for node in reading if node.op == "MatMul"), None)
        if product is not None or not reading:
            return product
        open_ = list(_results(node for node in reading if moves(node)))
    return None


def _results(nodes: Iterable[OnnxNode]) -> Iterator[str]:
    for node in nodes:
        yield from node.outputs


def _passes(node: OnnxNode) -> bool:
    return moves(node) or node.op in _BETWEEN
