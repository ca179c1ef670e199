"""Lines of a log file, whatever wraps them: gzip, CRLF, UTF-16, no newline at all.

Memory is bounded: the file is read in pieces and an endless line is cut.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import FormatError

PIECE = 1 << 20
LONGEST_LINE = 1 << 20

# zlib's window bits for a gzip header and trailer.
_GZIP = 31

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
    """Batches of lines of an open binary file; counts bytes and keeps the head.

    ``damaged`` says why unpacking stopped early: what was read before counts as a cut-off log.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        self.head = b""
        self.damaged: str | None = None

    def batches(self) -> Iterator[bytes]:
        """Pieces of whole lines, in order, each ending with a newline."""
        rest = b""
        cut = False
        for piece in self._text():
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

    def _text(self) -> Iterator[bytes]:
        pieces = self._unpacked()
        first = next(pieces, b"")
        self.head = first[:4096]
        for mark, encoding in (
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
        ):
            if first.startswith(mark):
                decoder = codecs.getincrementaldecoder(encoding)("replace")
                yield decoder.decode(first[2:]).encode("utf-8", "replace")
                for piece in pieces:
                    yield decoder.decode(piece).encode("utf-8", "replace")
                return
        if first:
            yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces

    def _unpacked(self) -> Iterator[bytes]:
        head = self._stream.read(2)
        self._stream.seek(0)
        pieces = self._gunzip() if head == b"\x1f\x8b" else self._plain()
        for piece in pieces:
            self.size += len(piece)
            yield piece

    def _plain(self) -> Iterator[bytes]:
        while piece := self._stream.read(PIECE):
            yield piece

    def _gunzip(self) -> Iterator[bytes]:
        """Every byte that can be unpacked, from a file that ends early or is damaged, too."""
        unpacker, begun = zlib.decompressobj(_GZIP), False
        while packed := self._stream.read(PIECE >> 4):
            while packed:
                try:
                    piece = unpacker.decompress(packed, PIECE)
                except zlib.error as error:
                    self.damaged = str(error)
                    return
                if piece:
                    yield piece
                packed, begun = unpacker.unconsumed_tail, True
                if unpacker.eof:
                    packed = unpacker.unused_data
                    unpacker, begun = zlib.decompressobj(_GZIP), False
        if begun and self.size:
            self.damaged = "it ends early"


def open_log(path: Path) -> BinaryIO:
    """Open a log for reading.

    Raises:
        FormatError: the path is a directory or something else that is no regular file.
        OSError: as ``open`` does.
    """
    if path.exists() and not path.is_file():
        raise FormatError(f"{path} is not a regular file; give a build log, plain or gzip")
    return path.open("rb")
