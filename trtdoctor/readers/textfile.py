"""The bytes of a text file as TensorRT wrote them, whatever wraps them: gzip, UTF-16, prefixes.

Logs reach people through terminals, containers and CI systems, each of which adds something of its
own to every line. What is taken away here is never in a line of TensorRT's; what its loggers put
before their messages stays, for the readers to understand.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from os import SEEK_END
from typing import BinaryIO

PIECE = 1 << 20

# zlib's window bits for a gzip header and trailer.
_GZIP = 31

# What people pack is text of which gzip makes a tenth to a fortieth. What unpacks to far more was made
# to do so, and without a limit would keep a reader busy for a thousand times its size.
_MOST_UNPACKED = 50
_ALWAYS_UNPACKED = 32 << 20

_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# Colours, and all else that an ECMA-48 control sequence can say to a terminal.
_CONTROL = re.compile(rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,4}[@-~]|\(B)")

_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
# What stands before a line, by who puts it there.
_WRAPPERS = (
    rb"[\w.-]{1,64}[ \t]{0,64}\| ?",  # docker compose
    rb"\[pod/[\w./-]{1,256}\] ",  # kubectl logs --prefix
    _STAMP + rb" (?:stdout|stderr) [FP] ",  # a container runtime's own files
    _STAMP + rb" \d\d[OE]\+? ?",  # GitLab CI
    _STAMP + rb" ",  # kubectl logs --timestamps, docker logs -t, GitHub Actions
    rb"[^\t\n]{1,128}\t[^\t\n]{1,128}\t\xef?\xbb?\xbf?(?=" + _STAMP + rb" )",  # gh run view --log
    rb"\[" + _STAMP + rb"\] ",  # Jenkins
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [\w./@-]{1,64}(?:\[\d{1,10}\])?: ",  # journald
    rb"[VIWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d{1,10} [\w.-]{1,64}:\d{1,6}\] ",  # Triton
    rb"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? )?\[[VIWEF]:onnxruntime:[^\]\n]{0,200}\] ",
)
_MOST_WRAPPERS = 4
_SAMPLE = 1 << 16


class TextPieces:
    """The pieces of an open binary file, unpacked and as UTF-8; counts bytes and keeps the head.

    ``damaged`` says why a file could not be unpacked to its end, ``limit`` that it was not, since it
    unpacks to more than any text does. What was read before counts as a file that was cut.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        self.head = b""
        self.damaged: str | None = None
        self.limit: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._unpacked()
        first = next(pieces, b"")
        self.head = first[:4096]
        for mark, encoding in _UTF16:
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
        most = max(_ALWAYS_UNPACKED, _MOST_UNPACKED * self._stream.seek(0, SEEK_END))
        self._stream.seek(0)
        unpacker, begun = zlib.decompressobj(_GZIP), False
        while packed := self._stream.read(PIECE >> 4):
            while packed:
                try:
                    piece = unpacker.decompress(packed, PIECE)
                except zlib.error as error:
                    self.damaged = str(error)
                    return
                if self.size + len(piece) > most:
                    self.limit = f"it unpacks to more than {_MOST_UNPACKED} times its size"
                    yield piece[: most - self.size]
                    return
                if piece:
                    yield piece
                packed, begun = unpacker.unconsumed_tail, True
                if unpacker.eof:
                    packed = unpacker.unused_data
                    unpacker, begun = zlib.decompressobj(_GZIP), False
        if begun:
            self.damaged = "it ends early"


class Unwrapper:
    """Takes from every line what others put before it, and what only a terminal understands.

    Which wrappers there are is learnt from the first lines: one that stands before half of them.
    Several may stand one before the other.
    """

    def __init__(self, text: bytes) -> None:
        sample = _CONTROL.sub(b"", text[:_SAMPLE])
        lines = [line for line in sample.split(b"\n") if line.strip()]
        found: list[bytes] = []
        while lines and len(found) < _MOST_WRAPPERS:
            wrapper = next((w for w in _WRAPPERS if _is_before(w, lines)), None)
            if wrapper is None:
                break
            found.append(wrapper)
            lines = [re.sub(rb"\A" + wrapper, b"", line) for line in lines]
        self._before = (
            # The newline leads, since what is behind it is found many times faster than a line's start.
            re.compile(b"\n" + b"".join(rb"(?:" + w + rb")?" for w in found)) if found else None
        )

    def strip(self, lines: bytes) -> bytes:
        """Whole lines without what wraps them; as many lines as before."""
        if b"\x1b" in lines:
            lines = _CONTROL.sub(b"", lines)
        return lines if self._before is None else self._before.sub(b"\n", b"\n" + lines)[1:]


def _is_before(wrapper: bytes, lines: list[bytes]) -> bool:
    matches = re.compile(wrapper).match
    return 2 * sum(matches(line) is not None for line in lines) >= len(lines)
