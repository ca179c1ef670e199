"""Files with a model's external data: those of its own folder, and nothing else."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from ...model.given_files import open_regular
from ..errors import FormatError
from .flatten import text

_WINDOW = 64 << 20


class Span(NamedTuple):
    """Bytes of a file."""

    file: Path
    start: int
    length: int


class Files:
    """Opens files once, and gives their bytes piece by piece.

    They are mapped, in windows, because copying them would take as long as looking at the values. A
    mapped file that another process cuts short kills the reader: so the size is looked at before
    each window.
    """

    def __init__(self) -> None:
        self._open: dict[Path, int] = {}
        self._closing = ExitStack()

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *ignored: object) -> None:
        self._closing.close()

    def size(self, path: Path) -> int:
        """How many bytes a file has.

        Raises:
            OSError: it cannot be opened, or is no regular file.
        """
        return os.fstat(self._descriptor(path)).st_size

    def pieces(self, span: Span, piece: int) -> Iterator[Any]:
        """The bytes of a span, ``piece`` of them at a time; as arrays of bytes.

        Raises:
            FormatError: The file is shorter.
            OSError: It cannot be read.
        """
        descriptor = self._descriptor(span.file)
        position, end = span.start, span.start + span.length
        while position < end:
            if os.fstat(descriptor).st_size < end:
                raise FormatError(
                    f"{span.file.name} became shorter while it was read. Copy it again."
                )
            start = position - position % mmap.ALLOCATIONGRANULARITY
            # A whole number of pieces, so that no value lies in two windows.
            stop = min(end, position + max(1, _WINDOW // piece) * piece)
            # Whoever holds the last piece of a window holds the window; nobody closes it.
            window = np.frombuffer(
                mmap.mmap(descriptor, stop - start, access=mmap.ACCESS_READ, offset=start), np.uint8
            )
            for at in range(position, stop, piece):
                yield window[at - start : min(at + piece, stop) - start]
            position = stop

    def _descriptor(self, path: Path) -> int:
        if path not in self._open:
            if len(self._open) >= 64:
                self._closing.close()
                self._open.clear()
            self._open[path] = self._closing.enter_context(open_regular(path)).fileno()
        return self._open[path]


def external_span(tensor: Any, model: Path, files: Files, expected: int | None) -> Span:
    """Where a tensor's external data lie.

    Args:
        tensor: The tensor.
        model: The model's file.
        files: Tells sizes.
        expected: How many bytes the tensor has; None where that is not known.

    Raises:
        FormatError: Its data lie outside the model's folder, are missing, or not what the tensor
            needs.
    """
    told = {text(entry.key): text(entry.value) for entry in tensor.external_data}
    name, location = text(tensor.name), told.get("location", "")
    path = _inside(location, name, model)
    try:
        size = files.size(path)
    except FileNotFoundError:
        raise FormatError(
            f"The file {location!r} with its weights is missing: it has to lie where the model says, "
            f"beside the model in {str(model.parent)!r}. Copy it there."
        ) from None
    except OSError as error:
        raise FormatError(
            f"The file {location!r} with its weights cannot be read ({error.strerror or error})."
        ) from None
    start = _number(told, "offset", name)
    length = _number(told, "length", name) if "length" in told else expected
    if length is None:
        length = max(size - start, 0)
    if expected is not None and length != expected:
        raise FormatError(
            f"Its tensor {name!r} takes {expected:,} bytes, but the model says that {length:,} bytes "
            f"of {location!r} belong to it. Export the model again."
        )
    if start + length > size:
        raise FormatError(
            f"The file {location!r} with its weights ends at {size:,} bytes, but its tensor {name!r} "
            f"lies at {start:,} to {start + length:,}. Copy the file again."
        )
    return Span(path, start, length)


def _inside(location: str, name: str, model: Path) -> Path:
    """The file, which is one of the model's folder."""
    advice = (
        "Only files of the model's own folder are read: copy it there and export or save again."
    )
    windows = PureWindowsPath(location)
    parts = PurePosixPath(location).parts
    if not location or "\0" in location:
        raise FormatError(f"It does not say where the data of its tensor {name!r} lie.")
    if (
        location.startswith("/")
        or windows.drive
        or windows.root
        or ".." in (*parts, *windows.parts)
    ):
        raise FormatError(
            f"The data of its tensor {name!r} lie outside of its folder, in {location!r}. {advice}"
        )
    folder = Path(os.path.realpath(model.parent))
    path = folder.joinpath(*parts)
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(folder):
        raise FormatError(
            f"The data of its tensor {name!r} lie outside of its folder: {location!r} is a link "
            f"to another place. {advice}"
        )
    return real


def _number(told: dict[str, str], key: str, name: str) -> int:
    digits = told.get(key, "0")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise FormatError(
            f"Its tensor {name!r} says {digits!r} for the {key} of its data, which is no number of bytes."
        )
    return int(digits)
