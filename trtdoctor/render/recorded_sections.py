"""What others recorded, as titled tables: the routes that trtexec's tuner tried."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.recorded import TunedRoute, TuningRecord

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
    engine: EngineReport, name: str, *, all_routes: bool = False
) -> Iterator[Section]:
    """Everything there is to show of a file that another program recorded; nothing of an engine."""
    record = engine.tuning
    if record is None:
        return
    yield Section(title=name, rows=tuple(_about(engine, record)))
    if record.routes:
        yield _routes(record, all_routes)
    if record.knobs:
        yield _knobs(record)


def _about(engine: EngineReport, record: TuningRecord) -> Iterator[tuple[str, str]]:
    if engine.what:
        yield "File", engine.what
    yield "Tuner", f"version {record.tuner_version}, search {record.search or 'not told'}"
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
        route = shlex.quote(record.best_route)
        yield "", f"$ trtexec --onnx=MODEL.onnx --setBuildRoute={route} --saveEngine=MODEL.engine"
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
