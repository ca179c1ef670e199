"""What the tuner of build routes tried, from the file that --tuningCacheFile writes.

The tuner of TensorRT 11.1 and later builds and times one engine for each build route and appends a
line of JSON for each (``writeTuningCacheHeader`` and ``writeTuningCacheIteration`` in
``samples/common/sampleUtils.cpp`` of NVIDIA/TensorRT; ``samples/trtexec/README.md``, section 7.6):

- first ``{"tuner_version", "accuracy_algorithm", "accuracy_parameter": {"atol", "rtol", "epsilon"},
  "searching_algorithm", "command_line", "default_build_route", "tuning_expr", "files", "argv"}``
- then ``{"iter", "build_route", "crash", "error_message", "accuracy_loss", "gpu_time"}`` for each route,
  with the mean GPU time of an inference in milliseconds, null where the build or the run crashed

Torch-TensorRT's tuner writes the same lines, with another header. The tuner takes the fastest route
whose trtexec ended well; one that is too far from the reference ends with an error and has a loss of
``epsilon`` or more.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from ..model.recorded import KnobValue, TunedRoute, TuningRecord
from .errors import FormatError, TooMuch, naming

MAX_BYTES = 1 << 28
MAX_ROUTES = 100_000

_HOW = "Give what `trtexec --onnx=MODEL.onnx --tuneBuildRoutes=... --tuningCacheFile=tuning.json` writes."
_LONGEST = 1 << 20
_LONGEST_TEXT = 4096
_PRECISION = re.compile(r"fp(?:32|16|8|4)|bf16|tf32|int(?:8|4)|half|float|precision", re.IGNORECASE)
_TOKEN = re.compile(r"[^\s\[\]]+(?:\[[^\]]*\])?")


class _Header(msgspec.Struct, frozen=True):
    tuner_version: Any = None
    accuracy_algorithm: Any = None
    accuracy_parameter: Any = None
    searching_algorithm: Any = None
    command_line: Any = None
    default_build_route: Any = None
    tuning_expr: Any = None


class _Line(msgspec.Struct, frozen=True):
    build_route: str
    iter: int = 0
    crash: bool | None = None
    error_message: str | None = None
    accuracy_loss: dict[str, float | None] | None = None
    gpu_time: float | None = None


def is_tuning_cache(head: bytes) -> bool:
    """Whether a file that begins so is a tuner's cache."""
    first = head.lstrip().split(b"\n", 1)[0]
    return first.startswith(b"{") and b'"tuning_expr"' in first and b'"tuner_version"' in first


def read_tuning_cache(data: bytes, *, name: str | None = None) -> TuningRecord:
    """Reads a tuner's cache. A last line that is cut, as an interrupted run leaves it, is told.

    Args:
        data: The file's bytes, at most 256 MiB of JSON lines.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no tuner's cache, or beyond the limits.
    """
    with naming(name):
        return _read(data)


def _read(data: bytes) -> TuningRecord:
    if len(data) > MAX_BYTES:
        raise TooMuch(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
    first, *rest = data.removeprefix(b"\xef\xbb\xbf").strip().split(b"\n", MAX_ROUTES + 1)
    if len(rest) > MAX_ROUTES:
        raise TooMuch(f"This file tells of more than {MAX_ROUTES:,} routes. {_HOW}")
    header = _header(first)
    lines: list[_Line] = []
    cut = None
    for number, text in enumerate(rest, 2):
        if not text.strip():
            continue
        try:
            lines.append(_line(text))
        except ValueError as error:
            if number <= len(rest):
                raise FormatError(f"Line {number} of this file is damaged ({error}).") from None
            cut = f"its last line, {number}, is cut: the run was interrupted"
    return _record(header, lines, cut)


def _header(text: bytes) -> _Header:
    try:
        header = msgspec.json.decode(text, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError(f"The first line of this file is not a tuner's header. {_HOW}") from None
    if not isinstance(header.tuning_expr, str) or not isinstance(header.tuner_version, str):
        raise FormatError(f"The first line of this file is not a tuner's header. {_HOW}")
    return header


def _line(text: bytes) -> _Line:
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST >> 20} MiB")
    try:
        return msgspec.json.decode(text, type=_Line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except msgspec.DecodeError as error:
        # No ValueError before msgspec 0.20.
        raise ValueError(str(error)) from None


def _record(header: _Header, lines: Sequence[_Line], cut: str | None) -> TuningRecord:
    limit = _limit(header.accuracy_parameter)
    settings = [_settings(line.build_route) for line in lines]
    varied = _varied(settings)
    routes = tuple(
        TunedRoute(
            number=line.iter,
            changed=tuple(_written(knob, own.get(knob)) for knob in varied),
            ms=_ms(line),
            losses=_losses(line),
            failed=_failed(line, limit),
        )
        for line, own in zip(lines, settings, strict=True)
    )
    taken = [at for at, route in enumerate(routes) if route.failed is None]
    best = min(taken, key=lambda at: routes[at].ms or 0.0, default=None)
    default = _settings(_text(header.default_build_route) or "")
    return TuningRecord(
        tuner_version=_text(header.tuner_version),
        search=_text(header.searching_algorithm),
        expression=_text(header.tuning_expr),
        command=_text(header.command_line),
        accuracy=_text(header.accuracy_algorithm),
        accuracy_limit=limit,
        routes=routes,
        knobs=tuple(_values(varied, settings, routes)),
        best=best,
        baseline=_baseline(settings, varied, default),
        best_route=None if best is None else lines[best].build_route,
        names_precision=any(_PRECISION.search(text) for route in routes for text in route.changed),
        cut=cut,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _limit(parameters: object) -> float | None:
    value = parameters.get("epsilon") if isinstance(parameters, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _ms(line: _Line) -> float | None:
    time = line.gpu_time
    return time if time is not None and math.isfinite(time) and time > 0 else None


def _losses(line: _Line) -> dict[str, float]:
    told = line.accuracy_loss or {}
    return {name: loss for name, loss in told.items() if loss is not None and math.isfinite(loss)}


def _failed(line: _Line, limit: float | None) -> str | None:
    """Why a route could not be taken, as the tuner decides it."""
    message = (line.error_message or "").strip()[:_LONGEST_TEXT]
    if line.crash is not False:
        return message or "it crashed"
    far = {n: v for n, v in _losses(line).items() if limit is not None and v >= limit}
    if far:
        output, loss = max(far.items(), key=lambda item: item[1])
        return f"output {output} is {loss:g} from the reference, and {limit:g} is too far"
    if message:
        return message
    return None if _ms(line) is not None else "no time was recorded"


def _settings(route: str) -> dict[str, str]:
    """A route's settings by name; of one that is given twice the last counts."""
    found = {}
    for token in _TOKEN.findall(route[:_LONGEST]):
        knob, _, value = token.partition("=")
        found[knob] = value
    return found


def _varied(settings: Sequence[dict[str, str]]) -> tuple[str, ...]:
    values: dict[str, set[str | None]] = {}
    for own in settings:
        for knob in own:
            values.setdefault(knob, set())
    for knob, seen in values.items():
        seen.update(own.get(knob) for own in settings)
    return tuple(knob for knob, seen in values.items() if len(seen) > 1)


def _written(knob: str, value: str | None) -> str:
    return f"{knob}={value}" if value else knob if value == "" else f"{knob} not given"


def _values(
    varied: Sequence[str], settings: Sequence[dict[str, str]], routes: Sequence[TunedRoute]
) -> list[KnobValue]:
    made = []
    for knob in varied:
        groups: dict[str | None, list[TunedRoute]] = defaultdict(list)
        for own, route in zip(settings, routes, strict=True):
            groups[own.get(knob)].append(route)
        for value, group in groups.items():
            times = [each.ms for each in group if each.failed is None and each.ms is not None]
            made.append(
                KnobValue(
                    knob=knob,
                    value="not given" if value is None else value or "given",
                    tried=len(group),
                    best_ms=min(times, default=None),
                )
            )
    return made


def _baseline(
    settings: Sequence[dict[str, str]], varied: Sequence[str], default: dict[str, str]
) -> int | None:
    """The first route in which everything that was varied has its default."""
    if not all(knob in default for knob in varied):
        return None
    return next(
        (
            at
            for at, own in enumerate(settings)
            if all(own.get(knob, default[knob]) == default[knob] for knob in varied)
        ),
        None,
    )
