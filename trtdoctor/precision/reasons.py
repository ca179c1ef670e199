"""The shape of an answer to "why not FP16?", whichever witness gives it."""

from __future__ import annotations

from enum import Enum

from ..model.base import Frozen
from ..model.cause import Cause, DecidedAgain
from ..model.report import Confidence, Evidence


class PlaceKind(str, Enum):
    """What a place in the ONNX graph is."""

    INPUT = "input"
    OUTPUT = "output"
    INITIALIZER = "initializer"
    CAST = "cast"
    NODE = "node"


class Place(Frozen, frozen=True, kw_only=True):
    """A place in the ONNX graph that decides a type.

    ``name`` is a value's or a node's; ``type`` the element type there, a Cast's target.
    """

    kind: PlaceKind
    name: str
    type: str


class Reason(Frozen, frozen=True, kw_only=True):
    """One cause with what proves it; never without evidence.

    ``places`` are where in the graph it is decided, for the causes that the graph proves.
    ``scratch_bytes`` is the memory that skipped FP16 tactics asked for, where the log tells it.
    """

    cause: Cause
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    places: tuple[Place, ...] = ()
    scratch_bytes: int | None = None


class Cost(Frozen, frozen=True, kw_only=True):
    """What FP16 would cost this layer's region, in milliseconds, beside the plan's whole time."""

    margin_ms: float
    kernels_ms: float
    conversions_ms: float
    plan_ms: float


class LayerReasons(Frozen, frozen=True, kw_only=True):
    """Why a layer is not FP16; the cause whose removal changes the outcome comes first.

    ``line`` is the layer's in the build log, null where no log told; ``region`` names the group of
    layers that share the answer.
    """

    layer: str
    line: int | None = None
    region: str | None = None
    decided_again: DecidedAgain | None = None
    reasons: tuple[Reason, ...] = ()
    cost: Cost | None = None
