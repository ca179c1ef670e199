"""An ONNX model's bytes without its weights, so that only the graph is ever held in memory.

The protobuf is walked field by field: what tensors store is stepped over, never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import FormatError
from ..files.source import Source
from .bounds import Allowance
from .wire import Wire, damaged

# Fields of onnx.proto by message. Messages that hold tensors, directly or further inside:
INSIDE: Mapping[str, Mapping[int, str]] = {
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
DEEPEST = 80


def slim(source: Source, allowed: Allowance) -> bytes:
    """The model's bytes without element data.

    Args:
        source: The model.
        allowed: How much of it may come.

    Raises:
        FormatError: The bytes are no protobuf message of a model, or its graph alone is too large.
        TooMuch: It has more parts than are read.
    """
    return _Slimmer(source, allowed).message("model", 0, source.size, 0)


class _Slimmer:
    def __init__(self, source: Source, allowed: Allowance) -> None:
        wire = Wire(source)
        self._bytes, self._varint = wire.bytes, wire.varint
        self._allowed = allowed
        self._kept = 0

    def message(self, kind: str, start: int, end: int, depth: int) -> bytes:
        if depth > DEEPEST:
            raise damaged("its graphs lie too deep inside each other")
        inside, left_out = INSIDE[kind], _LEFT_OUT.get(kind, frozenset())
        parts: list[bytes] = []
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
                    raise damaged("it ends inside a field")
                if number in inside and length > _SMALL:
                    body = self.message(inside[number], position, stop, depth + 1)
                    self._keep(parts, _encoded(key) + _encoded(len(body)))
                    parts.append(body)
                elif number not in left_out and length <= _LONGEST_LEAF:
                    data = self._bytes(begin, stop)
                    if length > _HOLDS_MANY:
                        self._allowed.short_fields(len(_SHORT.findall(data)))
                    self._keep(parts, data)
                position = stop
                continue
            if wire == 0:
                _, position = self._varint(position, end)
            elif wire in (1, 5):
                position += 8 if wire == 1 else 4
            else:
                raise damaged(f"a field has the unknown wire type {wire}")
            if position > end:
                raise damaged("it ends inside a field")
            if number not in left_out:
                self._keep(parts, self._bytes(begin, position))
        return b"".join(parts)

    def _keep(self, parts: list[bytes], data: bytes) -> None:
        self._kept += len(data)
        if self._kept > _MOST_BYTES:
            raise FormatError(
                f"Its graph alone, without weights, exceeds {_MOST_BYTES >> 20} MB: "
                "no such model is read."
            )
        parts.append(data)


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
