"""The shape of an answer to "why not FP16?", as far as a build log can give it."""

from __future__ import annotations

from enum import Enum

from ...model.base import Frozen
from ...model.report import Confidence, Evidence
from .model import DecidedAgain


class Cause(str, Enum):
    """The causes that a build log alone can prove; the names are the report document's."""

    NOT_ENABLED = "not-enabled"
    FASTER_IN_FP32 = "faster-in-fp32"
    CONVERSION_COSTS_MORE = "conversion-costs-more"
    NETWORK_IO = "network-io"
    PINNED = "pinned"
    CONSTRAINT_NOT_HONOURED = "constraint-not-honoured"
    NO_FP16_KERNEL = "no-fp16-kernel"
    TACTIC_MEMORY = "tactic-memory"
    NEAR_TIE = "near-tie"
    DLA_FALLBACK = "dla-fallback"
    INSIDE_FUSED_BLOCK = "inside-fused-block"
    INT8_WITHOUT_FP16 = "int8-without-fp16"
    HARDWARE = "hardware-no-fast-fp16"


class Reason(Frozen, frozen=True, kw_only=True):
    """One cause with what proves it; never without evidence."""

    cause: Cause
    confidence: Confidence
    evidence: tuple[Evidence, ...]


class Cost(Frozen, frozen=True, kw_only=True):
    """What FP16 would cost this layer's region, in milliseconds, beside the plan's whole time."""

    margin_ms: float
    kernels_ms: float
    conversions_ms: float
    plan_ms: float


class LayerReasons(Frozen, frozen=True, kw_only=True):
    """Why a layer is not FP16; the cause whose removal changes the outcome comes first."""

    layer: str
    line: int
    region: str | None
    decided_again: DecidedAgain | None
    reasons: tuple[Reason, ...]
    cost: Cost | None


class Witness:
    """Makes evidence out of lines of one log."""

    def __init__(self, log: str) -> None:
        self._log = log

    def at(self, line: int | None, value: str) -> Evidence:
        """A value read from a line; without a line, one that was computed from the whole log."""
        return Evidence(source=self._log if line is None else f"{self._log}:{line}", value=value)


def us(ms: float) -> str:
    """A time in microseconds, as people compare kernels."""
    return f"{ms * 1000:.2f} us"
