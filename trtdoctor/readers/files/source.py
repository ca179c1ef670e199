"""Random access to bytes, wherever they lie: a file, memory, a part of a file, encoded text.

Every reader works on a `Source`, so that a plan inside another file is read where it is, and a file
of any size costs only the ranges that were asked for. Files are read by ranges and not mapped: a
mapped file that another process cuts short kills the reader.
"""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...model.given_files import open_regular

GZIP_HEAD = 4 << 20
"""How many bytes of a compressed file are inflated to look at it."""


class Source:
    """Bytes with random access.

    Attributes:
        size: How many bytes there are.
        complete: Whether `size` is the end of the data. False for the inflated head of a compressed
            file, of which nothing can be said beyond the head.
    """

    size: int = 0
    complete: bool = True

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer where the data ends."""
        raise NotImplementedError


class BytesSource(Source):
    """Bytes in memory."""

    def __init__(self, data: bytes, *, complete: bool = True) -> None:
        self._data = data
        self.size = len(data)
        self.complete = complete

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        if offset < 0 or length <= 0:
            return b""
        return self._data[offset : offset + length]


class FileSource(Source):
    """A seekable binary file. Does not close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`.

        Raises:
            OSError: The file cannot be read.
        """
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        self._file.seek(offset)
        return self._file.read(length) or b""


class SpanSource(Source):
    """A part of another source."""

    def __init__(self, parent: Source, offset: int, length: int) -> None:
        self._parent = parent
        self._offset = offset
        self.size = max(0, min(length, parent.size - offset))
        self.complete = parent.complete

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        return self._parent.read(self._offset + offset, length)


class Base64Source(Source):
    """Base64 text without line breaks, read as the bytes that it encodes."""

    def __init__(self, text: Source) -> None:
        self._text = text
        quads = text.size // 4
        padding = text.read(4 * quads - 2, 2).count(b"=") if quads else 0
        self.size = max(0, 3 * quads - padding)
        self.complete = text.complete

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`. Ends early where the text is not base64."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        first, last = offset // 3, (offset + length + 2) // 3
        try:
            data = base64.b64decode(self._text.read(4 * first, 4 * (last - first)), validate=True)
        except binascii.Error:
            return b""
        return data[offset - 3 * first : offset - 3 * first + length]


def inflate_head(source: Source, limit: int = GZIP_HEAD) -> BytesSource:
    """Inflate the first ``limit`` bytes of a gzip file; what was readable before an error."""
    inflater = zlib.decompressobj(wbits=31)
    out = bytearray()
    position = 0
    try:
        while len(out) < limit and not inflater.eof:
            chunk = source.read(position, 1 << 16)
            if not chunk:
                break
            position += len(chunk)
            out += inflater.decompress(chunk, limit - len(out))
    except zlib.error:
        return BytesSource(bytes(out), complete=False)
    return BytesSource(bytes(out), complete=inflater.eof)


@contextmanager
def open_source(source: Path | BinaryIO | bytes | Source) -> Iterator[Source]:
    """Open whatever holds the bytes.

    Raises:
        OSError: The file cannot be opened or read, or is no regular file (a pipe would block for
        ever).
    """
    if isinstance(source, Source):
        yield source
    elif isinstance(source, (bytes, bytearray)):
        yield BytesSource(bytes(source))
    elif isinstance(source, Path):
        with open_regular(source) as file:
            yield FileSource(file)
    else:
        yield FileSource(source)
