"""Files as arguments: paths, and ``-`` for what is piped in.

What is piped in is kept in a file of its own while the command runs, for readers go back and forth in
it; whatever is told of that file calls it standard input.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
from click.shell_completion import CompletionItem

from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.run.examinations import Examination

from .completing import files_named

STANDARD_INPUT = "standard input"
# In bytes. A build log of a large network has less than a quarter of it.
LARGEST_PIPED = 4 << 30
_PIECE = 1 << 20
T = TypeVar("T")


class GivenFile(click.Path):
    """A file or a folder by its path, or ``-`` for standard input; shells offer those of a suffix."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(path_type=Path)
        self._suffixes = suffixes

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """The path; of standard input that of the file that holds it now."""
        if os.fspath(value) == "-" and ctx is not None and not ctx.resilient_parsing:
            return _PIPED.file()
        return super().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Files with one of the suffixes, else all files."""
        if not self._suffixes:
            return super().shell_complete(ctx, param, incomplete)
        return files_named(incomplete, self._suffixes)


class _Piped:
    """Standard input, read at most once in a run."""

    def __init__(self) -> None:
        self.folder: str | None = None

    def file(self) -> Path:
        """A file with all that is piped in.

        Raises:
            UsageError: it was asked for before, or nothing is piped in.
            InputError: there is too much of it, or no room for it.
        """
        if self.folder is not None:
            raise UsageError("- is standard input, which can be read once; give - in one place")
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("- is standard input, and nothing is piped into it; pipe a file in")
        try:
            self.folder = tempfile.mkdtemp(prefix="trtdoctor-")
            path = Path(self.folder, STANDARD_INPUT)
            with path.open("wb") as kept:
                _copy(sys.stdin.buffer, kept)
        except OSError as error:
            raise InputError(
                f"cannot keep standard input in {tempfile.gettempdir()}: {error.strerror}; write it to a "
                "file and give that"
            ) from None
        return path

    def remove(self) -> None:
        """Leave nothing behind."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


_PIPED = _Piped()


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    size = 0
    while piece := source.read(_PIECE):
        size += len(piece)
        if size > LARGEST_PIPED:
            raise InputError(
                f"standard input is larger than {LARGEST_PIPED >> 30} GiB; write it to a file and give that"
            )
        target.write(piece)


def named(text: str) -> str:
    """A text in which the file that holds standard input is called that."""
    return text.replace(f"{_PIPED.folder}{os.sep}", "") if _PIPED.folder else text


def named_in(part: T) -> T:
    """A document, or a part of one, in which the file that holds standard input is called that."""
    if _PIPED.folder is None:
        return part
    from trtdoctor.reporting.walking import changed

    def same(value: Any) -> Any:
        return changed(value, named, same, named)

    renamed: T = same(part)
    return renamed


def told(seen: Examination) -> Examination:
    """What a run saw, with standard input by its name."""
    if _PIPED.folder is None:
        return seen
    parts = ("snapshot", "engines", "models", "comparisons", "unsound")
    return dataclasses.replace(seen, **{part: named_in(getattr(seen, part)) for part in parts})


def tidy() -> None:
    """Remove what was kept of standard input."""
    _PIPED.remove()
