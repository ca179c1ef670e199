"""``trtdoctor decode``: what an error text or code means, and the next step."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from trtdoctor.checking.judge import exit_code
from trtdoctor.model.codec import encode
from trtdoctor.model.decoded import Decoded
from trtdoctor.model.errors import UsageError
from trtdoctor.model.report import Severity
from trtdoctor.reporting.look_session import Looking
from trtdoctor.run.decoding import (
    LARGEST_PIPED,
    decode_bytes,
    decode_file,
    decode_text,
    look_here,
    machine_checks,
)

from .options import look_options
from .streams import complain

_KNOWN, _NOT_KNOWN = 0, 3
# In characters: a longer argument is a text, and no operating system opens it.
_LONGEST_NAME = 1000


@click.command("decode")
@click.argument("what", metavar="[TEXT | FILE | -]", nargs=-1)
@click.option("--here", is_flag=True, help="Also run the checks that find out on this machine.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="How it is printed.",
)
@click.option("--no-color", is_flag=True, help="No colours.")
@look_options
def command(what: tuple[str, ...], here: bool, kind: str, no_color: bool, **options: Any) -> int:
    """What an error text of TensorRT, CUDA, the driver, a framework or pip means.

    TEXT is one message, a whole log, a code (35, 139) or its name (cudaErrorNoDevice); a FILE is
    read, and - or nothing reads what is piped in. Of a log the first cause is told before what
    follows from it. Put -- before a text that begins with a hyphen.

    Exit codes: 0 it is known, 3 it is not; with --here those of check.
    """
    given = click.get_current_context().get_parameter_source
    changed = [name for name in options if given(name) is ParameterSource.COMMANDLINE]
    if changed and not here:
        raise UsageError(f"--{changed[0]} is about --here, which looks at a machine; add --here")
    decoded = _decoded(what)
    if here:
        if not machine_checks(decoded.checks):
            complain(
                "trtdoctor: no check of this machine finds out about this text, so none was run"
            )
        decoded = look_here(decoded, Looking(**options))
    _print(decoded, kind, color=not no_color)
    if decoded.here is not None:
        return exit_code(decoded.here, Severity.ERROR)
    return _KNOWN if decoded.known else _NOT_KNOWN


def _decoded(what: tuple[str, ...]) -> Decoded:
    if what in ((), ("-",)):
        if sys.stdin is None or (not what and sys.stdin.isatty()):
            raise UsageError("give the error text, a file that holds it, or - and pipe it in")
        return decode_bytes(sys.stdin.buffer.read(LARGEST_PIPED + 1), name="standard input")
    text = " ".join(what)
    if not text.strip():
        raise UsageError("the text is empty; give the error text, or a file that holds it")
    if len(what) == 1 and _names_file(text):
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


def _print(decoded: Decoded, kind: str, *, color: bool) -> None:
    if kind == "json":
        click.echo(encode(decoded), nl=False)
        return
    from trtdoctor.render.decoded import render_decoded
    from trtdoctor.render.terminal import TerminalOptions, render_terminal

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((100, 24)).columns if terminal else 100
    color = color and terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    sys.stdout.write(render_decoded(decoded, width=width, color=color))
    if decoded.here is not None:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        sys.stdout.write("\nOn this machine\n\n")
        sys.stdout.write(
            render_terminal(
                decoded.here,
                TerminalOptions(width=width, color=color, unicode=encoding == "utf8"),
            )
        )
