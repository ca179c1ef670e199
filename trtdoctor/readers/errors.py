"""The one error of all readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..model.errors import InputError


class FormatError(InputError, ValueError):
    """A file is not what its reader reads. The message says what it is and what to do."""


class TooMuch(FormatError):
    """A file of the right kind that holds more than is read; no other reader would take it."""


class NoBuild(FormatError):
    """A log that was given as a build's, of a run that loads an engine and builds none."""


@contextmanager
def naming(name: str | None) -> Iterator[None]:
    """Puts the file's name, where it is known, before what a reader says of its bytes.

    Raises:
        FormatError: what the body raises, named.
    """
    try:
        yield
    except FormatError as error:
        if name is None:
            raise
        raise type(error)(f"{name}: {error}") from error.__cause__
