"""The report as one HTML page: self-contained, readable without scripts, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from trtdoctor.model.finding import Command
from trtdoctor.model.report import Report, Severity, Status

from .commands import headings, pasted
from .common import (
    clean,
    counts,
    failed,
    finding_details,
    having,
    machine_rows,
    undecided,
    verdict_line,
)
from .section import Section, stretches
from .sections import report_sections

# What a page's tables may hold together, in characters, and one of them, in rows: browsers grow slow
# beyond it, and nobody reads so far.
_MOST_CHARACTERS = 3_000_000
_MOST_ROWS = 10_000
_SHOW_ALL = {
    "inspect": "trtdoctor inspect --all shows all of them, and -o report.json keeps them",
    "compare": "trtdoctor compare -v shows all of them, and -o report.json keeps them",
    "explain": "trtdoctor explain -v shows all of them, and -o report.json keeps them",
}
_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}


def render_html(report: Report) -> str:
    """The report as a page that needs no network."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Whatever the template prints, no control character gets through.
        finalize=_final,
    )
    source = Path(__file__).with_name("report.html.j2").read_text("utf-8")
    return environment.from_string(source).render(
        report=report,
        verdict=verdict_line(report),
        counts=counts(report),
        rows=tuple(machine_rows(report.machine)) if report.machine else (),
        sections=tuple(_limited(report)),
        undecided=undecided(report),
        groups=tuple((s.value, _HEADINGS[s], failed(report, s)) for s in Severity),
        details=finding_details,
        headings=headings,
        pasted=pasted,
        stretches=stretches,
        rest=(
            ("passed", having(report, Status.PASSED)),
            ("not applicable", having(report, Status.NOT_APPLICABLE)),
            ("deselected", having(report, Status.IGNORED)),
        ),
    )


def _final(value: object) -> object:
    """What a macro made is clean already."""
    from markupsafe import Markup

    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _limited(report: Report) -> Iterator[Section]:
    """The report's tables, as far as one page should hold them; the rest is counted, not silent."""
    left = _MOST_CHARACTERS
    for section in report_sections(report, all_layers=True, verbose=True, gather_above=_MOST_ROWS):
        rows = section.rows[:_MOST_ROWS]
        for shown, row in enumerate(rows):
            # Of each cell and row the tags count too.
            cells = row.lines if isinstance(row, Command) else row
            left -= 11 + sum(9 + len(cell) for cell in cells)
            if left < 0:
                rows = rows[:shown]
                break
        hidden = len(section.rows) - len(rows)
        if not hidden:
            yield section
            continue
        where = _SHOW_ALL.get(report.command, "-o report.json keeps them")
        note = f"{hidden} of {len(section.rows)} rows are not on this page; {where}."
        yield replace(section, rows=rows, note=f"{section.note} {note}".strip())
