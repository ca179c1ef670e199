"""Whether launching takes the time: then it is not FP16 that an engine lacks.

Measured times against the kernels' own. Below about 0.1 ms that is common (in our builds on an H100 an
engine of 58 us of kernels ran 103 us), and FP16, which makes kernels shorter, changes little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from trtdoctor.model.build import Measurement
from trtdoctor.model.engine import Layer, Role
from trtdoctor.model.finding import Confidence
from trtdoctor.precision.times import in_us, us_or_ms
from trtdoctor.readers.buildlog import Build

from .log_testimony import LogTestimony

_MEDIAN = re.compile(r"\bmedian = ([0-9.]{1,20}) ms")
# From this share of the GPU's time on trtexec itself says that enqueuing may bound the throughput
# (samples/common/sampleReporting.cpp, as of 11.1).
_WAITING = 0.8
# A launch takes a host a few microseconds. What enqueues for longer than this a layer waits for the
# GPU in between (a plugin, a loop, a shape that depends on data), as public logs of 40 ms to 2.5 s do.
_LONGEST_LAUNCH_MS = 0.02
# A profile's events add about a fifth; past this factor most of the time is none of kernels.
_MOST = 2.0


def launches(log: LogTestimony | None, layers: Sequence[Layer]) -> str | None:
    """That launches take the time, in a sentence; None where nothing at hand shows it.

    trtexec's summary is of the engine that the same run built, and counts where that run was one of
    single enqueues at the shapes that the builder timed. A profile counts only where shapes are fixed
    and every layer of the log's plan has a time. Nobody can tell other work on the GPU from launches.
    """
    if log is None:
        return None
    build, name = log.build, log.log.short
    gpu, enqueue = _median(build, "GPU Compute Time"), _median(build, "Enqueue Time")
    if not _plain(build):
        gpu = enqueue = None
    choice = log.analysis.choice if log.analysis else None
    if gpu is not None and enqueue is not None and enqueue[0] >= _WAITING * gpu[0]:
        number = _launched(layers)
        if number and enqueue[0] <= _LONGEST_LAUNCH_MS * number:
            return (
                f"By trtexec's summary enqueuing takes {us_or_ms(enqueue[0])} of a run and the GPU "
                f"computes {us_or_ms(gpu[0])} ({name}:{enqueue[1]}), so launching is likely what it "
                "waits for, and FP16 alone would change little."
            )
    if choice is None or choice.ceiling is not Confidence.CERTAIN or choice.profile != 0:
        return None
    plan = choice.plan_ms
    fixed = not _dynamic(build)
    if plan and gpu is not None and gpu[0] >= _MOST * plan and (fixed or _at_optimum(build)):
        return (
            f"A run takes the GPU {us_or_ms(gpu[0])} ({name}:{gpu[1]}), and all kernels and "
            f"conversions together {in_us(plan)} by the builder's timings: most of a run is likely "
            "launches, gaps between kernels, or other work on that GPU."
        )
    first = [layer for layer in layers if layer.profile == choice.profile]
    timed = [layer.time_ms for layer in first if layer.time_ms is not None]
    if plan and fixed and len(timed) == len(first) and timed and sum(timed) >= _MOST * plan:
        return (
            f"The profile's times sum to {us_or_ms(sum(timed))}, and all kernels and conversions take "
            f"{in_us(plan)} by the builder's timings: most of a run is likely launches, gaps between "
            "kernels, or other work on that GPU."
        )
    return None


def measured_launches(measured: Measurement | None) -> str | None:
    """That launches take the time, by a measurement of the engine itself; None where they do not."""
    if measured is None or not measured.launch_bound or measured.wall_ms is None:
        return None
    wall = measured.wall_ms.median
    graph = measured.graph_ms
    if graph is not None:
        return (
            f"Measured on {measured.gpu}, an inference takes {us_or_ms(wall)}, and as a CUDA graph "
            f"{us_or_ms(graph.median)}: most of the difference is launching kernels, which FP16 does not "
            "shorten."
        )
    return (
        f"Measured on {measured.gpu}, an inference takes {us_or_ms(wall)}, and its layers' own times sum "
        f"to {us_or_ms(measured.kernels_ms or 0.0)}: most of it is launching kernels, which FP16 does not "
        "shorten."
    )


def _launched(layers: Iterable[Layer]) -> int:
    """How many layers the first optimisation profile launches, as far as they are told."""
    idle = (Role.CONSTANT, Role.SHAPE)
    return sum(
        1
        for layer in layers
        if layer.profile == 0 and layer.role not in idle and layer.type != "NoOp"
    )


def _plain(build: Build) -> bool:
    """Whether the run enqueued one inference after another, without a graph and unprofiled.

    Without the command nobody knows.
    """
    options = _options(build)
    if options is None or "--useCudaGraph" in options:
        return False
    profiled = "--dumpProfile" in options or "--exportProfile" in options
    if profiled and "--separateProfileRun" not in options:
        return False
    return all(options.get(key, "1") == "1" for key in ("--streams", "--infStreams"))


def _at_optimum(build: Build) -> bool:
    """Whether trtexec ran the shapes that its builder timed."""
    options = _options(build)
    if options is None:
        return False
    ran, optimum = options.get("--shapes"), options.get("--optShapes")
    return ran is None or optimum is None or ran == optimum


def _options(build: Build) -> dict[str, str] | None:
    """The options of the user's own command; None where the log does not tell it."""
    command = build.setting("command")
    if command is None:
        return None
    pairs = (word.partition("=") for word in command.value.split() if word.startswith("--"))
    return {option: value for option, _, value in pairs}


def _dynamic(build: Build) -> bool:
    """Whether any tensor of the engine has an extent that only a run knows."""
    return any(
        extent < 0
        for layer in build.layers
        for tensor in (*layer.inputs, *layer.outputs)
        for extent in tensor.dims
    )


def _median(build: Build, key: str) -> tuple[float, int] | None:
    """A median of trtexec's summary in milliseconds, and its line."""
    told = build.setting(key)
    found = _MEDIAN.search(told.value) if told else None
    try:
        return (float(found.group(1)), told.line) if told and found else None
    except ValueError:
        return None
