"""``trtdoctor report``: saved reports, shown, compared and judged anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.model.codec import difference_schema, encode, schema
from trtdoctor.model.report import Report
from trtdoctor.run import load

from .difference import diff
from .given import GivenFile
from .options import OutputOptions, output_options, selection_options, words
from .words import Group, OneOf


@click.group("report", cls=Group)
def command() -> None:
    """Saved reports."""


@command.command("schema")
@click.option(
    "--of",
    "kind",
    type=OneOf(["report", "difference"]),
    default="report",
    show_default=True,
    help="Which document: a report, or what report diff --format json prints.",
)
def schema_(kind: str) -> int:
    """Print the JSON Schema of the report document."""
    click.echo(encode(schema() if kind == "report" else difference_schema()), nl=False)
    return 0


@command.command("show")
@click.argument("file", metavar="REPORT.json", type=GivenFile(".json"))
@output_options
def show(file: Path, **options: Any) -> int:
    """Render a saved report as it was judged then."""
    from trtdoctor.checking.judge import exit_code
    from trtdoctor.reporting.redact import Redactor, is_redacted

    from .output import emit, fail_on

    output = OutputOptions.take(options)
    output.keep(file)
    saved = load(file)

    def make(*, share: bool) -> Report:
        if not share or is_redacted(saved.snapshot):
            return saved
        return Redactor(saved.snapshot).report(saved)

    emit(make, output)
    return exit_code(saved, fail_on(output))


@command.command("rejudge")
@click.argument("file", metavar="REPORT.json", type=GivenFile(".json"))
@selection_options
@output_options
def rejudge(file: Path, **options: Any) -> int:
    """Judge the facts in a saved report with this trtdoctor's checks and tables."""
    from trtdoctor.checking.judge import exit_code
    from trtdoctor.run.examinations import examine_saved

    from .output import emit, fail_on

    chosen = {key: words(options.pop(key)) for key in ("select", "ignore")}
    output = OutputOptions.take(options)
    output.keep(file)
    seen = examine_saved(load(file), **chosen)
    report = emit(seen.report, output)
    return exit_code(report, fail_on(output))


command.add_command(diff)
