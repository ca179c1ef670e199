"""What a gain by the builder's own timings promises of the engine's time, where it promises anything."""

from __future__ import annotations

from trtdoctor.model.build import Measurement, Spread

# What of a gain by the builder's timings the engine has: each of its timings holds a launch of its own,
# which an engine in a CUDA graph does not pay. Measured with TensorRT 8.6 on an H100; docs/remedies.md
# has the table.
_REACHES = (0.2, 1.4)
# Elsewhere nobody knows that share yet.
_MEASURED_ON = "9.0"
# How far two engines of the same kernels are apart, as a share of their time; measured there too.
REBUILT = 0.02


def promise(
    gain: tuple[float, float] | None,
    plan_ms: float,
    io_ms: float | None,
    measured: Measurement | None,
) -> tuple[tuple[float, float] | None, str | None]:
    """What a gain by the builder's timings promises of the engine's time, or why nothing.

    Args:
        gain: the interval of the gain that the log's numbers give, in milliseconds.
        plan_ms: the plan's time by the same numbers.
        io_ms: the plan's time with the change.
        measured: the engine as it runs.
    """
    if gain is None or io_ms is None:
        return None, "the log's numbers give no gain"
    if gain[0] <= 0.0:
        return None, (
            "between two builds the builder's timings differ by as much as it would save, so only a "
            "build tells"
        )
    clock = time_of(measured)
    if clock is None:
        return None, "the engine was not timed, so nothing ties the builder's timings to its own"
    if clock[0] != "graph_ms" and measured is not None and measured.launch_bound is not False:
        return None, "launching kernels may take most of its time, which FP16 does not change"
    assert measured is not None
    if measured.compute_capability != _MEASURED_ON:
        return None, (
            "how much of the builder's timings reaches an engine was measured on compute capability "
            f"{_MEASURED_ON} alone"
        )
    saved, slack = plan_ms - io_ms, REBUILT * clock[1].median
    low, high = _REACHES[0] * saved - slack, _REACHES[1] * saved + slack
    if low <= 0.0:
        return None, (
            "what of it would reach the engine is as little as two engines of the same kernels differ"
        )
    return (low, high), None


def time_of(measured: Measurement | None) -> tuple[str, Spread] | None:
    """The clock that tells most of the kernels: as a graph, else between events, else the wall's."""
    if measured is None:
        return None
    for name in ("graph_ms", "events_ms", "wall_ms"):
        told: Spread | None = getattr(measured, name)
        if told is not None:
            return name, told
    return None
