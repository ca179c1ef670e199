"""A child's samples made into a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from trtdoctor.model.build import Measurement, Spread
from trtdoctor.model.spreads import spread

# Above this share of the time of plain enqueues, a CUDA graph would save it: the host is what is slow.
_LAUNCHING = 0.2
# Without a graph: a profile's events add about a fifth to each layer.
_GAP = 1.5
# Clocks that move by more than this while measuring are told.
_STEADY = 0.03


def measurement(
    answer: Mapping[str, Any], number: int, times: Mapping[str, Sequence[float]] | None = None
) -> Measurement:
    """What a child measured of one engine.

    Args:
        answer: the answer of ``measure_engine``.
        number: which of its engines.
        times: each layer's times in milliseconds, where it was profiled.
    """
    told = answer["engines"][number]
    samples: dict[str, list[float]] = told.get("samples", {})
    kernels = None
    if times:
        kernels = sum(median(values) for values in times.values() if values)
    wall, graph = spread(samples.get("wall", ())), spread(samples.get("graph", ()))
    clocks = answer.get("clocks")
    return Measurement(
        gpu=answer.get("gpu"),
        compute_capability=answer.get("compute_capability"),
        through=answer.get("through"),
        shapes={name: tuple(shape) for name, shape in told.get("shapes", {}).items()},
        warm_up=told.get("warm_up", 0),
        repeats=told.get("repeats", 0),
        wall_ms=wall,
        events_ms=spread(samples.get("events", ())),
        single_ms=spread(samples.get("single", ())),
        graph_ms=graph,
        graph_refused=told.get("graph_refused"),
        h2d_ms=spread(samples.get("h2d", ())),
        d2h_ms=spread(samples.get("d2h", ())),
        kernels_ms=kernels,
        launch_bound=_launch_bound(wall, graph, kernels),
        sm_mhz=tuple(clocks) if clocks else None,
        sm_mhz_most=answer.get("most"),
        throttled=tuple(answer.get("throttled", ())),
        other_processes=answer.get("others"),
        notes=tuple(_notes(answer)),
    )


def _launch_bound(wall: Spread | None, graph: Spread | None, kernels: float | None) -> bool | None:
    if wall is None:
        return None
    if graph is not None:
        return wall.low - graph.high > _LAUNCHING * wall.median
    return None if not kernels else wall.low > _GAP * kernels


def _notes(answer: Mapping[str, Any]) -> Iterable[str]:
    clocks = answer.get("clocks")
    if clocks and clocks[0] < clocks[1] * (1.0 - _STEADY):
        yield (
            f"the SM clock moved between {clocks[0]} and {clocks[1]} MHz while measuring, so times "
            "measured at other moments differ"
        )
    if answer.get("throttled"):
        yield f"the GPU held its clocks down while measuring: {', '.join(answer['throttled'])}"
    if answer.get("others"):
        number = answer["others"]
        yield (
            f"{number} other process{'' if number == 1 else 'es'} computed on this GPU, so the times "
            "are those of a shared GPU"
        )
