"""Bars: what FP16 would cost a plan, and what a remedy that was followed gained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trtdoctor.model.build import Proof
from trtdoctor.model.engine import CostTold
from trtdoctor.render.build_sections import time

# Percent of a bar's cell on either side of zero, so that no end touches the edge.
_SIDE = 48.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row: from ``x`` on ``width`` percent of the cell, ``kind`` the class that fills it.

    ``point`` is where its middle is marked, ``zero`` where zero is; null for neither.
    """

    label: str
    told: str
    x: float
    width: float
    kind: str
    zero: float | None = 50.0
    point: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars on one scale, and what the two directions mean."""

    title: str
    rows: tuple[Bar, ...]
    note: str


def cost_scale(costs: Iterable[CostTold]) -> float:
    """The greatest difference in milliseconds, so that the bars of all groups compare."""
    return max(
        (max(map(abs, (c.kernels_ms, c.conversions_ms, c.margin_ms))) for c in costs), default=0.0
    )


def cost_bars(cost: CostTold, scale: float) -> Bars:
    """What would change with FP16 here: its kernels, the conversions, and both together.

    ``scale`` is in milliseconds, of :func:`cost_scale`.
    """
    rows = (
        _signed("kernels", cost.kernels_ms, scale),
        _signed("conversions", cost.conversions_ms, scale),
        _signed("together", cost.margin_ms, scale),
    )
    return Bars(
        title="What FP16 would change here, by the builder's own timings",
        rows=rows,
        note="To the left FP16 would save time, to the right it would take more.",
    )


def _signed(label: str, ms: float, scale: float) -> Bar:
    width = _SIDE * min(1.0, abs(ms) / scale) if scale else 0.0
    told = f"{_exact(ms)} {'more' if ms > 0 else 'less'}" if ms else "no difference"
    return Bar(
        label=label,
        told=told,
        x=50.0 if ms > 0 else 50.0 - width,
        width=width,
        kind="more" if ms > 0 else "less",
    )


def proof_bars(proof: Proof) -> Bars | None:
    """What was promised beside what was measured; None where nothing was."""
    spans: list[tuple[str, float, float, float | None]] = []
    if proof.promised_ms is not None:
        spans.append(("promised", *proof.promised_ms, None))
    if proof.gained_ms is not None:
        middle, low, high = proof.gained_ms
        spans.append(("measured", low, high, middle))
    if not spans:
        return None
    scale = max(max(abs(low), abs(high)) for _, low, high, _ in spans)
    return Bars(
        title="Time saved in each inference",
        rows=tuple(_range(*span, scale) for span in spans),
        note="To the right time was saved, to the left lost; a bar is where the truth lies 19 times of 20.",
    )


def _range(label: str, low: float, high: float, middle: float | None, scale: float) -> Bar:
    def place(ms: float) -> float:
        return 50.0 + (_SIDE * ms / scale if scale else 0.0)

    told = f"{_saved(low)} to {_saved(high)}"
    return Bar(
        label=label,
        told=told if middle is None else f"{_saved(middle)} ({told})",
        x=place(low),
        width=place(high) - place(low),
        kind="range",
        point=None if middle is None else place(middle),
    )


def _saved(ms: float) -> str:
    return f"{'-' if ms < 0 else ''}{_exact(ms)}"


def _exact(ms: float) -> str:
    """The size of a difference, as exactly as the text beside it tells it."""
    return f"{abs(ms) * 1000:.2f} us" if abs(ms) < 1.0 else time(abs(ms))
