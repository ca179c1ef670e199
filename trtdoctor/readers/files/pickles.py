"""A walk over a pickle's strings that executes nothing and keeps nothing large.

The opcodes and how long their arguments are come from `pickletools`; its own walk reads each
argument whole, and here an argument can be a plan of some gigabytes.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import NamedTuple

from .source import Source

_MOST_OPCODES = 30_000
_HEAD = 512
_LINE_LIMIT = 1 << 16
_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


class PickledString(NamedTuple):
    """A string or bytes: where its bytes lie, how they start, and whether they are UTF-8 text."""

    offset: int
    length: int
    head: bytes
    text: bool


def pickled_strings(
    source: Source, offset: int, end: int, pickles: int = 1
) -> Iterator[PickledString]:
    """Yield the strings of up to ``pickles`` pickles in a row; ends at what is no pickle."""
    position = offset
    for _ in range(_MOST_OPCODES):
        raw = source.read(position, 16)
        opcode = _OPCODES.get(raw[0]) if raw else None
        if opcode is None or position >= end:
            return
        position += 1
        if opcode.name == "STOP":
            pickles -= 1
            if not pickles:
                return
        if opcode.arg is None:
            continue
        size = opcode.arg.n
        if size >= 0:
            position += size
        elif size == pickletools.UP_TO_NEWLINE:
            lines = 2 if opcode.name in ("GLOBAL", "INST") else 1
            for _ in range(lines):
                newline = source.read(position, _LINE_LIMIT).find(b"\n")
                if newline < 0:
                    return
                position += newline + 1
        else:
            width = _LENGTH_BYTES[size]
            length = int.from_bytes(raw[1 : 1 + width], "little")
            position += width
            if length > end - position:
                return
            if opcode.name != "LONG1" and opcode.name != "LONG4":
                head = source.read(position, min(length, _HEAD))
                yield PickledString(position, length, head, "UNICODE" in opcode.name)
            position += length
