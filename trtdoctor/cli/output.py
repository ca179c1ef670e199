"""Sending a report to stdout and to files, each in its format and with or without private data."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from trtdoctor.model.codec import encode, for_terminal, write_atomically
from trtdoctor.model.errors import InputError, UsageError
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

    def put(told: Report, folder: Path) -> Path:
        from .report_folder import name_of, put_into

        whole = told if not told.snapshot.redaction.applied else make(share=False)
        named = name_of(whole, told)
        return put_into(folder, encode(told), named, tuple(options.inputs))

    return deliver(
        make, text, options, hidden=lambda r: r.snapshot.redaction.applied, record=record, put=put
    )


def deliver(
    make: Make[T],
    render: Render[T],
    options: OutputOptions,
    *,
    hidden: Callable[[T], bool],
    record: str | PathLike[str] | None = None,
    put: Callable[[T, Path], Path] | None = None,
) -> T:
    """Write all files, then print; returns what is told unshared, or shared if asked for.

    What was written with private data in it, ``record`` among it, is named on stderr; ``hidden`` tells
    whether they were replaced. A file that cannot be written costs neither the other files nor what is
    printed. ``put`` writes what is told as JSON into a folder, and returns the file.

    Raises:
        InputError: once all else is written and printed, if a file cannot be written.
    """
    delivery = _Delivery(make, options, hidden)
    if record is not None:
        delivery.private.append(fspath(record))
    for file in options.files:
        kind = format_asked_by(file).name
        options.tell(f"writing {file.name}")
        text = render(delivery.told(kind), kind, to_file=True)
        delivery.write(kind, partial(_write, file, text.encode("utf-8", "replace")))
    for folder in options.folders:
        if put is None:
            raise UsageError(f"cannot write into {folder}: name a file")
        options.tell(f"writing into {folder}")
        delivery.write("json", partial(put, delivery.told("json"), folder))
    options.tell("writing what is printed")
    printed = delivery.told(options.format)
    text = render(printed, options.format, to_file=False)
    options.tell("")
    _print(text)
    if options.open:
        from .browser import show_page

        written = (file for file in options.files if format_asked_by(file).name == "html")
        page = show_page(
            next(written, None), lambda: render(delivery.told("html"), "html", to_file=True)
        )
        if page is not None:
            delivery.wrote("html", page)
    if delivery.shared(options.format) and not hidden(printed):
        delivery.unsure.append("what was printed")
    delivery.warn()
    return delivery.unshared() or printed


class _Delivery(Generic[T]):
    """What one run writes: made once with private data and once without, and where they stand."""

    def __init__(self, make: Make[T], options: OutputOptions, hidden: Callable[[T], bool]) -> None:
        self._make, self._options, self._hidden = make, options, hidden
        self._made: dict[bool, T] = {}
        self._failures: list[InputError] = []
        self.private: list[str] = []
        self.unsure: list[str] = []

    def shared(self, kind: str) -> bool:
        """Whether private data are replaced in a format."""
        share = self._options.share
        return share if share is not None else FORMATS[kind].shared

    def told(self, kind: str) -> T:
        """What is told in a format."""
        share = self.shared(kind)
        if share not in self._made:
            self._made[share] = self._make(share=share)
        return self._made[share]

    def unshared(self) -> T | None:
        """What was told with private data in it, if anything was."""
        return self._made.get(False)

    def write(self, kind: str, write: Callable[[], Path]) -> None:
        """Write one file; that it cannot be written is told once all else is done."""
        try:
            self.wrote(kind, write())
        except InputError as lost:
            self._failures.append(lost)

    def wrote(self, kind: str, file: Path) -> None:
        """Keep in mind a file that holds private data, or may."""
        if not self._hidden(self.told(kind)):
            (self.unsure if self.shared(kind) else self.private).append(str(file))

    def warn(self) -> None:
        """Name what holds private data, and what could not be written.

        Raises:
            InputError: the last of the files that could not be written; the others are told.
        """
        if self.private:
            complain(
                f"trtdoctor: private data (names, paths, serials, secrets) stand as they are in "
                f"{_listed(self.private)}; to pass on, write a report with --share"
            )
        if self.unsure:
            complain(
                f"trtdoctor: {_listed(self.unsure)} may tell names of the user, the host or a home "
                "folder, which are not known here; read it before you pass it on"
            )
        for failure in self._failures[:-1]:
            complain(f"trtdoctor: {failure}")
        if self._failures:
            raise self._failures[-1]


def _listed(names: list[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def render(
    report: Report, kind: str, options: OutputOptions, *, to_file: bool, all_layers: bool = False
) -> str:
    """One report in one format."""
    if kind == "json":
        text = encode(report).decode()
        return text if to_file or not sys.stdout.isatty() else for_terminal(text)
    if kind == "markdown" and options.template is not None:
        from trtdoctor.render.ticket import render_ticket
        from trtdoctor.render.ticket_templates import TEMPLATES

        return render_ticket(report, TEMPLATES[options.template])
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
        # A file is kept to be read later, and then one line does not do.
        quiet=options.quiet and not to_file,
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


def _write(file: Path, data: bytes) -> Path:
    try:
        write_atomically(file, data)
        return file
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror or error}; {_way_out(error)}"
        ) from None


def _way_out(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room or choose another place"
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "choose a folder that you may write to"
