"""Bytes and numbers of a protobuf message, read by a window that moves over the file."""

from __future__ import annotations

from ..errors import FormatError
from ..files.source import Source

_WINDOW = 1 << 18


def damaged(how: str) -> FormatError:
    """What is told of a file that is no model, or not all of one."""
    return FormatError(f"This is a damaged ONNX model, or none: {how}. Copy or export it again.")


class Wire:
    """Reads one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._window = b""
        self._start = 0

    def bytes(self, start: int, end: int) -> bytes:
        """The bytes of a range.

        Raises:
            FormatError: The source ends before.
        """
        offset = start - self._start
        if offset < 0 or end - self._start > len(self._window):
            self._start, offset = start, 0
            self._window = self._source.read(start, max(_WINDOW, end - start))
        data = self._window[offset : offset + end - start]
        if len(data) < end - start:
            raise damaged("it became shorter while it was read")
        return data

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """The number that begins there, and where the next field does.

        Raises:
            FormatError: It has no end.
        """
        value = 0
        for index, byte in enumerate(self.bytes(position, min(position + 10, end))):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value, position + index + 1
        raise damaged("a field has no end")
