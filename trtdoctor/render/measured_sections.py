"""How fast an engine ran, as a table: each clock's median with its interval, and what bears on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trtdoctor.model.build import Measurement, Spread
from trtdoctor.model.engine import EngineReport

from .build_sections import spread
from .build_sections import time as of_time
from .section import Section

_CLOCKS = (
    ("on the GPU", "events_ms"),
    ("enqueued one behind the other", "wall_ms"),
    ("one alone", "single_ms"),
    ("as a CUDA graph", "graph_ms"),
    ("inputs to the GPU", "h2d_ms"),
    ("outputs back", "d2h_ms"),
    ("copies and computing", "latency_ms"),
)
_LAUNCH_BOUND = {
    True: "yes: launching kernels takes much of the time, which FP16 does not shorten; a CUDA graph or "
    "larger batches do",
    False: "no",
}


def measured_sections(engines: Sequence[EngineReport]) -> Iterator[Section]:
    """The measurement of each engine; nothing of one that was not measured."""
    for engine in engines:
        if engine.measured is not None:
            of = f" of {engine.path}" if len(engines) > 1 else ""
            yield Section(title=f"One inference{of} takes", rows=tuple(_rows(engine.measured)))


def interval(time: Spread) -> str:
    """A time, and the interval that holds the true median 19 times of 20."""
    return f"{spread(time)}, {time.samples} samples"


def _rows(measured: Measurement) -> Iterator[tuple[str, str]]:
    for label, name in _CLOCKS:
        time: Spread | None = getattr(measured, name)
        if time is not None:
            yield label, interval(time)
    if measured.graph_refused:
        yield "as a CUDA graph", f"not measured: {measured.graph_refused}"
    if measured.kernels_ms is not None:
        yield "its layers' kernels", f"{of_time(measured.kernels_ms)} in all, by a profile"
    if measured.launch_bound is not None:
        yield "launch bound", _LAUNCH_BOUND[measured.launch_bound]
    if measured.gpu or measured.through:
        yield (
            "measured",
            " ".join(
                part
                for part in (
                    measured.gpu and f"on {measured.gpu}",
                    measured.through and f"by {measured.through}",
                )
                if part
            ),
        )
    for name, shape in measured.shapes.items():
        yield "shape", f"{name} {'x'.join(map(str, shape)) or 'a scalar'}"
    if measured.sm_mhz is not None:
        low, high = measured.sm_mhz
        told = f"{low}" if low == high else f"{low} to {high}"
        most = f" of at most {measured.sm_mhz_most}" if measured.sm_mhz_most else ""
        yield "SM clock", f"{told} MHz{most}"
    if measured.throttled:
        yield "clocks held down", ", ".join(measured.throttled)
    if measured.other_processes:
        yield "other processes", f"{measured.other_processes} on the same GPU"
    for note in measured.notes:
        yield "Note", note
