"""Lines of a log file, in memory that is bounded: read in pieces, and an endless line is cut."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from trtdoctor.model.given_files import open_regular

from ..errors import FormatError
from ..textfile import TextPieces, Unwrapper

LONGEST_LINE = 1 << 20

# What people give by mistake, by the first bytes.
_OTHER_FILES = (
    (b"ptrt", "a serialized TensorRT engine"),
    (b"ftrt", "a serialized TensorRT engine"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x7fELF", "a shared library or program"),
    (b"{", "JSON"),
    (b"[{", "JSON"),
    (b"\x08", "probably an ONNX model"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"(\xb5/\xfd", "a zstd archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
)


def kind_of(head: bytes) -> str:
    """What the first bytes of a file that is no log look like, in words."""
    if not head:
        return "empty"
    for magic, words in _OTHER_FILES:
        if head.startswith(magic):
            return words
    return "binary data" if b"\x00" in head[:256] else "text without a line of TensorRT's builder"


class Lines:
    """Batches of lines of an open binary file, without what wraps them; see :class:`TextPieces`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._pieces = TextPieces(stream)
        self._unwrapper: Unwrapper | None = None

    @property
    def size(self) -> int:
        """How many bytes were read, unpacked."""
        return self._pieces.size

    @property
    def head(self) -> bytes:
        """The first bytes as they stand in the file, unpacked."""
        return self._pieces.head

    @property
    def damaged(self) -> str | None:
        """What is wrong with the file, where it could not be unpacked to its end."""
        return self._pieces.damaged

    @property
    def limit(self) -> str | None:
        """Which limit the file passed, where it was not unpacked to its end."""
        return self._pieces.limit

    def batches(self) -> Iterator[bytes]:
        """Pieces of whole lines, in order, each ending with a newline."""
        for batch in self._whole_lines():
            if self._unwrapper is None:
                self._unwrapper = Unwrapper(batch)
            yield self._unwrapper.strip(batch)

    def _whole_lines(self) -> Iterator[bytes]:
        rest = b""
        cut = False
        for piece in self._pieces:
            if cut:
                # What follows belongs to a line whose beginning was given already.
                newline = piece.find(b"\n") + 1
                if not newline:
                    continue
                piece, cut = piece[newline:], False
            end = piece.rfind(b"\n") + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
            if len(rest) > LONGEST_LINE:
                yield rest[:LONGEST_LINE] + b"\n"
                rest, cut = b"", True
        if rest and not cut:
            yield rest + b"\n"


@contextmanager
def open_log(path: Path) -> Iterator[BinaryIO]:
    """Open a log for reading.

    Raises:
        FormatError: the path is a directory or something else that is no regular file.
        OSError: as ``open`` does.
    """
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(open_regular(path))
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.EINVAL):
                raise
            text = f"{path} is not a regular file; give a build log, plain or gzip"
            raise FormatError(text) from None
        yield stream
