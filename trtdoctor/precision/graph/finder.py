"""Why a layer is not FP16, as far as the ONNX graph and the engine's own layers prove it.

The engine's layers decide what happened; the graph says only why. Where the two disagree, where
the network was not certainly strongly typed, or where the model is not this engine's, the graph
proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from ...model.cause import Cause
from ...model.engine import IOTensor, Layer, Precision, Role
from ...model.report import Confidence, Evidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from .. import kinds
from ..reasons import LayerReasons, Place, PlaceKind, Reason
from . import operators
from .flow import Flow, Way
from .links import Links, float_types, holds_half
from .match import Match, Nodes

_P, _C = Precision, Confidence
_WIDE = frozenset({_P.FP32, _P.TF32, _P.BF16, _P.MIXED})
_INTEGERS = frozenset({_P.INT32, _P.INT64, _P.BOOL, _P.UINT8})
_STORED = {_P.FP32: "FP32", _P.TF32: "FP32", _P.BF16: "BF16"}
_MOST_NODES = 3
_MOST_PLACES = 4
_MOST_OPERANDS = 2


class Finder:
    """Finds the reasons of one engine's layers."""

    def __init__(
        self,
        layers: tuple[Layer, ...],
        model: OnnxFacts | None,
        *,
        strong: bool,
        weak: bool,
        io: tuple[IOTensor, ...],
    ) -> None:
        self._layers = layers
        self._model = model
        self._strong = strong
        self._weak = weak
        self._nodes = Nodes(model) if model is not None else None
        self._links = Links(layers)
        self._half = any(map(holds_half, layers)) or any(t.dtype == "FP16" for t in io)
        self._int8 = tuple(layer for layer in layers if layer.precision is _P.INT8)

    def layer(self, layer: Layer) -> LayerReasons | None:
        """The reasons for one layer; None where nobody is owed an explanation."""
        if layer.role is not Role.COMPUTE:
            return None
        if kinds.is_opaque(layer):
            return _told(layer, [self._fused(layer)], None)
        if layer.precision in _INTEGERS or _only_integers(layer):
            return _told(layer, [self._locked(layer)], None)
        if layer.precision not in _WIDE:
            return None
        reasons: list[Reason] = []
        if self._strong:
            reasons += self._by_graph(layer)
        elif self._weak:
            reasons += self._normalization_between_halves(layer)
            reasons += self._int8_alone(layer)
        if not reasons:
            reasons += self._plugin(layer)
        region = next((_region(reason) for reason in reasons if reason.places), None)
        return _told(layer, reasons, region)

    # What the engine's layers show ----------------------------------------------------------------

    def _fused(self, layer: Layer) -> Reason:
        return Reason(
            cause=Cause.INSIDE_FUSED_BLOCK,
            confidence=_C.CERTAIN,
            evidence=(
                _engine(layer, "one fused region; the types inside it are not told"),
                _engine(layer, f"inputs {_types(layer.inputs)}, outputs {_types(layer.outputs)}"),
            ),
        )

    def _locked(self, layer: Layer) -> Reason:
        sure = layer.precision_confidence == _C.CERTAIN.value or _only_integers(layer)
        return Reason(
            cause=Cause.TYPE_LOCKED,
            confidence=_C.CERTAIN if sure else _C.LIKELY,
            evidence=(
                _engine(layer, f"inputs {_types(layer.inputs)}, outputs {_types(layer.outputs)}"),
            ),
        )

    def _plugin(self, layer: Layer) -> list[Reason]:
        """A plugin computing in FP32 for which FP16 data are converted."""
        if not kinds.is_plugin(layer) or layer.precision is not _P.FP32:
            return []
        before, after = self._links.conversions(layer)
        found = [conversion for conversion in (before, after) if conversion is not None]
        if not found:
            return []
        return [
            Reason(
                cause=Cause.PLUGIN_FORMATS,
                confidence=_C.LIKELY if len(found) == 2 else _C.POSSIBLE,
                evidence=(
                    _engine(layer, f"a plugin with {_types((*layer.inputs, *layer.outputs))}"),
                    *(
                        _engine(near, f"{_types(near.inputs)} to {_types(near.outputs)}")
                        for near in found
                    ),
                ),
            )
        ]

    def _int8_alone(self, layer: Layer) -> list[Reason]:
        """INT8 beside FP32 and no FP16 anywhere: INT8 falls back to FP32 alone."""
        if self._half or not self._int8 or layer.precision not in (_P.FP32, _P.TF32):
            return []
        return [
            Reason(
                cause=Cause.INT8_WITHOUT_FP16,
                confidence=_C.LIKELY,
                evidence=(
                    _engine(layer, layer.precision.value),
                    _engine(self._int8[0], f"INT8, as {len(self._int8)} layers in all"),
                    Evidence(source="engine", value="no tensor and no weight is FP16"),
                ),
            )
        ]

    def _normalization_between_halves(self, layer: Layer) -> list[Reason]:
        """Normalisation in FP32 while its neighbours compute in FP16."""
        nodes = [n for n in self._match(layer).nodes if n.op in operators.NORMALIZATIONS]
        if not nodes and "normalization" not in kinds.kind_of(layer):
            return []
        if layer.precision not in (_P.FP32, _P.MIXED) or kinds.is_plugin(layer):
            return []
        near = [self._links.neighbours(layer, before=before) for before in (True, False)]
        around = [neighbour for side in near for neighbour in side]
        if not all(near) or any(neighbour.precision is not _P.FP16 for neighbour in around):
            return []
        return [
            Reason(
                cause=Cause.NORMALIZATION_FP32,
                confidence=_C.LIKELY,
                evidence=(
                    *self._norm_evidence(nodes),
                    _engine(layer, f"{layer.precision.value} between FP16 layers"),
                    *(_engine(side[0], "FP16") for side in near),
                ),
            )
        ]

    # What the graph shows, where types are the graph's --------------------------------------------

    def _by_graph(self, layer: Layer) -> list[Reason]:
        if self._model is None:
            return []
        match = self._match(layer)
        computing = [node for node in match.nodes if not operators.moves(node)]
        if not computing:
            computing = [node for node in match.nodes if node.op not in operators.CASTS]
        types = self._model.types
        bfloat = layer.precision is _P.BF16
        flow = self._bfloats if bfloat else self._floats
        wide = [n for n in computing if operators.type_of(n, types) in flow.wide]
        if layer.precision is _P.MIXED and not wide:
            flow, bfloat = self._bfloats, True
            wide = [n for n in computing if operators.type_of(n, types) in flow.wide]
        if not wide:
            return self._normalization_in_halves(layer, computing)
        agreed = all(
            node in wide
            for node in computing
            if operators.type_of(node, types) in operators.FLOATING or operators.untold(node, types)
        )
        sure = match.told and agreed and _certainly_wide(layer)
        return self._entered(layer, wide, flow, bfloat=bfloat, sure=sure)

    def _entered(
        self, layer: Layer, wide: list[OnnxNode], flow: Flow, *, bfloat: bool, sure: bool
    ) -> list[Reason]:
        """Which places decide that these nodes are of a wide type, and what that makes the cause."""
        surrounded = [node for node in wide if _surrounded(flow, node)]
        says = Cause.GRAPH_SAYS_BF16 if bfloat else Cause.GRAPH_SAYS_FP32
        if bfloat or len(surrounded) < len(wide):
            rest = [node for node in wide if node not in surrounded] or wide
            reasons = [self._reason(says, layer, rest, flow, sure=sure)]
            if surrounded and not bfloat:
                reasons.append(self._reason(Cause.CAST_ISLAND, layer, surrounded, flow, sure=False))
            return reasons
        mixed = [node for node in wide if Way.OTHER in flow.entries(node).ways]
        reasons = [
            self._reason(Cause.CAST_ISLAND, layer, wide, flow, sure=sure and not mixed, island=True)
        ]
        if mixed:
            reasons.append(self._reason(says, layer, mixed, flow, sure=False))
        reasons += self._normalization_in_island(layer, wide)
        return reasons

    def _reason(
        self,
        cause: Cause,
        layer: Layer,
        nodes: list[OnnxNode],
        flow: Flow,
        *,
        sure: bool,
        island: bool = False,
    ) -> Reason:
        entered = list(dict.fromkeys(p for node in nodes for p in flow.entries(node).places))
        left = list(dict.fromkeys(p for node in nodes for p in flow.exits(node).places))
        places = [p for p in entered if p.kind is PlaceKind.CAST] if island else entered
        if island:
            places += [p for p in left if p.kind is PlaceKind.CAST]
        operands = list(dict.fromkeys(p for node in nodes for p in flow.operands(node)))
        decisive = (*places[:_MOST_PLACES], *operands[:_MOST_OPERANDS])
        evidence = [self._computes(node, flow) for node in nodes[:_MOST_NODES]]
        evidence += [self._at(place) for place in decisive]
        hidden = len(places) - _MOST_PLACES
        if hidden > 0 or any(flow.entries(node).more for node in nodes):
            evidence.append(self._evidence("graph", "further places have the same effect"))
        evidence.append(_engine(layer, _shown(layer)))
        return Reason(
            cause=cause,
            confidence=_C.CERTAIN if sure else _C.LIKELY,
            evidence=tuple(evidence),
            places=tuple(places[:_MOST_PLACES]) or decisive,
        )

    def _normalization_in_halves(self, layer: Layer, computing: list[OnnxNode]) -> list[Reason]:
        """The graph's normalisation has 16-bit tensors, and the engine computes it in FP32."""
        assert self._model is not None
        norms = [
            node
            for node in computing
            if node.op in operators.NORMALIZATIONS
            and operators.type_of(node, self._model.types) in operators.SIXTEEN_BIT
        ]
        if not norms or layer.precision not in (_P.FP32, _P.TF32, _P.MIXED):
            return []
        alone = len(norms) == len(computing) and self._match(layer).told
        return [
            Reason(
                cause=Cause.NORMALIZATION_FP32,
                confidence=_C.CERTAIN if alone else _C.LIKELY,
                evidence=(*self._norm_evidence(norms), _engine(layer, _shown(layer))),
            )
        ]

    def _normalization_in_island(self, layer: Layer, wide: list[OnnxNode]) -> list[Reason]:
        """Without its Casts a normalisation would still compute in FP32, or was put there for it."""
        norms = [node for node in wide if node.op in operators.NORMALIZATIONS]
        if norms:
            confidence, evidence = _C.LIKELY, self._norm_evidence(norms)
        elif operators.writes_out_a_norm(tuple(wide)):
            names = ", ".join(node.label for node in wide[:8])
            value = "a mean, its root and a division: a normalisation written out"
            confidence, evidence = _C.POSSIBLE, [self._evidence(f"nodes {names}", value)]
        else:
            return []
        return [
            Reason(cause=Cause.NORMALIZATION_FP32, confidence=confidence, evidence=tuple(evidence))
        ]

    # Evidence -------------------------------------------------------------------------------------

    def _norm_evidence(self, nodes: Iterable[OnnxNode]) -> list[Evidence]:
        assert self._model is not None
        found = []
        for node in tuple(nodes)[:_MOST_NODES]:
            kind = operators.type_of(node, self._model.types)
            told = f"{node.op} of {kind.value if kind else 'unknown'}"
            if node.stash_type is not None:
                told += f", computed in {node.stash_type.value} (stash_type)"
            found.append(self._evidence(f"node {node.label}", told))
        return found

    def _computes(self, node: OnnxNode, flow: Flow) -> Evidence:
        assert self._model is not None
        types = self._model.types
        for word, names in (("input", node.inputs), ("output", node.outputs)):
            for name in names:
                if types.get(name) in flow.wide:
                    return self._evidence(
                        f"node {node.label}", f"{node.op}: {word} {name} is {types[name].value}"
                    )
        return self._evidence(f"node {node.label}", node.op)

    def _at(self, place: Place) -> Evidence:
        if place.kind is PlaceKind.CAST:
            return self._evidence(f"node {place.name}", f"Cast to {place.type}")
        if place.kind is PlaceKind.NODE:
            return self._evidence(f"node {place.name}", f"its result is {place.type}")
        return self._evidence(f"{place.kind.value} {place.name}", f"is {place.type}")

    def _evidence(self, where: str, value: str) -> Evidence:
        assert self._model is not None
        return Evidence(source=f"{self._model.source}: {where}", value=value)

    def _match(self, layer: Layer) -> Match:
        if self._nodes is None:
            return Match(nodes=(), told=False)
        return self._nodes.of(layer)

    @cached_property
    def _floats(self) -> Flow:
        assert self._model is not None
        return Flow(self._model, operators.FLOAT32, operators.SIXTEEN_BIT)

    @cached_property
    def _bfloats(self) -> Flow:
        assert self._model is not None
        return Flow(self._model, operators.BFLOAT16, frozenset({TensorType.FLOAT16}))


def _surrounded(flow: Flow, node: OnnxNode) -> bool:
    """Whether a Cast up leads to a node and everything from it leads to a Cast down.

    Casts right at the network's inputs and outputs, with no arithmetic in the other type beyond
    them, surround the whole network: that is no island.
    """
    before, after = flow.entries(node), flow.exits(node)
    if Way.CAST not in before.ways or Way.CAST not in after.ways or Way.OTHER in after.ways:
        return False
    return Way.CAST_BESIDE_ARITHMETIC in before.ways | after.ways


def _certainly_wide(layer: Layer) -> bool:
    """Whether the layer's own tensors leave no doubt that it does not compute in FP16."""
    stored = _STORED.get(layer.precision)
    if stored is None:
        return False
    inputs, outputs = float_types(layer.inputs), float_types(layer.outputs)
    if kinds.is_matrix(layer) and inputs:
        return inputs == {stored}
    return inputs | outputs == {stored}


def _only_integers(layer: Layer) -> bool:
    told = {tensor.dtype for tensor in (*layer.inputs, *layer.outputs)}
    return bool(told) and None not in told and told <= {p.value for p in _INTEGERS}


def _told(layer: Layer, reasons: list[Reason], region: str | None) -> LayerReasons:
    return LayerReasons(layer=layer.name, region=region, reasons=tuple(reasons))


def _region(reason: Reason) -> str:
    return ", ".join(place.name for place in reason.places)


def _engine(layer: Layer, value: str) -> Evidence:
    return Evidence(source=f"engine: layer {layer.name}", value=value)


def _shown(layer: Layer) -> str:
    return "; ".join((layer.precision.value, *layer.precision_evidence))


def _types(tensors: Iterable[object]) -> str:
    told = list(dict.fromkeys(getattr(tensor, "dtype", None) or "unknown" for tensor in tensors))
    return " and ".join(told) or "none"
