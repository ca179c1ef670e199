"""External data: files beside a model, in its own folder and nowhere else.

A model names them, and a model may come from anywhere: a path that leads out of the folder, a link
out of it, a device or a pipe is refused by name.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ...model.given_files import open_regular
from .tensor_places import Location


class ExternalRefused(Exception):
    """Data are missing or not to be read. The message is half a sentence that names the file."""


class ExternalFiles:
    """The open data files of one model. Use it as a context manager.

    Args:
        folder: The model's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._open: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> ExternalFiles:
        """Nothing is opened yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all."""
        self._stack.close()

    def open(self, location: Location, wanted: int) -> tuple[BinaryIO, int]:
        """The file that holds ``wanted`` bytes of a tensor, and where in it they begin.

        Raises:
            ExternalRefused: They are not there, or not to be read.
        """
        name = location.path
        file = self._open.get(name)
        if file is None:
            file = self._open[name] = self._opened(name)
        size = os.fstat(file.fileno()).st_size
        if location.length is not None and location.length != wanted:
            raise ExternalRefused(
                f"its data in {name} have {location.length:,} bytes, and its shape asks for {wanted:,}"
            )
        if location.offset < 0 or location.offset + wanted > size:
            raise ExternalRefused(
                f"its data end at byte {location.offset + wanted:,} of {name}, which has {size:,}"
            )
        return file, location.offset

    def _opened(self, name: str) -> BinaryIO:
        path = inside(self._folder, name)
        try:
            return self._stack.enter_context(open_regular(path))
        except FileNotFoundError:
            raise ExternalRefused(f"its data are in {name}, which is missing") from None
        except OSError as error:
            raise ExternalRefused(
                f"its data are in {name}, which cannot be read: {error.strerror or error}"
            ) from None


def inside(folder: Path, name: str) -> Path:
    """The path of a data file below the model's folder.

    Raises:
        ExternalRefused: It lies elsewhere, or is no path.
    """
    if not name or "\0" in name:
        raise ExternalRefused("its data are in a file without a name")
    real = Path(os.path.realpath(folder / name))
    if Path(name).is_absolute() or not real.is_relative_to(os.path.realpath(folder)):
        raise ExternalRefused(
            f"its data are in {name}, outside the model's folder, where nothing is read"
        )
    return real
