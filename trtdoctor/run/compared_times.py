"""Engines that are compared, timed in turn on this machine's GPU."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trtdoctor.model.build import Measurement
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import Watch

from .compared_sides import Comparing, Side, engine_file


def timed_here(
    a: Side,
    b: Side,
    first: EngineReport,
    second: EngineReport,
    comparing: Comparing,
    watch: Watch,
) -> tuple[EngineReport, EngineReport, tuple[str, ...]]:
    """Both engines with times of this machine's GPU, in turn, where nothing was given that was timed."""
    given = a.times is not None or b.times is not None
    if comparing.time is None or given or _saved_with_times(a, first, b, second):
        return first, second, ()
    try:
        files = engine_file(a, first), engine_file(b, second)
    except InputError:
        # Lists of layers, and reports of engines that are elsewhere, are no engines to be timed.
        return first, second, ()
    watch.tell("timing both engines")
    found = comparing.time(files)
    if isinstance(found, str):
        return first, second, (f"they were not timed here: {found}",)
    if len(found) != len(files):
        return first, second, ("they were not timed here: one of them told no times",)
    return (
        msgspec.structs.replace(first, measured=_with_layers(found[0], first.measured)),
        msgspec.structs.replace(second, measured=_with_layers(found[1], second.measured)),
        (),
    )


def _saved_with_times(a: Side, first: EngineReport, b: Side, second: EngineReport) -> bool:
    """Whether both are saved reports that tell what was measured where they were made."""
    return all(
        Path(side.file) != Path(engine.path) and engine.measured is not None
        for side, engine in ((a, first), (b, second))
    )


def _with_layers(now: Measurement, before: Measurement | None) -> Measurement:
    """Times of now; the layers' own sum is of the build, where that was on the same GPU."""
    if before is None or before.gpu != now.gpu:
        return now
    return msgspec.structs.replace(now, kernels_ms=before.kernels_ms)
