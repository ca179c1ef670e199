"""``trtdoctor decode``: what an error text or code means, and the next step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from trtdoctor.checking.judge import exit_code
from trtdoctor.model.codec import encode, for_terminal
from trtdoctor.model.decoded import Decoded
from trtdoctor.model.errors import UsageError
from trtdoctor.model.report import Severity
from trtdoctor.reporting.look_session import Looking
from trtdoctor.run.decoding import (
    LARGEST_PIPED,
    Decoding,
    decode_bytes,
    decode_file,
    decode_text,
    look_here,
    machine_checks,
)

from .options import OutputOptions, look_options, refuse_formats
from .output import deliver, terminal_options
from .streams import complain
from .words import OneOf

_KNOWN, _NOT_KNOWN = 0, 3
_FORMATS = ("terminal", "json", "markdown")
# In characters: a longer argument is a text, and no operating system opens it.
_LONGEST_NAME = 1000


@click.command("decode")
@click.argument("what", metavar="[TEXT | FILE | -]", nargs=-1)
@click.option("--here", is_flag=True, help="Also run the checks that find out on this machine.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
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
@click.option("--no-color", is_flag=True, help="No colours.")
@look_options
def command(what: tuple[str, ...], here: bool, **options: Any) -> int:
    """What an error text of TensorRT, CUDA, the driver, a framework or pip means.

    TEXT is one message, a whole log, a code (35, 139) or its name (cudaErrorNoDevice); a FILE is
    read, and - or nothing reads what is piped in. Of a log the first cause is told before what
    follows from it. Put -- before a text that begins with a hyphen.

    Exit codes: 0 it is known, 3 it is not; with --here those of check.
    """
    output = OutputOptions.take(
        {**options, "fail_on": "error", "verbose": 0, "quiet": False}, into_folders=False
    )
    refuse_formats(output, _FORMATS, "decode writes .json, .md and .txt")
    looks = {name: options[name] for name in ("python", "active", "deadline", "record", "host")}
    given = click.get_current_context().get_parameter_source
    changed = [name for name in looks if given(name) is ParameterSource.COMMANDLINE]
    if changed and not here:
        raise UsageError(f"--{changed[0]} is about --here, which looks at a machine; add --here")
    look = Looking(**looks)
    decoded = _decoded(what, output)
    decoding = Decoding(decoded, look)
    if here:
        if not machine_checks(decoded.checks):
            complain(
                "trtdoctor: no check of this machine finds out about this text, so none was run"
            )
        decoding = look_here(decoded, look)

    def text(told: Decoded, kind: str, *, to_file: bool) -> str:
        return _text(told, kind, output, to_file=to_file)

    record = look.record if decoding.seen is not None else None
    told = deliver(decoding.told, text, output, hidden=lambda d: d.redaction.applied, record=record)
    if told.here is not None:
        return exit_code(told.here, Severity.ERROR)
    return _KNOWN if told.known else _NOT_KNOWN


def _decoded(what: tuple[str, ...], output: OutputOptions) -> Decoded:
    if what in ((), ("-",)):
        if sys.stdin is None or (not what and sys.stdin.isatty()):
            raise UsageError("give the error text, a file that holds it, or - and pipe it in")
        return decode_bytes(sys.stdin.buffer.read(LARGEST_PIPED + 1), name="standard input")
    text = " ".join(what)
    if not text.strip():
        raise UsageError("the text is empty; give the error text, or a file that holds it")
    if len(what) == 1 and _names_file(text):
        output.keep(Path(text))
        return decode_file(text)
    return decode_text(text)


def _names_file(text: str) -> bool:
    """Whether this is a path and no message.

    Raises:
        UsageError: if it can only be one and nothing is there.
    """
    if len(text) > _LONGEST_NAME or "\n" in text or "\0" in text:
        return False
    path = Path(text)
    try:
        if path.exists():
            return True
    except OSError:
        return False
    if " " not in text and path.suffix.lower() in (".log", ".txt", ".gz"):
        raise UsageError(f"there is no file {text}; give the error text itself, or a file")
    return False


def _text(decoded: Decoded, kind: str, output: OutputOptions, *, to_file: bool) -> str:
    if kind == "json":
        text = encode(decoded).decode()
        return text if to_file or not sys.stdout.isatty() else for_terminal(text)
    if kind == "markdown":
        from trtdoctor.render.decoded_markdown import render_decoded_markdown

        return render_decoded_markdown(decoded)
    from trtdoctor.render.decoded import render_decoded
    from trtdoctor.render.terminal import render_terminal

    options = terminal_options(output, to_file=to_file)
    text = render_decoded(decoded, width=options.width, color=options.color)
    if decoded.here is not None:
        text += f"\nOn this machine\n\n{render_terminal(decoded.here, options)}"
    return text
