"""An ONNX model's bytes without its weights, so that only the graph is ever held in memory.

The protobuf is walked field by field: what tensors store is stepped over, never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, NamedTuple

from ..errors import FormatError
from ..files.source import Source
from .bounds import Allowance

# Fields of onnx.proto by message. Messages that hold tensors, directly or further inside:
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Element data of a tensor; and training information, which no inference reads.
_LEFT_OUT: Mapping[str, frozenset[int]] = {
    "model": frozenset({20}),
    "tensor": frozenset({4, 5, 6, 7, 9, 10, 11}),
}
_SMALL = 1 << 12
_HOLDS_MANY = 64
# A field of bytes, by the tags that a message of onnx.proto can have, of up to fifteen bytes.
_SHORT = re.compile(rb"[\x0a\x12\x1a\x22\x2a\x32\x3a\x42\x4a\x52\x5a\x6a\x72\x7a][\x00-\x0f]")
_LONGEST_LEAF = 1 << 20
_MOST_BYTES = 1 << 29
# Of a message whose values are left out: the field of its doc_string, which is told where they lie.
_DOC_STRING: Mapping[str, int] = {"tensor": 12, "attribute": 13}
_DEEPEST = 80
_WINDOW = 1 << 18
_DAMAGED = "It is a damaged or no ONNX model: {}. Copy or export it again."


class LeftOut(NamedTuple):
    """Values of a tensor or an attribute that were left out: which field, and where it lies."""

    field: int
    start: int
    stop: int


class Places:
    """Where the values lie that were left out.

    What they were left out of says which entry is its own by its ``doc_string``, in words that no
    model can foresee.
    """

    def __init__(self) -> None:
        self._mark = token_hex(16)
        self._entries: list[list[LeftOut]] = []

    def add(self, entry: list[LeftOut]) -> bytes:
        """Keep one entry; the ``doc_string`` that leads to it."""
        self._entries.append(entry)
        return f"{self._mark} {len(self._entries) - 1}".encode()

    def of(self, message: Any) -> list[LeftOut]:
        """What was left out of a parsed tensor or attribute; empty where nothing was."""
        words = message.doc_string
        if not isinstance(words, str) or not words.startswith(self._mark):
            return []
        return self._entries[int(words.rpartition(" ")[2])]


def slim(source: Source, allowed: Allowance, places: Places | None = None) -> bytes:
    """The model's bytes without element data.

    Args:
        source: The model.
        allowed: How much of it may come.
        places: Is told where the element data lie.

    Raises:
        FormatError: The bytes are no protobuf message of a model, or its graph alone is too large.
        TooMuch: It has more parts than are read.
    """
    return _Slimmer(source, allowed, places).message("model", 0, source.size, 0)


class _Slimmer:
    def __init__(self, source: Source, allowed: Allowance, places: Places | None) -> None:
        self._places = places
        self._source = source
        self._allowed = allowed
        self._window = b""
        self._start = 0
        self._kept = 0

    def message(self, kind: str, start: int, end: int, depth: int) -> bytes:
        if depth > _DEEPEST:
            raise FormatError(_DAMAGED.format("its graphs lie too deep inside each other"))
        inside, left_out = _INSIDE[kind], _LEFT_OUT.get(kind, frozenset())
        parts: list[bytes] = []
        without: list[LeftOut] = []
        position = start
        while position < end:
            begin = position
            self._allowed.field()
            key, position = self._varint(position, end)
            number, wire = key >> 3, key & 7
            if wire == 2:
                length, position = self._varint(position, end)
                stop = position + length
                if stop > end:
                    raise FormatError(_DAMAGED.format("it ends inside a field"))
                if number in inside and length > _SMALL:
                    body = self.message(inside[number], position, stop, depth + 1)
                    self._keep(parts, _encoded(key) + _encoded(len(body)))
                    parts.append(body)
                elif number not in left_out and length <= _LONGEST_LEAF:
                    data = self._bytes(begin, stop)
                    if length > _HOLDS_MANY:
                        self._allowed.short_fields(len(_SHORT.findall(data)))
                    self._keep(parts, data)
                else:
                    without.append(LeftOut(number, position, stop))
                position = stop
                continue
            first = position
            if wire == 0:
                _, position = self._varint(position, end)
            elif wire in (1, 5):
                position += 8 if wire == 1 else 4
            else:
                raise FormatError(_DAMAGED.format(f"a field has the unknown wire type {wire}"))
            if position > end:
                raise FormatError(_DAMAGED.format("it ends inside a field"))
            if number not in left_out:
                self._keep(parts, self._bytes(begin, position))
            else:
                without.append(LeftOut(number, first, position))
        if without and self._places is not None and kind in _DOC_STRING:
            words = self._places.add(without)
            parts.append(_encoded(_DOC_STRING[kind] << 3 | 2) + _encoded(len(words)) + words)
        return b"".join(parts)

    def _keep(self, parts: list[bytes], data: bytes) -> None:
        self._kept += len(data)
        if self._kept > _MOST_BYTES:
            raise FormatError(
                f"Its graph alone, without weights, exceeds {_MOST_BYTES >> 20} MB: "
                "no such model is read."
            )
        parts.append(data)

    def _bytes(self, start: int, end: int) -> bytes:
        offset = start - self._start
        if offset < 0 or end - self._start > len(self._window):
            self._start, offset = start, 0
            self._window = self._source.read(start, max(_WINDOW, end - start))
        data = self._window[offset : offset + end - start]
        if len(data) < end - start:
            raise FormatError(_DAMAGED.format("it became shorter while it was read"))
        return data

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = 0
        for index, byte in enumerate(self._bytes(position, min(position + 10, end))):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value, position + index + 1
        raise FormatError(_DAMAGED.format("a field has no end"))


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
