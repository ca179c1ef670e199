"""Per-layer times, as trtexec's --exportProfile or a plain object tells them, joined to layers."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec

from trtdoctor.model.base import Frozen
from trtdoctor.model.engine import Layer

from .errors import FormatError, naming
from .layers.decode import parse_pairs, to_text
from .layers.names import split_profile
from .layers.objects import clean, lowered

MAX_BYTES = 1 << 27

_HOW = (
    "Give what `trtexec --loadEngine=FILE --exportProfile=profile.json --separateProfileRun` "
    "writes, or a JSON object of layer names and milliseconds."
)
# The median is not moved by one slow run; trtexec writes it since TensorRT 8.2.
_PER_RUN = ("medianms", "averagems", "ms", "time_ms", "latency_ms", "latency")


class LayerTime(Frozen, frozen=True, kw_only=True):
    """One entry of a profile: a layer's time for one inference, in milliseconds."""

    name: str
    ms: float


class Profile(Frozen, frozen=True, kw_only=True):
    """Per-layer times in the order measured. ``runs`` is the number of inferences, where told."""

    times: tuple[LayerTime, ...]
    runs: int | None = None


class Joined(Frozen, frozen=True, kw_only=True):
    """Layers with their times, and what found no counterpart on either side.

    ``untimed_layers`` counts the layers of the profiles that were run; layers of an optimisation
    profile of which nothing was timed are not missing.
    """

    layers: tuple[Layer, ...]
    matched: int
    untimed_layers: tuple[str, ...]
    unmatched_times: tuple[LayerTime, ...]


def read_profile(data: bytes, *, name: str | None = None) -> Profile:
    """Reads per-layer times.

    Two forms are read: the list that trtexec exports, and an object of layer names and
    milliseconds, one number or the list of all runs, as profilers on IProfiler write it.

    Args:
        data: The file's bytes, at most 128 MiB of JSON.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no profile, cut, or beyond the limit.
    """
    with naming(name):
        return _read(data)


def _read(data: bytes) -> Profile:
    if len(data) > MAX_BYTES:
        raise FormatError(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
    if not data.strip():
        raise FormatError(f"This file is empty. {_HOW}")
    value = parse_pairs(to_text(data), _HOW)
    if isinstance(value, list):
        return _from_entries(value)
    if isinstance(value, tuple):
        # JSON objects come as tuples of pairs, so that a name told twice is not lost.
        times = [LayerTime(name=clean(k), ms=ms) for k, v in value if (ms := _ms(v)) is not None]
        if times and len(times) == len(value):
            return Profile(times=tuple(times))
    raise FormatError(f"This JSON is not a per-layer time profile. {_HOW}")


def _from_entries(entries: list[Any]) -> Profile:
    runs: int | None = None
    times: list[LayerTime] = []
    for entry in entries:
        keys = lowered(dict(entry)) if isinstance(entry, tuple) else {}
        name, count = keys.get("name"), keys.get("count")
        if isinstance(name, str):
            ms = next((m for k in _PER_RUN if (m := _ms(keys.get(k))) is not None), None)
            total = _ms(keys.get("timems"))
            if ms is None and total is not None:
                ms = total / (runs or 1)
            if ms is not None:
                times.append(LayerTime(name=clean(name), ms=ms))
                continue
        elif isinstance(count, int) and not isinstance(count, bool) and count > 0:
            runs = count
            continue
        raise FormatError(f"This JSON list is not a per-layer time profile. {_HOW}")
    if not times:
        raise FormatError(f"This profile lists no layer. {_HOW}")
    return Profile(times=tuple(times), runs=runs)


def _ms(value: object) -> float | None:
    """A time in milliseconds; of a list of runs, the median."""
    if isinstance(value, list) and value:
        runs = [_ms(run) for run in value if not isinstance(run, list)]
        told = [run for run in runs if run is not None]
        return median(told) if len(told) == len(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def join(layers: tuple[Layer, ...], profile: Profile) -> Joined:
    """Gives each layer its time, by name.

    Layers of one name take the entries of that name in order. What finds no exact name is tried
    without its ``[profile N]`` mark, at first within the same optimisation profile. Nothing is
    split, summed or shared: what does not pair one to one is told as unmatched.

    Args:
        layers: The engine's layers, in order.
        profile: The measured times.
    """
    times: list[float | None] = [None] * len(layers)
    left = _pair(
        list(profile.times),
        lambda entry: (entry.name,),
        [(i, (layer.name,)) for i, layer in enumerate(layers)],
        times,
    )
    open_layers = [i for i, ms in enumerate(times) if ms is None]
    left = _pair(
        left,
        lambda entry: split_profile(entry.name),
        [(i, (split_profile(layers[i].name)[0], layers[i].profile)) for i in open_layers],
        times,
    )
    open_layers = [i for i, ms in enumerate(times) if ms is None]
    left = _pair(
        left,
        lambda entry: split_profile(entry.name)[:1],
        [(i, split_profile(layers[i].name)[:1]) for i in open_layers],
        times,
    )
    run = {layers[i].profile for i, ms in enumerate(times) if ms is not None}
    return Joined(
        layers=tuple(
            layer if ms is None else msgspec.structs.replace(layer, time_ms=ms)
            for layer, ms in zip(layers, times, strict=True)
        ),
        matched=sum(1 for ms in times if ms is not None),
        untimed_layers=tuple(
            layers[i].name for i, ms in enumerate(times) if ms is None and layers[i].profile in run
        ),
        unmatched_times=tuple(left),
    )


def _pair(
    entries: list[LayerTime],
    key_of: Callable[[LayerTime], tuple[Any, ...]],
    targets: list[tuple[int, tuple[Any, ...]]],
    times: list[float | None],
) -> list[LayerTime]:
    waiting: dict[tuple[Any, ...], deque[int]] = defaultdict(deque)
    for index, key in targets:
        waiting[key].append(index)
    left: list[LayerTime] = []
    for entry in entries:
        queue = waiting.get(key_of(entry))
        if queue:
            times[queue.popleft()] = entry.ms
        else:
            left.append(entry)
    return left
