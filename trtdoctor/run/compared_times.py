"""Engines that are compared, timed in turn on this machine's GPU."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trtdoctor.model.build import Measurement
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.watch import Watch

from .compared_sides import Comparing, Side


def timed_here(
    a: Side,
    b: Side,
    first: EngineReport,
    second: EngineReport,
    comparing: Comparing,
    watch: Watch,
) -> tuple[EngineReport, EngineReport, tuple[str, ...]]:
    """Both engines with times of this machine's GPU, in turn, where nothing was given that was timed."""
    plans = (first.identity, second.identity)
    if comparing.time is None or a.times is not None or b.times is not None or None in plans:
        return first, second, ()
    if (
        not (Path(a.file).is_file() and Path(b.file).is_file())
        or first.size is None
        or second.size is None
    ):
        return first, second, ()
    watch.tell("timing both engines")
    found = comparing.time((Path(a.file), Path(b.file)))
    if isinstance(found, str):
        return first, second, (f"they were not timed here: {found}",)
    return (
        msgspec.structs.replace(first, measured=_with_layers(found[0], first.measured)),
        msgspec.structs.replace(second, measured=_with_layers(found[1], second.measured)),
        (),
    )


def _with_layers(now: Measurement, before: Measurement | None) -> Measurement:
    """Times of now; the layers' own sum is of the build, where that was on the same GPU."""
    if before is None or before.gpu != now.gpu:
        return now
    return msgspec.structs.replace(now, kernels_ms=before.kernels_ms)
