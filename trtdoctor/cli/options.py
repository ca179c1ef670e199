"""The options that commands share, and the plain values they become."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from trtdoctor.host.recorded import RECORDING_FILES
from trtdoctor.model.errors import UsageError
from trtdoctor.model.near import did_you_mean
from trtdoctor.model.watch import silently
from trtdoctor.render.formats import FORMATS, Format, format_of, suffixes
from trtdoctor.reporting.look_session import Looking

from . import completing
from .streams import Progress
from .templates import template_option
from .words import OneOf

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where results go and how they look. ``share`` None means: by format.

    ``tell`` shows what is being done, and nothing once it is told an empty text. Into each of ``folders``
    goes a file named after the machine, over none of ``inputs``.
    """

    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()
    inputs: list[Path] = field(default_factory=list)
    format: str
    share: bool | None
    fail_on: str
    verbose: int
    quiet: bool
    no_color: bool
    open: bool = False
    template: str | None = None
    tell: Callable[[str], None] = silently

    @classmethod
    def take(cls, options: dict[str, Any], *, into_folders: bool = True) -> OutputOptions:
        """Take the shared output options out of a command's keyword arguments.

        Args:
            options: of the command.
            into_folders: what the command makes can be named after a machine.

        Raises:
            UsageError: if a file's suffix names no format or its folder is not there.
        """
        outputs: tuple[str, ...] = options.pop("output")
        folders = tuple(Path(name) for name in outputs if into_folders and _is_folder(name))
        for folder in folders:
            if not folder.absolute().parent.is_dir():
                raise UsageError(
                    f"cannot make the folder {folder}: there is no folder {folder.absolute().parent}; "
                    "make it or choose another"
                )
        files = tuple(Path(name) for name in outputs if Path(name) not in folders)
        for file in files:
            format_asked_by(file)
            try:
                folder = file.absolute().parent
                there, is_folder = folder.is_dir(), file.is_dir()
            except OSError as error:
                raise UsageError(
                    f"cannot write {file}: {error.strerror}; choose another file"
                ) from None
            if not there:
                raise UsageError(
                    f"cannot write {file}: there is no folder {folder}; make it or choose another"
                )
            if is_folder:
                raise UsageError(f"cannot write {file}: it is a folder; name a file in it")
        names = ("format", "share", "fail_on", "verbose", "quiet", "no_color")
        taken = {name: options.pop(name) for name in names}
        taken["open"] = options.pop("open", False)
        taken["template"] = options.pop("template", None)
        if taken["template"] is not None and not was_given("format"):
            taken["format"] = "markdown"
        shown = sys.stderr.isatty() and not taken["quiet"]
        return cls(files=files, folders=folders, tell=Progress() if shown else silently, **taken)

    def keep(self, *inputs: Path | None, look: Looking | None = None) -> None:
        """Refuse to write over what is read, or over the recording that is saved or replayed.

        Raises:
            UsageError: if an output is one of the files given, by whatever name.
        """
        read = [path for path in inputs if path is not None]
        for folder in () if look is None else (look.host, look.record):
            if folder is not None:
                read += [Path(folder) / name for name in RECORDING_FILES]
        self.inputs.extend(read)
        for file in self.files:
            refuse_input(file, *read)


def format_asked_by(file: Path) -> Format:
    """The format that an output's suffix picks.

    Raises:
        UsageError: if it picks none.
    """
    picked = format_of(file)
    if picked is None:
        known = f"use one of {' '.join(suffixes())}"
        hint = did_you_mean(file.suffix, suffixes(), otherwise=known)
        raise UsageError(f"cannot tell the format of {file} from its suffix; {hint}")
    return picked


def refuse_formats(output: OutputOptions, known: Collection[str], told: str) -> None:
    """Refuse files of formats that a command does not write.

    Args:
        output: where its results go.
        known: the names of the formats that it writes.
        told: which these are, as half a sentence.

    Raises:
        UsageError: if a file asks for another.
    """
    for file in output.files:
        if format_asked_by(file).name not in known:
            raise UsageError(f"{told}, no {file.suffix}; name another file")


def _is_folder(name: str) -> bool:
    """Whether a folder is meant: it is there, or its name ends as one's."""
    try:
        there = Path(name).is_dir()
    except OSError:
        return False
    return there or (name.endswith((os.sep, "/")) and not Path(name).exists())


def was_given(name: str) -> bool:
    """Whether the user gave an option of the command that runs, and it is not its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def refuse_input(target: Path, *inputs: Path) -> None:
    """Refuse to write over one of the files that are read.

    Raises:
        UsageError: if it is one of them, by whatever name; a device or a pipe is none.
    """
    for path in inputs:
        if target.exists() and not target.is_file():
            continue
        try:
            same = target.samefile(path)
        except OSError:
            # One of them is not there yet.
            same = os.path.realpath(target) == os.path.realpath(path)
        if same:
            raise UsageError(
                f"cannot write {target}: it is the input {path}, which would be lost; name another file"
            )


def take_look(options: dict[str, Any], output: OutputOptions) -> Looking:
    """Take the shared look options out of a command's keyword arguments."""
    return Looking(
        **{name: options.pop(name) for name in ("python", "active", "deadline", "record", "host")},
        on_progress=output.tell,
        meanwhile=lambda: import_renderers(output),
    )


def import_renderers(output: OutputOptions) -> None:
    """Import what writing the formats that were asked for needs: 20 ms of processor time."""
    kinds = {output.format, *(format_asked_by(file).name for file in output.files)}
    for kind in sorted(kinds):
        if FORMATS[kind].renderer:
            FORMATS[kind].load()
        elif kind == "terminal":
            importlib.import_module("trtdoctor.render.terminal")


def output_options(function: F) -> F:
    """Options of every command that makes a report."""
    for option in reversed(
        (
            click.option(
                "-o",
                "--output",
                metavar="FILE",
                type=completing.outputs(*suffixes()),
                multiple=True,
                help=f"Write the report to FILE; the suffix ({' '.join(suffixes())}) picks the format. "
                "Into a folder (FOLDER/) goes a .json named after the machine. Repeatable.",
            ),
            click.option(
                "--format",
                type=OneOf(list(FORMATS)),
                default="terminal",
                show_default=True,
                help="What to print on stdout.",
            ),
            template_option,
            click.option(
                "--share/--no-share",
                default=None,
                help="Replace private data by pseudonyms. Off for JSON and the terminal, on for all "
                "other formats.",
            ),
            click.option(
                "--fail-on",
                type=OneOf(["error", "warning", "info", "never"]),
                default="error",
                show_default=True,
                help="The least severity that gives exit code 1.",
            ),
            click.option("-v", "--verbose", count=True, help="Show every check and reference."),
            click.option(
                "-q",
                "--quiet",
                is_flag=True,
                help="One line: the verdict, or the answer.",
            ),
            click.option("--no-color", is_flag=True, help="No colours, even on a terminal."),
            click.option(
                "--open",
                is_flag=True,
                help="Open the HTML page in a browser: the first .html of -o, else a temporary file.",
            ),
        )
    ):
        function = option(function)
    return function


def selection_options(function: F) -> F:
    """Options that choose among the checks."""
    for option in reversed(
        (
            click.option(
                "--select",
                metavar="CHECKS",
                shell_complete=completing.checks,
                multiple=True,
                help="Only these checks: ids (or PLUGIN:ID), names or areas, comma separated. Repeatable.",
            ),
            click.option(
                "--ignore",
                metavar="CHECKS",
                shell_complete=completing.checks,
                multiple=True,
                help="Not these checks: ids (or PLUGIN:ID), names or areas, comma separated. Repeatable.",
            ),
        )
    ):
        function = option(function)
    return function


def look_options(function: F) -> F:
    """Options of commands that look at a machine."""
    for option in reversed(
        (
            click.option(
                "--python",
                metavar="PATH",
                help="The interpreter whose TensorRT is meant. Without it: the active virtual or "
                "conda environment's, else the first python3 on PATH.",
            ),
            click.option(
                "--active",
                is_flag=True,
                help="Also use the GPU: measure arithmetic, make a TensorRT builder, run a tiny engine.",
            ),
            click.option(
                "--deadline",
                metavar="SECONDS",
                type=click.IntRange(min=1, max=3600),
                default=45,
                show_default=True,
                help="Looking, reading and solving end by then; what is not done is told.",
            ),
            click.option(
                "--record",
                metavar="DIR",
                type=click.Path(path_type=Path),
                help="Save what the probes saw into DIR.",
            ),
            click.option(
                "--host",
                metavar="DIR",
                type=click.Path(path_type=Path),
                help="Replay a machine that was saved with --record instead of this one.",
            ),
        )
    ):
        function = option(function)
    return function


def words(values: tuple[str, ...]) -> tuple[str, ...]:
    """Comma-separated, repeatable option values as one tuple.

    Raises:
        UsageError: if something was given and names nothing.
    """
    found = tuple(word.strip() for value in values for word in value.split(",") if word.strip())
    if values and not found:
        raise UsageError(
            "--select and --ignore need ids, names or areas; 'trtdoctor list checks' shows them"
        )
    return found
