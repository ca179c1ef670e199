"""Sending a report to stdout and to files, each in its format and with or without private data."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from trtdoctor.model.codec import encode, for_terminal, write_atomically
from trtdoctor.model.errors import InputError
from trtdoctor.model.report import Report, Severity
from trtdoctor.render.formats import FORMATS

from .options import OutputOptions, format_asked_by
from .streams import complain, discard_output

if TYPE_CHECKING:
    from trtdoctor.render.terminal import TerminalOptions


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class Make(Protocol[T_co]):
    """Puts together what is told, with pseudonyms for private data or without."""

    def __call__(self, *, share: bool) -> T_co:
        """A report, or what else a command tells."""
        ...


class Render(Protocol[T_contra]):
    """Turns what is told into text of one format."""

    def __call__(self, told: T_contra, kind: str, /, *, to_file: bool) -> str:
        """The text."""
        ...


def emit(
    make: Make[Report],
    options: OutputOptions,
    *,
    all_layers: bool = False,
    record: str | PathLike[str] | None = None,
) -> Report:
    """Write all files of a report, then print it, as :func:`deliver` does."""

    def text(report: Report, kind: str, *, to_file: bool) -> str:
        return render(report, kind, options, to_file=to_file, all_layers=all_layers)

    return deliver(
        make, text, options, hidden=lambda r: r.snapshot.redaction.applied, record=record
    )


def deliver(
    make: Make[T],
    render: Render[T],
    options: OutputOptions,
    *,
    hidden: Callable[[T], bool],
    record: str | PathLike[str] | None = None,
) -> T:
    """Write all files, then print; returns what is told unshared, or shared if asked for.

    What was written with private data in it, ``record`` among it, is named on stderr; ``hidden`` tells
    whether they were replaced.

    Raises:
        InputError: if a file cannot be written.
    """
    made: dict[bool, T] = {}
    private: list[str] = [] if record is None else [fspath(record)]
    unsure: list[str] = []

    def shared(kind: str) -> bool:
        return options.share if options.share is not None else FORMATS[kind].shared

    def told(kind: str) -> T:
        share = shared(kind)
        if share not in made:
            made[share] = make(share=share)
        return made[share]

    for file in options.files:
        kind = format_asked_by(file).name
        options.tell(f"writing {file.name}")
        _write(file, render(told(kind), kind, to_file=True).encode("utf-8", "replace"))
        if not hidden(told(kind)):
            (unsure if shared(kind) else private).append(str(file))
    options.tell("writing what is printed")
    printed = told(options.format)
    text = render(printed, options.format, to_file=False)
    options.tell("")
    _print(text)
    if shared(options.format) and not hidden(printed):
        unsure.append("what was printed")
    if private:
        complain(
            f"trtdoctor: private data (names, paths, serials, secrets) stand as they are in "
            f"{_listed(private)}; to pass on, write a report with --share"
        )
    if unsure:
        complain(
            f"trtdoctor: {_listed(unsure)} may tell names of the user, the host or a home folder, which "
            "are not known here; read it before you pass it on"
        )
    return made.get(False, printed)


def _listed(names: list[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def render(
    report: Report, kind: str, options: OutputOptions, *, to_file: bool, all_layers: bool = False
) -> str:
    """One report in one format."""
    if kind == "json":
        text = encode(report).decode()
        return text if to_file or not sys.stdout.isatty() else for_terminal(text)
    known = FORMATS[kind]
    if known.renderer:
        return known.load()(report, **({"fail_on": fail_on(options)} if known.judged else {}))
    from trtdoctor.render.terminal import render_terminal

    return render_terminal(
        report, terminal_options(options, to_file=to_file, all_layers=all_layers)
    )


def terminal_options(
    options: OutputOptions, *, to_file: bool, all_layers: bool = False
) -> TerminalOptions:
    """How wide text is and what it may hold: as the terminal can, and a file as most can."""
    from trtdoctor.render.terminal import TerminalOptions

    on_terminal = not to_file and sys.stdout.isatty()
    color = on_terminal and not options.no_color and "NO_COLOR" not in os.environ
    return TerminalOptions(
        width=shutil.get_terminal_size((100, 24)).columns if on_terminal else 100,
        color=color and os.environ.get("TERM") != "dumb",
        unicode=to_file or _speaks_unicode(),
        verbose=options.verbose,
        quiet=options.quiet,
        all_layers=all_layers,
    )


def fail_on(options: OutputOptions) -> Severity | None:
    """The severity that ``--fail-on`` names; None for ``never``."""
    return None if options.fail_on == "never" else Severity(options.fail_on)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough; the exit code still tells what was found.
        discard_output()


def _write(file: Path, data: bytes) -> None:
    try:
        write_atomically(file, data)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror}; choose a folder that you may write to"
        ) from None
