"""``trtdoctor report``: saved reports, shown, compared and judged anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.model.codec import difference_schema, encode, fleet_schema, schema
from trtdoctor.model.report import Report
from trtdoctor.run import load

from .difference import diff
from .given import GivenFile
from .options import OutputOptions, output_options, selection_options, words
from .report_fleet import command as fleet
from .words import Group, OneOf

_SCHEMAS = {"report": schema, "difference": difference_schema, "fleet": fleet_schema}


@click.group("report", cls=Group)
def command() -> None:
    """Saved reports."""


command.add_command(fleet)


@command.command("schema")
@click.option(
    "--of",
    "kind",
    type=OneOf(list(_SCHEMAS)),
    default="report",
    show_default=True,
    help="Which document: a report, or what report diff --format json or report fleet writes.",
)
def schema_(kind: str) -> int:
    """Print the JSON Schema of the report document."""
    click.echo(encode(_SCHEMAS[kind]()), nl=False)
    return 0


@command.command("show")
@click.argument("file", metavar="REPORT.json", type=GivenFile(".json"))
@output_options
def show(file: Path, **options: Any) -> int:
    """Render a saved report as it was judged then."""
    return _show(file, OutputOptions.take(options))


@command.command("ticket")
@click.argument("file", metavar="REPORT.json", type=click.Path(path_type=Path))
@output_options
def ticket(file: Path, **options: Any) -> int:
    """Render a saved report as a ticket, under the headings that a project's form asks for.

    Ends with 0 whatever the report says: it was asked for a ticket, and not for a verdict.
    """
    options["template"] = options["template"] or "generic"
    _show(file, OutputOptions.take(options))
    return 0


def _show(file: Path, output: OutputOptions) -> int:
    from trtdoctor.checking.judge import exit_code
    from trtdoctor.reporting.redact import Redactor, is_redacted

    from .output import emit, fail_on

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
