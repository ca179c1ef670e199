"""How much of an engine each cause holds back from FP16, as bars."""

from __future__ import annotations

from dataclasses import dataclass

from trtdoctor.model.engine import EngineReport, LayersSource

from .layer_map import layers_once


@dataclass(frozen=True, kw_only=True)
class CauseRow:
    """The layers that one cause keeps from FP16; ``share`` is of all the engine's time or layers."""

    cause: str
    layers: int
    time_ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class CauseTable:
    """All causes of one engine, the one that holds back most first."""

    label: str
    unit: str
    timed: bool
    rows: tuple[CauseRow, ...]


def cause_table(engine: EngineReport, label: str) -> CauseTable | None:
    """The causes of an engine by their weight; None where no layer has a cause."""
    causes = {told.layer: told.cause.value for told in engine.explanations}
    layers = [layer for _, layer in layers_once(engine)]
    total = sum(layer.time_ms or 0.0 for layer in layers)
    counts: dict[str, int] = {}
    times: dict[str, float] = {}
    for layer in layers:
        cause = causes.get(layer.name)
        if cause is not None:
            counts[cause] = counts.get(cause, 0) + 1
            times[cause] = times.get(cause, 0.0) + (layer.time_ms or 0.0)
    if not counts:
        return None
    timed = total > 0
    unit = "node" if engine.layers_source is LayersSource.MODEL else "layer"
    rows = [
        CauseRow(
            cause=cause,
            layers=number,
            time_ms=times[cause],
            share=times[cause] / total if timed else number / len(layers),
        )
        for cause, number in counts.items()
    ]
    rows.sort(key=lambda row: -row.share)
    return CauseTable(label=label, unit=unit, timed=timed, rows=tuple(rows))
