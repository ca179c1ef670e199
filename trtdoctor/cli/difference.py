"""``trtdoctor report diff``: what differs between two saved reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from trtdoctor.model.codec import encode, for_terminal
from trtdoctor.model.difference import Difference
from trtdoctor.model.report import Report
from trtdoctor.run import load

from . import completing
from .given import GivenFile
from .options import OutputOptions, refuse_formats
from .words import OneOf

_FORMATS = ("terminal", "json", "markdown")


@click.command("diff")
@click.argument("before", metavar="BEFORE.json", type=GivenFile(".json"))
@click.argument("after", metavar="AFTER.json", type=GivenFile(".json"))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=completing.outputs(".json", ".md", ".txt"),
    multiple=True,
    help="Write it to FILE; the suffix (.json .md .txt) picks the format. Repeatable.",
)
@click.option(
    "--format",
    type=OneOf(_FORMATS),
    default="terminal",
    show_default=True,
    help="What to print on stdout.",
)
@click.option(
    "--share/--no-share",
    default=None,
    help="Replace private data by pseudonyms. On for Markdown, off for JSON and the terminal.",
)
def diff(before: Path, after: Path, **options: Any) -> int:
    """Say which outcomes and which facts differ between two saved reports; exit 1 if any do."""
    from trtdoctor.reporting.difference import difference
    from trtdoctor.reporting.redact import Redactor, is_redacted

    from .output import deliver

    fixed = {"fail_on": "error", "verbose": 0, "quiet": False, "no_color": True}
    output = OutputOptions.take({**options, **fixed})
    refuse_formats(output, _FORMATS, "report diff writes .json, .md and .txt")
    output.keep(before, after)
    reports = load(before), load(after)

    def shared(report: Report) -> Report:
        if is_redacted(report.snapshot):
            return report
        return Redactor(report.snapshot).report(report)

    def make(*, share: bool) -> Difference:
        return difference(*(map(shared, reports) if share else reports))

    told = deliver(make, _text, output, hidden=lambda d: d.redacted)
    return 0 if told.none else 1


def _text(told: Difference, kind: str, *, to_file: bool) -> str:
    from trtdoctor.render.difference import render_difference, render_difference_markdown

    if kind == "json":
        text = encode(told).decode()
        return text if to_file or not sys.stdout.isatty() else for_terminal(text)
    return render_difference_markdown(told) if kind == "markdown" else render_difference(told)
