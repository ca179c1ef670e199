"""``trtdoctor report fleet``: the reports of many machines beside each other."""

from __future__ import annotations

import sys
from typing import Any

import click

from trtdoctor.model.codec import encode, for_terminal
from trtdoctor.model.errors import UsageError
from trtdoctor.model.fleet import Fleet, fleet_exit_code
from trtdoctor.model.watch import Watch

from .options import OutputOptions, format_asked_by, output_options

_PIPE = "-"
# Of what a report is told in, that in which a fleet is too.
_FORMATS = {".json": "json", ".md": "markdown", ".html": "html", ".txt": "terminal"}


@click.command("fleet")
@click.argument("reports", metavar="REPORT.json | FOLDER | - ...", nargs=-1, required=True)
@output_options
def command(reports: tuple[str, ...], **options: Any) -> int:
    """Group machines by what was found on them, the odd ones out first.

    REPORT.json is what `trtdoctor check -o` wrote on a machine. Of a FOLDER the .json files are read,
    also those in folders within it; - reads reports that are piped in, one behind the other, as
    `kubectl logs` prints those of several pods.

    Of several reports of one machine the newest counts. What is no report is listed, and ends nothing.

    Exit codes: 1 a machine has findings at or above --fail-on, 3 none has and a machine's report is
    inconclusive or cannot be read, 2 there is no report at all.
    """
    from trtdoctor.run.gathering import LARGEST, find_reports, gather

    from .output import deliver, fail_on

    output = OutputOptions.take(options, into_folders=False)
    refuse_formats(output)
    piped = _piped(reports, LARGEST)
    found = find_reports(path for path in reports if path != _PIPE)
    output.keep(*found.files)
    gathered = gather(found, piped=piped, share=_is_shared(output), watch=Watch(tell=output.tell))

    def text(fleet: Fleet, kind: str, *, to_file: bool) -> str:
        return _text(fleet, kind, output, to_file=to_file)

    fleet = deliver(gathered.fleet, text, output, hidden=lambda told: told.redaction.applied)
    return int(fleet_exit_code(fleet, fail_on(output)))


def refuse_formats(output: OutputOptions) -> None:
    """Refuse what a report can be told in and a fleet cannot.

    Raises:
        UsageError: if such a format is asked for.
    """
    said = f"report fleet writes {', '.join(_FORMATS)}"
    for file in output.files:
        if format_asked_by(file).name not in _FORMATS.values():
            raise UsageError(f"{said}, no {file.suffix}; name another file")
    if output.format not in _FORMATS.values():
        raise UsageError(f"report fleet prints {', '.join(sorted(_FORMATS.values()))} only")


def _piped(reports: tuple[str, ...], most: int) -> bytes | None:
    if _PIPE not in reports:
        return None
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "- reads reports that are piped in, and nothing is; name files or a folder"
        )
    return sys.stdin.buffer.read(most + 1)


def _is_shared(output: OutputOptions) -> bool:
    """Whether anything that is told needs pseudonyms."""
    if output.share is not None:
        return output.share
    kinds = {output.format, *(_FORMATS[file.suffix.lower()] for file in output.files)}
    return output.open or bool(kinds & {"markdown", "html"})


def _text(fleet: Fleet, kind: str, output: OutputOptions, *, to_file: bool) -> str:
    if kind == "json":
        text = encode(fleet).decode()
        return text if to_file or not sys.stdout.isatty() else for_terminal(text)
    if kind == "markdown":
        from trtdoctor.render.fleet_markdown import render_fleet_markdown

        return render_fleet_markdown(fleet)
    if kind == "html":
        from trtdoctor.render.fleet_html import render_fleet_html

        return render_fleet_html(fleet)
    from trtdoctor.render.fleet_terminal import render_fleet_terminal

    from .output import terminal_options

    return render_fleet_terminal(fleet, terminal_options(output, to_file=to_file))
