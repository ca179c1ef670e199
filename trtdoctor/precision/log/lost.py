"""What lines that could not be read leave open.

A candidate that is lost may have been the Half one, so what rests on there being none is not said
of its layer, and nothing that other lines could have changed is certain.
"""

from __future__ import annotations

import msgspec

from trtdoctor.model.report import Confidence
from trtdoctor.readers.buildlog import Autotuning, Build

from ..candidates import touches_floats
from .witness import Cause, Reason

# These rest on a sentence of the log or on a layer's kind, which no other line can take back.
_TOLD = frozenset(
    {
        Cause.HARDWARE,
        Cause.DLA_FALLBACK,
        Cause.CONSTRAINT_NOT_HONOURED,
        Cause.INSIDE_FUSED_BLOCK,
    }
)


def lowered(reason: Reason, build: Build) -> Reason:
    """A reason as certain as it can be of a build with lost lines: likely at most."""
    sure = reason.confidence is not Confidence.CERTAIN or reason.cause in _TOLD
    if build.lost is None or sure:
        return reason
    return msgspec.structs.replace(reason, confidence=Confidence.LIKELY)


def shows_absence(build: Build) -> bool:
    """Whether a build without a Half candidate can be said to have had none.

    With FP16 allowed nearly every layer has one. So of most layers that have floating tensors all
    candidates must have been read; where more are damaged, their Half ones may be what is lost.
    """
    tunings = [
        tuning
        for attempt in build.attempts
        for tuning in attempt.layers
        if tuning.lost is not None or any(map(touches_floats, tuning.candidates))
    ]
    lost = build.lost.count if build.lost is not None else 0
    damaged = sum(tuning.lost is not None for tuning in tunings)
    return not lost or 2 * max(lost, damaged) < len(tunings)


def all_read(tuning: Autotuning) -> bool:
    """Whether every candidate of a layer and its results were read."""
    return tuning.lost is None
