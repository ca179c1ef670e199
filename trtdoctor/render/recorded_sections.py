"""What others recorded, as titled tables: routes that a tuner tried, calls that built a network."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.finding import Command, to_run
from trtdoctor.model.recorded import ApiCapture, CapturedLayer, TunedRoute, TuningRecord
from trtdoctor.model.typing import Typing

from .section import Section, percent

_MOST_LISTED = 10
_LONGEST = 200
_ONE_MEAN = (
    "each time is the mean of one run without a spread, so that routes which differ by little may be "
    "alike; time both engines with --exportTimes to know"
)
_NO_PRECISION = (
    "nothing that was varied names a data type, so this tells nothing of FP16 against FP32: with "
    "TensorRT 11 the model's types decide that"
)


def recorded_sections(
    engine: EngineReport, name: str, *, everything: bool = False
) -> Iterator[Section]:
    """Everything there is to show of a file that another program recorded; nothing of an engine."""
    if engine.capture is not None:
        yield from _captured(engine, engine.capture, everything=everything)
    record = engine.tuning
    if record is None:
        return
    yield Section(title=name, rows=tuple(_about(engine, record)))
    if record.routes:
        yield _routes(record, everything)
    if record.knobs:
        yield _knobs(record)


def _captured(engine: EngineReport, capture: ApiCapture, *, everything: bool) -> Iterator[Section]:
    yield Section(title="What steers precision", rows=tuple(_steering(engine, capture)))
    kinds = Counter(layer.kind for layer in capture.layers)
    weights: dict[str, set[str]] = {}
    for layer in capture.layers:
        if layer.weights:
            weights.setdefault(layer.kind, set()).add(layer.weights)
    if kinds:
        yield Section(
            title=f"{len(capture.layers)} layers, by what was added",
            columns=("layers", "kind", "weights"),
            rows=tuple(
                (str(count), kind, ", ".join(sorted(weights.get(kind, ()))))
                for kind, count in kinds.most_common()
            ),
        )
    told = [each for each in capture.layers if each.cast_to or each.pinned or each.output_types]
    shown = capture.layers if everything else tuple(told[:_MOST_LISTED])
    if shown:
        title = "All layers" if everything else "Layers that were given a type"
        more = f" ({len(shown)} of {len(told)}, --all shows every layer)"
        yield Section(
            title=title + (more if not everything and len(shown) < len(told) else ""),
            columns=("type", "kind", "layer"),
            rows=tuple((_given(layer), layer.kind, layer.name) for layer in shown),
        )


def _given(layer: CapturedLayer) -> str:
    parts = [f"pinned to {layer.pinned}"] if layer.pinned else []
    if layer.cast_to:
        parts.append(f"to {layer.cast_to}")
    parts += [f"output {index} {kind}" for index, kind in layer.output_types.items()]
    return ", ".join(parts)


def _steering(engine: EngineReport, capture: ApiCapture) -> Iterator[tuple[str, str]]:
    yield "Flags set", ", ".join(capture.flags) or "none"
    if capture.cleared:
        yield "Flags cleared", ", ".join(capture.cleared)
    if engine.typing is Typing.WEAK and not {"FP16", "BF16", "INT8", "FP8"} & {*capture.flags}:
        yield "FP16", "not allowed: without the flag FP16 every layer stays FP32"
    elif engine.typing is Typing.STRONG:
        yield "FP16", "decided by the network's types: those of inputs, weights and Casts"
    pinned = Counter(layer.pinned for layer in capture.layers if layer.pinned)
    if pinned:
        counted = ", ".join(f"{count} to {kind}" for kind, count in pinned.most_common())
        yield "Pinned layers", counted
    casts = Counter(layer.cast_to for layer in capture.layers if layer.cast_to)
    if casts:
        yield "Casts", ", ".join(f"{count} to {kind}" for kind, count in casts.most_common())
    for kind, count in capture.weights.items():
        yield "Weights", f"{count:,} elements of {kind}"
    for name, value in capture.settings.items():
        yield "Setting", f"{name} {value}"
    if capture.networks > 1:
        yield "Note", f"{capture.networks} networks were made, whose layers are listed together"
    if not capture.built:
        yield "Note", "no build was asked for: the program ended before, or the capture is cut"


def _about(engine: EngineReport, record: TuningRecord) -> Iterator[tuple[str, str] | Command]:
    if engine.what:
        yield "File", engine.what
    yield "Tuner", f"version {record.tuner_version}, search {record.search or 'unknown'}"
    if record.expression:
        yield "Varied", _short(record.expression)
    if record.accuracy_limit is not None:
        yield (
            "Accuracy",
            f"a loss of {record.accuracy_limit:g} or more ({record.accuracy}) is refused",
        )
    failed = sum(route.failed is not None for route in record.routes)
    yield "Tried", f"{len(record.routes)} routes, {failed} of which could not be taken"
    if record.best is not None and record.best_route is not None:
        yield "Fastest", _fastest(record, record.best)
        if record.command:
            route = shlex.quote(record.best_route)
            yield from to_run(
                f"trtexec --onnx=MODEL.onnx --setBuildRoute={route} --saveEngine=MODEL.engine"
            )
        else:
            yield "Its route", record.best_route
    if record.routes:
        named = "what was varied names a data type: see the table of settings"
        yield "FP16", named if record.names_precision else _NO_PRECISION
        yield "Note", _ONE_MEAN
    if record.cut:
        yield "Note", record.cut


def _fastest(record: TuningRecord, best: int) -> str:
    fastest = record.routes[best]
    text = f"{fastest.ms:.4f} ms"
    if record.baseline is None or record.baseline == best:
        return text if record.baseline is None else f"{text}, the default route"
    default = record.routes[record.baseline]
    if default.ms is None or fastest.ms is None or default.failed is not None:
        return f"{text}; the default route has no time"
    share = percent(1 - fastest.ms / default.ms)
    return f"{text}, {share} less than the default route's {default.ms:.4f} ms"


def _routes(record: TuningRecord, everything: bool) -> Section:
    ordered = sorted(
        record.routes, key=lambda each: (each.failed is not None, each.ms or 0.0, each.number)
    )
    shown = ordered if everything else ordered[:_MOST_LISTED]
    more = f" ({len(shown)} of {len(ordered)}, --all shows every route)"
    return Section(
        title="Routes, the fastest first" + (more if len(shown) < len(ordered) else ""),
        columns=("ms", "loss", "route", "settings"),
        rows=tuple(_row(route) for route in shown),
    )


def _row(route: TunedRoute) -> tuple[str, ...]:
    loss = f"{max(route.losses.values()):.3g}" if route.losses else ""
    settings = _short(" ".join(route.changed))
    if route.failed is not None:
        settings = f"{settings}: {_short(route.failed)}" if settings else _short(route.failed)
    return ("" if route.ms is None else f"{route.ms:.4f}", loss, str(route.number), settings)


def _knobs(record: TuningRecord) -> Section:
    return Section(
        title="Settings that were varied",
        columns=("least ms", "routes", "setting"),
        rows=tuple(
            (
                "" if each.best_ms is None else f"{each.best_ms:.4f}",
                str(each.tried),
                f"{each.knob}={each.value}",
            )
            for each in record.knobs
        ),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
