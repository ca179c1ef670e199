"""Why a layer is not FP16, as far as the engine's own layers and the ONNX graph prove it."""

from __future__ import annotations

from trtdoctor.precision.layers import kinds
from trtdoctor.precision.layers.roles import FLOATS, QUANTISED

from ...model.cause import Cause
from ...model.engine import IOTensor, Layer, Precision, Role
from ...model.report import Confidence, Evidence
from ...model.typing import Typing
from ..reasons import LayerReasons, Reason
from .graph_causes import ByGraph
from .links import Links, holds_half
from .witness import engine, shown, types_of

_P, _C = Precision, Confidence
_WIDE = frozenset({_P.FP32, _P.TF32, _P.BF16, _P.MIXED})
_INTEGERS = frozenset({_P.INT32, _P.INT64, _P.BOOL, _P.UINT8})


class Finder:
    """Finds the reasons of one engine's layers.

    In a strongly typed network the graph decides, in a weakly typed one the builder; where it is
    not known which it is, what follows from either alone is not told.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        graph: ByGraph | None,
        *,
        typing: Typing,
        io: tuple[IOTensor, ...],
    ) -> None:
        self._graph = graph
        self._typing = typing
        self._links = Links(layers)
        self._half = any(map(holds_half, layers)) or any(t.dtype == "FP16" for t in io)
        self._alone = sum(layer.role is Role.COMPUTE for layer in layers) == 1
        self._all_floats = _only_fp32(layers, io)
        self._int8 = tuple(layer for layer in layers if layer.precision is _P.INT8)

    def layer(self, layer: Layer) -> LayerReasons | None:
        """The reasons for one layer; None where nobody is owed an explanation."""
        if layer.role is not Role.COMPUTE:
            return None
        reasons: list[Reason] = []
        if kinds.is_opaque(layer):
            if _only_integers(layer):
                reasons += self._locked(layer)
            reasons += self._fused(layer)
        elif layer.precision in _INTEGERS or _only_integers(layer):
            reasons += self._locked(layer)
        elif layer.precision not in _WIDE:
            return None
        elif self._typing is Typing.STRONG and self._graph is not None:
            reasons += self._graph.reasons(layer)
        elif self._typing is Typing.STRONG:
            reasons += self._by_engine_alone(layer)
        elif self._typing is Typing.WEAK:
            reasons += self._normalization_between_halves(layer)
            reasons += self._int8_alone(layer)
        if not reasons:
            reasons += self._plugin(layer)
        places = next((reason.places for reason in reasons if reason.places), ())
        return LayerReasons(
            layer=layer.name,
            region=", ".join(place.name for place in places) or None,
            reasons=tuple(reasons),
        )

    def _by_engine_alone(self, layer: Layer) -> list[Reason]:
        """Without the model: where the engine knows no other floating type, nor did the model.

        Beside FP16 or quantised tensors the model may have Casts or scales, and only it can tell.
        """
        if not self._all_floats or layer.precision not in (_P.FP32, _P.TF32):
            return []
        return [
            Reason(
                cause=Cause.GRAPH_SAYS_FP32,
                confidence=_C.LIKELY,
                evidence=(
                    Evidence(source="engine", value="strongly typed: types are the model's own"),
                    Evidence(
                        source="engine",
                        value="FP32 is the only floating type that its tensors have",
                    ),
                    shown(layer),
                ),
            )
        ]

    def _fused(self, layer: Layer) -> list[Reason]:
        edges = f"inputs {types_of(layer.inputs)}, outputs {types_of(layer.outputs)}"
        return [
            Reason(
                cause=Cause.INSIDE_FUSED_BLOCK,
                confidence=_C.CERTAIN,
                evidence=(
                    engine(layer, "one fused region; the types inside it are not visible"),
                    engine(layer, edges),
                ),
            )
        ]

    def _locked(self, layer: Layer) -> list[Reason]:
        sure = layer.precision_confidence is _C.CERTAIN or _only_integers(layer)
        confidence = _C.CERTAIN if sure else _C.LIKELY
        if kinds.is_opaque(layer):
            # A region that is the whole network may compute on floats between integer edges, as a
            # language model does from tokens to tokens; beside others it is index arithmetic.
            confidence = _C.POSSIBLE if self._alone else _C.LIKELY
        inside = (
            "; what a fused region does inside is not visible" if kinds.is_opaque(layer) else ""
        )
        edges = f"inputs {types_of(layer.inputs)}, outputs {types_of(layer.outputs)}"
        return [
            Reason(
                cause=Cause.TYPE_LOCKED,
                confidence=confidence,
                evidence=(engine(layer, edges + inside),),
            )
        ]

    def _plugin(self, layer: Layer) -> list[Reason]:
        """A plugin computing in FP32 for which FP16 data are converted."""
        if not kinds.is_plugin(layer) or layer.precision is not _P.FP32:
            return []
        found = [near for near in self._links.conversions(layer) if near is not None]
        if not found:
            return []
        edges = f"a plugin; inputs {types_of(layer.inputs)}, outputs {types_of(layer.outputs)}"
        return [
            Reason(
                cause=Cause.PLUGIN_FORMATS,
                confidence=_C.LIKELY if len(found) == 2 else _C.POSSIBLE,
                evidence=(
                    engine(layer, edges),
                    *(
                        engine(near, f"{types_of(near.inputs)} to {types_of(near.outputs)}")
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
                    engine(layer, layer.precision.value),
                    engine(self._int8[0], f"INT8, one of {len(self._int8)} such layers"),
                    Evidence(source="engine", value="no tensor and no weight is FP16"),
                ),
            )
        ]

    def _normalization_between_halves(self, layer: Layer) -> list[Reason]:
        """Normalisation in FP32 while all its neighbours compute in FP16."""
        norms = self._graph.norms(layer) if self._graph is not None else []
        if not norms and "normalization" not in kinds.kind_of(layer):
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
                    *(self._graph.witness.norms(norms) if self._graph is not None else ()),
                    engine(layer, f"{layer.precision.value}, of type {layer.type}"),
                    *(engine(side[0], "FP16, beside it") for side in near),
                ),
            )
        ]


def _only_fp32(layers: tuple[Layer, ...], io: tuple[IOTensor, ...]) -> bool:
    """Whether FP32 is the only floating or quantised type that the engine's tensors have."""
    if any(map(kinds.is_opaque, layers)):
        return False
    told: set[str | None] = {tensor.dtype for tensor in io}
    for layer in layers:
        told |= {tensor.dtype for tensor in (*layer.inputs, *layer.outputs, *layer.constants)}
        if layer.weights is not None:
            told.add(layer.weights.dtype)
    return told & (FLOATS | QUANTISED) == {"FP32"}


def _only_integers(layer: Layer) -> bool:
    told = {tensor.dtype for tensor in (*layer.inputs, *layer.outputs)}
    return bool(told) and None not in told and told <= {p.value for p in _INTEGERS}
