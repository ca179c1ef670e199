"""Whether launching takes the time: then it is not FP16 that an engine lacks.

Measured times against the kernels' own. Below about 0.1 ms that is common (in our builds on an H100 an
engine of 58 us of kernels ran 103 us), and FP16, which makes kernels shorter, changes little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trtdoctor.model.engine import Layer
from trtdoctor.precision.times import in_us, us_or_ms
from trtdoctor.readers.buildlog import Build

from .log_testimony import LogTestimony

_MEDIAN = re.compile(r"\bmedian = ([0-9.]{1,20}) ms")
# Enqueuing that takes this share of the GPU's own time keeps the GPU waiting now and then.
_WAITING = 0.9
# A profile's events add about a fifth; past this factor most of the time is none of kernels.
_MOST = 2.0


def launches(log: LogTestimony | None, layers: Sequence[Layer]) -> str | None:
    """That launches take the time, in a sentence; None where nothing at hand shows it.

    trtexec's summary is of the engine that the same run built. A profile counts only where every
    layer of the log's plan has a time, and nobody can tell other work on the GPU from launches.
    """
    if log is None:
        return None
    build, name = log.build, log.log.short
    gpu, enqueue = _median(build, "GPU Compute Time"), _median(build, "Enqueue Time")
    if gpu is not None and enqueue is not None and enqueue[0] >= _WAITING * gpu[0]:
        return (
            f"By trtexec's summary enqueuing takes {us_or_ms(enqueue[0])} of a run and the GPU "
            f"computes {us_or_ms(gpu[0])} ({name}:{enqueue[1]}), so launching is what it waits for, "
            "and FP16 alone would change little."
        )
    plan = log.analysis.choice.plan_ms if log.analysis else None
    if not plan or not log.analysis or not log.analysis.choice.reproduced:
        return None
    if gpu is not None and gpu[0] >= _MOST * plan:
        return (
            f"A run takes the GPU {us_or_ms(gpu[0])} ({name}:{gpu[1]}), and all kernels and "
            f"conversions together {in_us(plan)} by the builder's timings: launches and gaps between "
            "kernels are most of it, and FP16 alone would change little."
        )
    first = [layer for layer in layers if layer.profile == log.analysis.choice.profile]
    timed = [layer.time_ms for layer in first if layer.time_ms is not None]
    if len(timed) == len(first) and timed and sum(timed) >= _MOST * plan:
        return (
            f"The profile's times sum to {us_or_ms(sum(timed))}, and all kernels and conversions take "
            f"{in_us(plan)} by the builder's timings: most of a run is likely launches, gaps between "
            "kernels, or other work on that GPU."
        )
    return None


def _median(build: Build, key: str) -> tuple[float, int] | None:
    """A median of trtexec's summary in milliseconds, and its line."""
    told = build.setting(key)
    found = _MEDIAN.search(told.value) if told else None
    try:
        return (float(found.group(1)), told.line) if told and found else None
    except ValueError:
        return None
