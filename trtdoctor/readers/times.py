"""Times of whole inferences, as trtexec's --exportTimes writes them.

The file is a JSON list with one object for each inference; up to 8.4 those of the warm-up are among
them. Points in time are milliseconds since the start of the run. Its keys, by release, from
``exportJSONTrace`` in ``samples/common/sampleReporting.cpp`` of NVIDIA/TensorRT:

- 7.0: ``startInMs endInMs startComputeMs endComputeMs startOutMs endOutMs inMs computeMs outMs
  latencyMs endToEndMs``
- 7.1 and 7.2: the same, and ``startEnqMs endEnqMs``, whose values are swapped with those of
  ``startInMs endInMs``
- 8.0 and 8.2: ``H2d`` instead of ``In`` and ``D2h`` instead of ``Out``, nothing swapped
- from 8.4 on: without ``endToEndMs``

Numbers have six digits, so that points in time are a hundredth of a millisecond apart once a run takes
a second; the durations are written as such and are exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from trtdoctor.model.plural import count

from ..model.base import Frozen
from ..model.build import Measurement
from ..model.spreads import FEWEST, spread
from .errors import FormatError, TooMuch, naming

MAX_BYTES = 1 << 28

_HOW = "Give what `trtexec --loadEngine=FILE --exportTimes=times.json` writes."
_NOT_FINITE = re.compile(rb"(:\s*)-?(?:nan|inf)\b")
_DIGITS = 6
_NOT_RECORDED = (
    "trtexec's times do not tell the GPU, its clocks, what else it was doing, the shapes, nor "
    "whether a CUDA graph was replayed"
)


class _Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    # Without a default: a list of anything else ends at its first entry.
    compute: float | None = msgspec.field(name="computeMs")
    start_enq: float | None = msgspec.field(name="startEnqMs", default=None)
    end_enq: float | None = msgspec.field(name="endEnqMs", default=None)
    start_in: float | None = msgspec.field(name="startInMs", default=None)
    end_in: float | None = msgspec.field(name="endInMs", default=None)
    start_compute: float | None = msgspec.field(name="startComputeMs", default=None)
    end_compute: float | None = msgspec.field(name="endComputeMs", default=None)
    latency: float | None = msgspec.field(name="latencyMs", default=None)
    h2d: float | None = msgspec.field(name="h2dMs", default=None)
    d2h: float | None = msgspec.field(name="d2hMs", default=None)
    in_: float | None = msgspec.field(name="inMs", default=None)
    out: float | None = msgspec.field(name="outMs", default=None)
    start_h2d: float | None = msgspec.field(name="startH2dMs", default=None)


class Times(Frozen, frozen=True, kw_only=True):
    """Times of one run of trtexec, in milliseconds, an entry for each inference.

    Attributes:
        compute: From the start to the end of the inference on the GPU, between two CUDA events.
        latency: Copying in, computing and copying out, added up; empty where that is not told.
        h2d: Copying all inputs to the GPU; zeros with ``--noDataTransfers``.
        d2h: Copying all outputs back.
        enqueue: What the CPU took to enqueue the inference; empty where that is not told.
        resolution: How exact ``enqueue`` is.
        overlapped: Whether inferences ran beside each other, in several streams.
    """

    compute: tuple[float, ...]
    latency: tuple[float, ...] = ()
    h2d: tuple[float, ...] = ()
    d2h: tuple[float, ...] = ()
    enqueue: tuple[float, ...] = ()
    resolution: float = 0.0
    overlapped: bool = False


def read_times(data: bytes, *, name: str | None = None) -> Times:
    """Reads the times that trtexec exported.

    Args:
        data: The file's bytes, at most 256 MiB of JSON.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no such times, cut, or beyond the limit.
    """
    with naming(name):
        return _read(data)


def measurement(times: Times) -> Measurement:
    """The times as a measurement: the medians, and the interval that each lies in.

    ``launch_bound`` is what trtexec itself warns of: enqueueing takes longer than computing.
    """
    notes = [_NOT_RECORDED]
    copied = any(times.h2d) or any(times.d2h)
    if not copied:
        notes.append("inputs and outputs were not copied, or that took no time")
    if times.overlapped:
        notes.append(
            "inferences ran beside each other in several streams, so that each took longer than it "
            "would alone"
        )
    return Measurement(
        through="trtexec",
        repeats=1,
        events_ms=spread(times.compute),
        latency_ms=spread(times.latency) if copied else None,
        h2d_ms=spread(times.h2d) if copied else None,
        d2h_ms=spread(times.d2h) if copied else None,
        launch_bound=_launch_bound(times),
        notes=tuple(notes),
    )


def _launch_bound(times: Times) -> bool | None:
    if not times.enqueue or times.overlapped:
        return None
    more = median(times.enqueue) - median(times.compute)
    return None if abs(more) <= times.resolution else more > 0


def _read(data: bytes) -> Times:
    if len(data) > MAX_BYTES:
        raise TooMuch(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
    if not data.strip():
        raise FormatError(f"This file is empty. {_HOW}")
    if b"nan" in data or b"inf" in data:
        # What C++ writes for numbers that are none is not JSON.
        data = _NOT_FINITE.sub(rb"\1null", data)
    try:
        entries = msgspec.json.decode(data, type=list[_Entry])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(
            f"This file is not a list of trtexec's times ({_reason(error)}). {_HOW}"
        ) from None
    if not entries or any(entry.compute is None for entry in entries):
        raise FormatError(f"This JSON list does not tell the computeMs of inferences. {_HOW}")
    if len(entries) < FEWEST:
        raise FormatError(
            f"This file tells of {count(len(entries), 'inference')}, from which no median with an interval "
            f"follows; export at least {FEWEST}, better some hundred: trtexec --iterations=200"
        )
    return _times(entries)


def _reason(error: Exception) -> str:
    deep = isinstance(error, RecursionError)
    return "nested too deeply" if deep else str(error).split("\n", 1)[0]


def _times(entries: Sequence[_Entry]) -> Times:
    swapped = any(entry.start_in is not None for entry in entries)
    enqueue = (
        _lengths((entry.start_in, entry.end_in) for entry in entries)
        # 7.0 tells no enqueueing, and its copies under the same keys.
        if swapped and any(entry.start_enq is not None for entry in entries)
        else ()
        if swapped
        else _lengths((entry.start_enq, entry.end_enq) for entry in entries)
    )
    latest = max((entry.end_compute or 0.0 for entry in entries), default=0.0)
    resolution = 2 * 10.0 ** (math.floor(math.log10(latest)) + 1 - _DIGITS) if latest > 0 else 0.0
    return Times(
        compute=_told(entry.compute for entry in entries),
        latency=_told(entry.latency for entry in entries),
        h2d=_told(entry.in_ if entry.h2d is None else entry.h2d for entry in entries),
        d2h=_told(entry.out if entry.d2h is None else entry.d2h for entry in entries),
        enqueue=enqueue,
        resolution=resolution,
        overlapped=_overlapped(entries, resolution),
    )


def _told(values: Iterable[float | None]) -> tuple[float, ...]:
    """All of the numbers; nothing where one is missing or is no duration.

    Raises:
        FormatError: A duration is negative.
    """
    found: list[float] = []
    for value in values:
        if value is None:
            return ()
        if not math.isfinite(value) or value < 0:
            raise FormatError(f"This file gives a time of {value:g} ms, which is none. {_HOW}")
        found.append(value)
    return tuple(found)


def _lengths(spans: Iterable[tuple[float | None, float | None]]) -> tuple[float, ...]:
    found: list[float] = []
    for start, end in spans:
        if start is None or end is None or not math.isfinite(end - start):
            return ()
        found.append(max(0.0, end - start))
    return tuple(found)


def _overlapped(entries: Sequence[_Entry], resolution: float) -> bool:
    """Whether most inferences began before the one before them had ended."""
    spans = sorted(
        (entry.start_compute, entry.end_compute)
        for entry in entries
        if entry.start_compute is not None and entry.end_compute is not None
    )
    early = sum(later[0] < earlier[1] - resolution for earlier, later in pairwise(spans))
    return 2 * early > len(spans) > 1
