"""What others recorded, as titled tables: routes that a tuner tried, calls that built a network."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.recorded import ApiCapture, TunedRoute, TuningRecord

from .section import Section, percent

_MOST_LISTED = 10
_LONGEST = 200
_BY_NAME = (
    "how captures are laid out is not documented, so the names in it are counted wherever they stand; "
    "what is written as a number is not told"
)
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
    if engine.capture is not None:
        yield from _captured(engine, engine.capture, name, everything=all_routes)
    record = engine.tuning
    if record is None:
        return
    yield Section(title=name, rows=tuple(_about(engine, record)))
    if record.routes:
        yield _routes(record, all_routes)
    if record.knobs:
        yield _knobs(record)


def _captured(
    engine: EngineReport, capture: ApiCapture, name: str, *, everything: bool
) -> Iterator[Section]:
    rows = [("File", engine.what or ""), ("To do", engine.to_do or "")]
    rows += [(key, value) for key, value in capture.versions.items()]
    strong = any("STRONGLY_TYPED" in constant for constant in capture.constants)
    rows.append(("Typing", "strong" if strong else "not told"))
    for label, kind in (("Builder flags", "BuilderFlag"), ("Data types", "DataType")):
        named = [
            f"{constant.removeprefix(f'{kind}::')} ({count})"
            for constant, count in capture.constants.items()
            if constant.startswith(f"{kind}::")
        ]
        rows.append((label, ", ".join(named) or "none is named"))
    rows.append(("Note", _BY_NAME))
    yield Section(title=name, rows=tuple(row for row in rows if row[1]))
    for title, counts in (
        (
            "Layers, by the calls that add them",
            {c: n for c, n in capture.calls.items() if _adds_layer(c)},
        ),
        ("Other calls", {c: n for c, n in capture.calls.items() if not _adds_layer(c)}),
        ("Constants", capture.constants),
    ):
        shown = list(counts.items())[: None if everything else _MOST_LISTED]
        more = f" ({len(shown)} of {len(counts)}, --all shows every one)"
        if counts:
            yield Section(
                title=title + (more if len(shown) < len(counts) else ""),
                columns=("times", "name"),
                rows=tuple((str(count), text) for text, count in shown),
            )


def _adds_layer(call: str) -> bool:
    return call.startswith("add") and call not in ("addInput", "addOptimizationProfile")


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
        if record.command:
            route = shlex.quote(record.best_route)
            yield (
                "",
                f"$ trtexec --onnx=MODEL.onnx --setBuildRoute={route} --saveEngine=MODEL.engine",
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
