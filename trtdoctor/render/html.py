"""The report as one HTML page: self-contained, readable without scripts, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten

from trtdoctor.model.build import Proof
from trtdoctor.model.engine import CostTold, EngineReport, LayersSource
from trtdoctor.model.finding import Command
from trtdoctor.model.model_report import ModelReport
from trtdoctor.model.report import Finding, Report, Severity, Status
from trtdoctor.model.typing import Typing

from .common import (
    counts,
    failed,
    finding_details,
    having,
    machine_rows,
    one_line,
    undecided,
    verdict_line,
)
from .engine_sections import headline, names_of
from .page.bars import Bars, cost_bars, cost_scale, proof_bars
from .page.causes import CauseTable, cause_table
from .page.layer_map import Strip, layer_strips
from .page.layer_table import Budget, Column, Table, block_tables, layer_table, node_table
from .page.looks import LOOKS, Look
from .page.model_map import alerts_of, model_strips, node_rows
from .page.shell import environment, page
from .page.texts import Item, items
from .section import Row, Section
from .sections import report_sections

# What a page's tables may hold together, in characters, and one of them, in rows: browsers grow slow
# beyond it, and nobody reads so far.
_MOST_CHARACTERS = 3_000_000
_MOST_ROWS = 10_000
# What all of a page's maps may be made of together.
_MOST_PARTS = 6000
_SHOW_ALL = {
    "inspect": "trtdoctor inspect --all shows all of them, and -o report.json keeps them",
    "compare": "trtdoctor compare -v shows all of them, and -o report.json keeps them",
    "explain": "trtdoctor explain -v shows all of them, and -o report.json keeps them",
}
_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}
_LONGEST_HEADLINE, _LONGEST_TITLE = 160, 120
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_CLAUSE = re.compile(r"(?<=[:;]) ")
_NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?(e[-+]?\d+)?( ?%)?", re.IGNORECASE)


def render_html(report: Report) -> str:
    """The report as a page that needs no network."""
    from markupsafe import Markup

    budget = Budget(_MOST_CHARACTERS, _MOST_ROWS)
    verdict = verdict_line(report)
    title, rest = _headline(verdict)
    labels = _labels(report)
    leads = (*rest, *_leads(report, verdict, labels))
    figures, left_out = _limited(_figures(report, labels))
    body = (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            looks=_used(figures),
            headline=title,
            leads=leads,
            counts=counts(report),
            groups=tuple((s.value, _HEADINGS[s], failed(report, s)) for s in Severity),
            finding_items=_finding_items,
            undecided=undecided(report),
            figures=figures,
            left_out=left_out,
            shares=tuple((f.strip.label, f.strip) for f in figures if f.bars),
            causes=tuple(_causes(report, labels)),
            sections=tuple(_shown(report, budget, {verdict, *leads})),
            tables=tuple(_tables(report, labels, budget)),
            machine=items(machine_rows(report.machine)) if report.machine else (),
            rest=(
                ("passed", having(report, Status.PASSED)),
                ("not applicable", having(report, Status.NOT_APPLICABLE)),
                ("deselected", having(report, Status.IGNORED)),
            ),
        )
    )
    hidden = "; private data replaced by pseudonyms" if report.snapshot.redaction.applied else ""
    tool = report.tool
    return page(
        f"{shorten(title, _LONGEST_TITLE, placeholder='...')} - trtdoctor {report.command}",
        Markup(body),
        f"{tool.name} {tool.version}, knowledge of {tool.knowledge}, "
        f"looked {report.snapshot.taken}{hidden}",
    )


def _used(figures: Sequence[_Figure]) -> tuple[Look, ...]:
    """The looks that a page needs patterns of; bars of cost have that of FP32."""
    drawn = {band.look for each in figures for part in each.strip.parts for band in part.bands}
    return tuple(look for look in LOOKS if look.pattern and (look in drawn or look.word == "FP32"))


def _headline(verdict: str) -> tuple[str, tuple[str, ...]]:
    """A verdict's first sentence, short enough for a headline, and what it goes on to say."""
    if len(verdict) <= _LONGEST_HEADLINE:
        return verdict, ()
    for joint in (_SENTENCE, _CLAUSE):
        first, *rest = joint.split(verdict, maxsplit=1)
        if len(first) <= _LONGEST_HEADLINE:
            break
    goes_on = (f"{part[:1].upper()}{part[1:]}" for part in rest)
    return f"{first.removesuffix(':')}." if first.endswith(":") else first, tuple(goes_on)


def _leads(report: Report, verdict: str, labels: Mapping[str, str]) -> Iterator[str]:
    """The answers, where they are not the verdict itself."""
    if report.comparisons:
        answers = [report.comparisons[0].verdict]
    else:
        told = [each.answer or _share(labels[each.path], each) for each in report.engines]
        told += [each.answer for each in report.models]
        answers = [answer for answer in told if answer]
    for answer in dict.fromkeys(map(one_line, answers)):
        if answer and answer != verdict:
            yield answer


def _share(label: str, engine: EngineReport) -> str | None:
    """How much of an engine is FP16, where nothing was asked but what is in it."""
    summary = engine.summary
    known = summary is not None and summary.fp16_share.layers is not None
    return f"{label}: {headline(engine)}." if known else None


def _finding_items(finding: Finding) -> tuple[Item, ...]:
    rows: list[Row] = list(finding_details(finding))
    if finding.remedy:
        rows += finding.remedy.commands
    rows += [("reference" if n == 0 else "", each) for n, each in enumerate(finding.references)]
    return items(rows)


# Maps --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Figure:
    """A strip; ``link`` is what the anchors of its table's rows begin with."""

    strip: Strip
    link: str
    bars: bool = False


def _limited(figures: Iterable[_Figure]) -> tuple[tuple[_Figure, ...], int]:
    """The maps that a page has room for, and how many more there are."""
    shown: list[_Figure] = []
    parts = left_out = 0
    for figure in figures:
        parts += len(figure.strip.parts)
        if parts > _MOST_PARTS:
            left_out += 1
        else:
            shown.append(figure)
    return tuple(shown), left_out


def _figures(report: Report, labels: Mapping[str, str]) -> Iterator[_Figure]:
    """The maps of what is looked at: in a comparison A above B, on one scale."""
    alerts: dict[str, str] = {}
    for model in report.models:
        alerts |= alerts_of(model)
    engines = _drawn(report)
    # Engines that nobody compares have each a scale of its own.
    together = [engines] if report.comparisons else [[each] for each in engines]
    strips = [
        strip
        for group in together
        for strip in layer_strips(
            [engine for _, engine in group], [labels[e.path] for _, e in group], alerts
        )
    ]
    for (number, _), strip in zip(engines, strips, strict=True):
        if strip is not None:
            yield _Figure(strip=strip, link=f"e{number}-", bars=not strip.silent)
    if report.command != "explain":
        for number, model in enumerate(report.models):
            for strip in model_strips(model):
                yield _Figure(strip=strip, link=f"m{number}-")


def _causes(report: Report, labels: Mapping[str, str]) -> Iterator[CauseTable]:
    """What each cause holds back, where there are explanations and nothing is compared."""
    if not report.comparisons:
        for engine in report.engines:
            table = cause_table(engine, labels[engine.path])
            known = engine.summary is None or engine.summary.fp16_share.layers is not None
            if table is not None and known:
                yield table


def _drawn(report: Report) -> list[tuple[int, EngineReport]]:
    """The engines with their indices; those of the first comparison first, A before B."""
    order = [path for each in report.comparisons for path in (each.a, each.b)]
    indexed = list(enumerate(report.engines))
    return sorted(
        indexed, key=lambda item: order.index(item[1].path) if item[1].path in order else len(order)
    )


def _labels(report: Report) -> dict[str, str]:
    """What the page calls each engine, by path."""
    names = names_of(report.engines)
    return {engine.path: _label(report, engine, names) for engine in report.engines}


def _label(report: Report, engine: EngineReport, names: Mapping[str, str]) -> str:
    name = names[engine.path] or engine.path
    if report.comparisons:
        first = report.comparisons[0]
        role = {first.a: "A", first.b: "B"}.get(engine.path)
        return f"{role}: {name}" if role else name
    return name


# Tables ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A section as the page has it."""

    title: str
    level: int
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    items: tuple[Item, ...]
    note: str
    bars: Bars | None


def _shown(report: Report, budget: Budget, told: set[str]) -> Iterator[_Shown]:
    """The report's tables, as far as one page should hold them; the rest is counted, not silent."""
    sections = [
        each
        for each in report_sections(report, all_layers=True, verbose=True, gather_above=_MOST_ROWS)
        # The page has a table of all layers, which is sorted as one pleases.
        if each.kind != "layers"
    ]
    scale = cost_scale(each.about for each in sections if isinstance(each.about, CostTold))
    for section in sections:
        rows = budget.take(row for row in section.rows if not _said(row, told))
        texts = tuple(row for row in rows if not isinstance(row, Command))
        note = section.note
        hidden = len(section.rows) - len(rows) - sum(_said(row, told) for row in section.rows)
        if hidden:
            note += f" {hidden} of {len(section.rows)} rows are not on this page; {_keeps(report)}."
        yield _Shown(
            title=section.title,
            level=3 if section.kind in ("cause", "proof") else 2,
            columns=tuple(_columns(section)),
            rows=tuple(tuple(map(_indented, row)) for row in texts) if section.columns else (),
            items=() if section.columns else items(rows),
            note=note.strip(),
            bars=_bars(section, scale),
        )


def _indented(cell: str) -> str:
    """A cell that belongs to the row above, which the terminal shows by spaces before it."""
    return f"↳ {cell.lstrip()}" if cell.startswith("  ") else cell


def _said(row: Row, told: set[str]) -> bool:
    """Whether a row repeats what stands at the top of the page."""
    if isinstance(row, Command) or len(row) != 2:
        return False
    return row[0] in ("Answer", "Verdict") and one_line(row[1]) in told


def _bars(section: Section, scale: float) -> Bars | None:
    if isinstance(section.about, CostTold):
        return cost_bars(section.about, scale)
    return proof_bars(section.about) if isinstance(section.about, Proof) else None


def _columns(section: Section) -> Iterator[Column]:
    rows = [row for row in section.rows if not isinstance(row, Command)]
    for number, header in enumerate(section.columns):
        cells = [row[number] for row in rows if row[number].strip()]
        numeric = bool(cells) and all(_NUMBER.fullmatch(cell.strip()) for cell in cells)
        # Sizes and the like have units of their own, which no order of words or numbers follows.
        fixed = any(cell.strip()[0].isdigit() for cell in cells)
        yield Column(header=header, kind="num" if numeric else "fixed" if fixed else "")


def _keeps(report: Report) -> str:
    return _SHOW_ALL.get(report.command, "-o report.json keeps them")


def _tables(
    report: Report, labels: Mapping[str, str], budget: Budget
) -> Iterator[tuple[str, Table]]:
    """Each layer and each node, with what the anchors of its rows begin with."""
    keeps = _keeps(report)
    engines = _drawn(report)
    for number, engine in engines:
        name = f" of {labels[engine.path]}" if len(engines) > 1 else ""
        what = "Nodes" if engine.layers_source is LayersSource.MODEL else "Layers"
        table = layer_table(engine, f"{what}{name}", budget, keeps)
        if table is not None:
            yield f"e{number}-", table
        for block in block_tables(engine, budget, keeps):
            yield "", block
    if report.command != "explain":
        for number, model in enumerate(report.models):
            table = node_table(list(node_rows(model)), _worlds(model), budget, keeps)
            if table is not None:
                yield f"m{number}-", table


def _worlds(model: ModelReport) -> tuple[str, ...]:
    return tuple(
        "where types decide" if found.typing is Typing.STRONG else "where the builder decides"
        for found in model.maps
    )
