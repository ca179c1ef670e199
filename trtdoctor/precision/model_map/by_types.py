"""Which type each part of a model gets in a strongly typed build: its tensors' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from ...model.cause import Cause
from ...model.engine import Precision
from ...model.finding import Confidence
from ...model.model_report import PrecisionMap, Region, Work
from ...model.typing import Typing
from ...readers.onnxmodel import OnnxNode, TensorType
from ..graph import operators
from ..graph.type_flow import Flow, Way, surrounded
from .parts import Kind, Parts, described, regions, shares, total

_P = Precision
_MOST_PLACES = 4
# So many nodes of one region are asked where their type comes from.
_MOST_ASKED = 1000
_WORDS = {
    Cause.GRAPH_SAYS_FP32: "its tensors are FP32 in the model",
    Cause.GRAPH_SAYS_BF16: "its tensors are BF16 in the model",
    Cause.CAST_ISLAND: "Casts to FP32 and back surround it",
    Cause.DQ_SCALE_FP32: "the scale of the DequantizeLinear before it is FP32",
    Cause.FP32_ONLY_OPERATOR: "ONNX defines its operator for FP32 and not for FP16",
    Cause.UNKNOWN: "its type does not follow from the model",
}


def map_by_types(parts: Parts, releases: str) -> PrecisionMap:
    """The map where the model's types decide.

    Args:
        parts: the model.
        releases: of what the map is true, in words.
    """
    causes = _Causes(parts)
    kinds = {
        place: Kind((precision,), causes.of(node, precision))
        for place, (node, _, precision) in parts.compute
    }

    def describe(kind: Kind, places: Sequence[int]) -> Region:
        region = described(parts, places, kind)
        if kind.cause is None:
            return region
        nodes = [parts.nodes[place].node for place in places]
        return msgspec.structs.replace(
            region,
            because=_WORDS.get(kind.cause),
            confidence=None if kind.cause is Cause.UNKNOWN else Confidence.LIKELY,
            places=causes.places(kind, nodes),
        )

    found = regions(parts, kinds, describe)
    works = shares(found)
    counted = len(kinds)
    return PrecisionMap(
        typing=Typing.STRONG,
        releases=releases,
        regions=found,
        shares=works,
        counted=total(works.values()),
        fp16_share=_share(works, _P.FP16, counted),
        unknown_share=_share(works, _P.UNKNOWN, counted),
    )


def _share(works: Mapping[str, Work], precision: Precision, counted: int) -> float | None:
    return works.get(precision.value, Work()).nodes / counted if counted else None


class _Causes:
    """Why a node is not FP16, by the ways that its type takes through the model."""

    def __init__(self, parts: Parts) -> None:
        self._model = parts.model
        # Without any Cast or scale there is only one way in.
        self._converts = any(
            node.op in operators.CASTS or node.op in operators.DEQUANTIZERS
            for node in parts.model.nodes
        )

    def of(self, node: OnnxNode, precision: Precision) -> Cause | None:
        """Why a compute node of this type is not FP16; None for FP16 and narrower types."""
        if precision is _P.UNKNOWN:
            return Cause.UNKNOWN
        if precision is _P.BF16:
            return Cause.GRAPH_SAYS_BF16
        if precision is not _P.FP32:
            return None
        if node.float_only:
            return Cause.FP32_ONLY_OPERATOR
        if not self._converts:
            return Cause.GRAPH_SAYS_FP32
        if surrounded(self._floats, node):
            return Cause.CAST_ISLAND
        if self._floats.entries(node).ways == Way.SCALE:
            return Cause.DQ_SCALE_FP32
        return Cause.GRAPH_SAYS_FP32

    def places(self, kind: Kind, nodes: Sequence[OnnxNode]) -> tuple[str, ...]:
        """The graph inputs, Casts, constants and scales through which the type comes in."""
        cause = kind.cause
        if cause in (Cause.UNKNOWN, Cause.FP32_ONLY_OPERATOR):
            return ()
        if cause is Cause.GRAPH_SAYS_FP32 and not self._converts and self._wide_inputs:
            return self._wide_inputs
        flow = self._bfloats if cause is Cause.GRAPH_SAYS_BF16 else self._floats
        found: dict[str, None] = {}
        for node in nodes[:_MOST_ASKED]:
            entered = flow.entries(node).places
            left = flow.exits(node).places if cause is Cause.CAST_ISLAND else ()
            found.update(dict.fromkeys(place.name for place in (*entered, *left)))
            if len(found) >= _MOST_PLACES:
                break
        return tuple(found)[:_MOST_PLACES]

    @cached_property
    def _wide_inputs(self) -> tuple[str, ...]:
        wide = [value.name for value in self._model.inputs if value.type in operators.FLOAT32]
        return tuple(wide[:_MOST_PLACES])

    @cached_property
    def _floats(self) -> Flow:
        return Flow(self._model, operators.FLOAT32, operators.SIXTEEN_BIT)

    @cached_property
    def _bfloats(self) -> Flow:
        return Flow(self._model, operators.BFLOAT16, frozenset({TensorType.FLOAT16}))
