"""Why a layer of a strongly typed network is FP32: the places in the graph that made it so.

The engine's layers decide what happened. Where a layer is FP32 and its nodes are not, the graph's
types are no reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from trtdoctor.precision.layers import kinds

from ...model.cause import Cause
from ...model.engine import Layer, Precision
from ...model.report import Confidence, Evidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ..reasons import Place, PlaceKind, Reason
from . import operators
from .links import float_types
from .match import Match, Nodes
from .type_flow import Flow, Way, surrounded
from .widened import Widened
from .witness import GraphWitness, shown

_P, _C = Precision, Confidence
_STORED = {_P.FP32: "FP32", _P.TF32: "FP32", _P.BF16: "BF16"}
_MOST_PLACES = 4
_MOST_OPERANDS = 2
_MOST_NAMES = 8


class ByGraph:
    """One model, asked about the layers of an engine that was built from it."""

    def __init__(self, model: OnnxFacts, layers: Iterable[Layer]) -> None:
        self._model = model
        self._nodes = Nodes(model)
        self._known = any(self.match(layer).nodes for layer in layers)
        self.witness = GraphWitness(model)

    def match(self, layer: Layer) -> Match:
        """The nodes that a layer comes from."""
        return self._nodes.of(layer)

    def norms(self, layer: Layer) -> list[OnnxNode]:
        """The normalisations among a layer's nodes."""
        return [node for node in self.match(layer).nodes if node.op in operators.NORMALIZATIONS]

    def reasons(self, layer: Layer) -> list[Reason]:
        """Why the graph's types make this layer FP32 or BF16; nothing where they don't."""
        match = self.match(layer)
        if not match.nodes:
            return self._by_whole_graph(layer)
        computing = [node for node in match.nodes if not operators.moves(node)]
        if not computing:
            computing = [node for node in match.nodes if node.op not in operators.CASTS]
        bfloat = layer.precision is _P.BF16
        wide = self._of_type(computing, self._bfloats if bfloat else self._floats)
        if layer.precision is _P.MIXED and not wide:
            bfloat = True
            wide = self._of_type(computing, self._bfloats)
        if not wide:
            inside = self._normalization_in_halves(layer, match, computing)
            return inside or self._widened.reasons(layer, match.nodes)
        types = self._model.types
        agreed = len(wide) == len([n for n in computing if operators.type_of(n, types)])
        agreed = agreed and not any(operators.untold(node, types) for node in computing)
        sure = match.told and agreed and _certainly_wide(layer)
        return self._entered(layer, wide, bfloat=bfloat, sure=sure)

    def _of_type(self, nodes: Iterable[OnnxNode], flow: Flow) -> list[OnnxNode]:
        types = self._model.types
        return [node for node in nodes if operators.type_of(node, types) in flow.wide]

    def _entered(
        self, layer: Layer, wide: list[OnnxNode], *, bfloat: bool, sure: bool
    ) -> list[Reason]:
        """Which places decide that these nodes are of a wide type, and what that makes the cause."""
        flow = self._bfloats if bfloat else self._floats
        says = Cause.GRAPH_SAYS_BF16 if bfloat else Cause.GRAPH_SAYS_FP32
        inside = [] if bfloat else [node for node in wide if surrounded(flow, node)]
        outside = [node for node in wide if node not in inside]
        scaled = [node for node in outside if Way.SCALE in flow.entries(node).ways and not bfloat]
        both = [node for node in scaled if flow.entries(node).ways != Way.SCALE]
        outside = [node for node in outside if node not in scaled or node in both]
        joined = [node for node in inside if Way.OTHER in flow.entries(node).ways]
        alone = [] if bfloat else self._for_fp32_alone(layer, wide, sure=sure)
        reasons = []
        if outside:
            reasons.append(self._decided(says, layer, outside, flow, sure=sure and not inside))
        # Where other nodes of the layer would follow the model's types, those come first.
        follow = any(not node.float_only for node in outside)
        reasons = [*reasons, *alone] if follow else [*alone, *reasons]
        if scaled:
            only = sure and not outside and not inside
            reasons.append(self._decided(Cause.DQ_SCALE_FP32, layer, scaled, flow, sure=only))
        if inside and not outside and not scaled:
            # Its Casts mostly guard it, so what it is comes before what surrounds it.
            reasons += self._normalization_in_island(layer, wide)
        if inside:
            only = sure and not joined and not outside
            reasons.append(self._decided(Cause.CAST_ISLAND, layer, inside, flow, sure=only))
        if joined:
            reasons.append(self._decided(says, layer, joined, flow, sure=False))
        return list({reason.cause: reason for reason in reversed(reasons)}.values())[::-1]

    def _for_fp32_alone(self, layer: Layer, wide: list[OnnxNode], *, sure: bool) -> list[Reason]:
        """Operators that no model can have in FP16: what surrounds them had to be cast for them."""
        alone = [node for node in wide if node.float_only]
        if not alone:
            return []
        return [
            Reason(
                cause=Cause.FP32_ONLY_OPERATOR,
                confidence=_C.CERTAIN if sure and len(alone) == len(wide) else _C.LIKELY,
                evidence=(*map(self.witness.for_fp32_alone, alone[:_MOST_PLACES]), shown(layer)),
                places=tuple(
                    Place(kind=PlaceKind.NODE, name=node.label, type=TensorType.FLOAT.value)
                    for node in alone[:_MOST_PLACES]
                ),
            )
        ]

    def _decided(
        self, cause: Cause, layer: Layer, nodes: list[OnnxNode], flow: Flow, *, sure: bool
    ) -> Reason:
        entered = dict.fromkeys(p for node in nodes for p in flow.entries(node).places)
        places = list(entered)
        if cause is Cause.CAST_ISLAND:
            left = dict.fromkeys(p for node in nodes for p in flow.exits(node).places)
            places = [place for place in (*entered, *left) if place.kind is PlaceKind.CAST]
        elif cause is Cause.DQ_SCALE_FP32:
            places = [place for place in entered if flow.scale(place)]
        operands = dict.fromkeys(p for node in nodes for p in flow.operands(node))
        evidence = self.witness.computes(nodes, flow)
        if cause is Cause.DQ_SCALE_FP32:
            evidence += (self.witness.scale(place, flow) for place in places[:_MOST_PLACES])
        else:
            evidence += map(self.witness.at, places[:_MOST_PLACES])
        if len(places) > _MOST_PLACES or any(flow.entries(node).more for node in nodes):
            evidence.append(self.witness.says("graph", "further places have the same effect"))
        evidence += map(self.witness.at, list(operands)[:_MOST_OPERANDS])
        lifting = dict.fromkeys(p for node in nodes for p in flow.lifting(node))
        evidence += map(self.witness.lifts, list(lifting)[:_MOST_OPERANDS])
        return Reason(
            cause=cause,
            confidence=_C.CERTAIN if sure else _C.LIKELY,
            evidence=(*evidence, shown(layer)),
            places=tuple(places[:_MOST_PLACES] or list(operands)[:_MOST_OPERANDS]),
        )

    def _by_whole_graph(self, layer: Layer) -> list[Reason]:
        """No node is told, but nothing in the whole graph is of another floating type than FP32."""
        told = self._all_types
        if not self._known or layer.precision not in (_P.FP32, _P.TF32):
            return []
        if not told & operators.FLOAT32 or told & operators.NARROW:
            return []
        untold = any(operators.untold(node, self._model.types) for node in self._model.nodes)
        inputs, stored = self._wide_inputs, self._wide_initializers
        return [
            Reason(
                cause=Cause.GRAPH_SAYS_FP32,
                confidence=_C.LIKELY if untold or not _certainly_wide(layer) else _C.CERTAIN,
                evidence=(
                    self.witness.says("graph", "no value in it is of another floating type"),
                    *map(self.witness.at, (*inputs, *stored)),
                    shown(layer),
                ),
                places=inputs or stored,
            )
        ]

    def _normalization_in_halves(
        self, layer: Layer, match: Match, computing: list[OnnxNode]
    ) -> list[Reason]:
        """The graph's normalisation has 16-bit tensors, and the engine computes it in FP32."""
        types = self._model.types
        norms = [
            node
            for node in computing
            if node.op in operators.NORMALIZATIONS
            and operators.type_of(node, types) in operators.SIXTEEN_BIT
        ]
        if not norms or layer.precision is _P.BF16:
            return []
        alone = len(norms) == len(computing) and match.told
        return [
            Reason(
                cause=Cause.NORMALIZATION_FP32,
                confidence=_C.CERTAIN if alone else _C.LIKELY,
                evidence=(*self.witness.norms(norms), shown(layer)),
            )
        ]

    def _normalization_in_island(self, layer: Layer, wide: list[OnnxNode]) -> list[Reason]:
        """Without its Casts a normalisation would compute in FP32 still, or was cast for that."""
        norms = [node for node in wide if node.op in operators.NORMALIZATIONS]
        evidence: tuple[Evidence, ...]
        if norms:
            confidence, evidence = _C.LIKELY, tuple(self.witness.norms(norms))
        elif operators.writes_out_a_norm(wide):
            names = ", ".join(node.label for node in wide[:_MOST_NAMES])
            value = "a mean, its root and a division: a normalisation written out"
            confidence, evidence = _C.POSSIBLE, (self.witness.says(f"nodes {names}", value),)
        else:
            return []
        return [
            Reason(
                cause=Cause.NORMALIZATION_FP32,
                confidence=confidence,
                evidence=(*evidence, shown(layer)),
            )
        ]

    @cached_property
    def _floats(self) -> Flow:
        return Flow(self._model, operators.FLOAT32, operators.SIXTEEN_BIT)

    @cached_property
    def _widened(self) -> Widened:
        return Widened(self._model, self._floats, self.witness)

    @cached_property
    def _bfloats(self) -> Flow:
        return Flow(self._model, operators.BFLOAT16, frozenset({TensorType.FLOAT16}))

    @cached_property
    def _all_types(self) -> frozenset[TensorType]:
        return frozenset(self._model.types.values())

    @cached_property
    def _wide_inputs(self) -> tuple[Place, ...]:
        return tuple(
            Place(kind=PlaceKind.INPUT, name=value.name, type=value.type.value)
            for value in self._model.inputs
            if value.type in operators.FLOAT32
        )[:_MOST_PLACES]

    @cached_property
    def _wide_initializers(self) -> tuple[Place, ...]:
        largest = sorted(self._model.initializers, key=lambda stored: -(stored.elements or 0))
        return tuple(
            Place(kind=PlaceKind.INITIALIZER, name=stored.name, type=stored.type.value)
            for stored in largest
            if stored.type in operators.FLOAT32
        )[:_MOST_OPERANDS]


def _certainly_wide(layer: Layer) -> bool:
    """Whether the layer's own tensors leave no doubt that it does not compute in FP16."""
    stored = _STORED.get(layer.precision)
    if stored is None:
        return False
    inputs, outputs = float_types(layer.inputs), float_types(layer.outputs)
    if kinds.is_matrix(layer) and inputs:
        return inputs == {stored}
    return inputs | outputs == {stored}
