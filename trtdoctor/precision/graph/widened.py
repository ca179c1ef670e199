"""Kernels that TensorRT's compiler widens inside although the model has nothing but FP16 there."""

from __future__ import annotations

from collections.abc import Iterable

from trtdoctor.precision.layers import kinds

from ...model.cause import Cause
from ...model.engine import Layer
from ...model.report import Confidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ..reasons import Reason
from . import operators
from .links import float_types
from .type_flow import Flow
from .witness import GraphWitness, engine, shown, types_of

_MOST_NAMES = 8


class Widened:
    """Asks one model whether a cast inside a kernel can be anybody's but the compiler's."""

    def __init__(self, model: OnnxFacts, flow: Flow, witness: GraphWitness) -> None:
        self._types = model.types
        self._flow = flow
        self._witness = witness
        # A Cast is fused without being told at times, so those next to a kernel count as inside.
        casts = [node for node in model.nodes if node.op in operators.CASTS]
        self._cast = {name for node in casts for name in (*node.inputs[:1], *node.outputs)}

    def reasons(self, layer: Layer, nodes: Iterable[OnnxNode]) -> list[Reason]:
        """The cause, where FP16 goes in and out, the name casts and the nodes know FP16 alone.

        The name of a kernel says that it casts and not to which type, so this is never certain.

        Args:
            layer: A layer that does not compute in FP16 alone.
            nodes: All nodes that it comes from.
        """
        nodes = tuple(nodes)
        operations = kinds.operations(layer)
        if not nodes or not kinds.casts_at(operations)[2]:
            return []
        # All tensors count: with an integer at an edge the cast may be that one's.
        if {tensor.dtype for tensor in (*layer.inputs, *layer.outputs)} != {"FP16"}:
            return []
        if float_types(layer.constants) - {"FP16"} or not all(map(self._in_halves, nodes)):
            return []
        names = ", ".join(node.label for node in nodes[:_MOST_NAMES])
        edges = f"inputs {types_of(layer.inputs)}, outputs {types_of(layer.outputs)}"
        return [
            Reason(
                cause=Cause.COMPUTED_IN_FP32_INSIDE,
                confidence=Confidence.LIKELY,
                evidence=(
                    self._witness.says(f"nodes {names}", "FLOAT16, with no Cast among them"),
                    engine(layer, edges),
                    engine(layer, f"operations of its kernel: {', '.join(operations)}"),
                    shown(layer),
                ),
            )
        ]

    def _in_halves(self, node: OnnxNode) -> bool:
        """Whether every value of a node is FP16, and none is cast or of a type that is not known."""
        values = [name for name in (*node.inputs, *node.outputs) if name]
        if node.op in operators.CASTS or any(name in self._cast for name in values):
            return False
        # Axes, shapes and indices that are stored enter no arithmetic.
        moved = [name for name in values if not self._stored_integer(name)]
        return all(self._types.get(name) is TensorType.FLOAT16 for name in moved)

    def _stored_integer(self, name: str) -> bool:
        integers = (TensorType.INT64, TensorType.INT32)
        return self._flow.is_constant(name) and self._types.get(name) in integers
