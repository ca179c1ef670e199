"""The report as one HTML page: self-contained, readable without scripts, everything escaped."""

from __future__ import annotations

from pathlib import Path

from trtdoctor.model.report import Report, Severity, Status

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
from .sections import report_sections

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
        finalize=lambda value: clean(value) if isinstance(value, str) else value,
    )
    environment.filters["clean"] = lambda text: clean(str(text))
    source = Path(__file__).with_name("report.html.j2").read_text("utf-8")
    return environment.from_string(source).render(
        report=report,
        verdict=verdict_line(report),
        counts=counts(report),
        rows=tuple(machine_rows(report.machine)) if report.machine else (),
        sections=tuple(report_sections(report, all_layers=True, verbose=True)),
        undecided=undecided(report),
        groups=tuple((s.value, _HEADINGS[s], failed(report, s)) for s in Severity),
        details=finding_details,
        rest=(
            ("passed", having(report, Status.PASSED)),
            ("not applicable", having(report, Status.NOT_APPLICABLE)),
            ("deselected", having(report, Status.IGNORED)),
        ),
    )
