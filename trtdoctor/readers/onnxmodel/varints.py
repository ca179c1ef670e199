"""Decodes packed numbers of protobuf many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import FormatError

_LONGEST = 10


def low_bytes(pieces: Iterator[Any], width: int, most: int) -> Iterator[Any]:
    """The lowest bytes of each number, as FP16 and smaller types stand in ``int32_data``.

    Args:
        pieces: The bytes of packed numbers, in arrays of bytes; a number may go on in the next one.
        width: How many bytes of each are wanted, one or two.
        most: How many bytes to give at a time.

    Raises:
        FormatError: A number has no end.
    """
    rest = np.empty(0, np.uint8)
    for piece in pieces:
        data = np.concatenate([rest, piece])
        ends = np.flatnonzero(data < 0x80)
        whole = int(ends[-1]) + 1 if ends.size else 0
        starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
        rest = data[whole:]
        lengths = ends - starts + 1
        if rest.size >= _LONGEST or (lengths.size and int(lengths.max()) > _LONGEST):
            raise FormatError("It is a damaged ONNX model: a number has no end. Copy it again.")
        numbers = _low(data, starts, lengths).astype(np.uint16 if width == 2 else np.uint8)
        found = numbers.view(np.uint8)
        for at in range(0, found.size, most):
            yield found[at : at + most]
    if rest.size:
        raise FormatError("It is a damaged ONNX model: a number has no end. Copy it again.")


def _low(data: Any, starts: Any, lengths: Any) -> Any:
    """The lowest 21 bits of each number."""
    padded = np.concatenate([data, np.zeros(2, np.uint8)])
    value = padded[starts].astype(np.uint32) & 0x7F
    for index in (1, 2):
        more = padded[starts + index].astype(np.uint32) & 0x7F
        value |= np.where(lengths > index, more << (7 * index), 0).astype(np.uint32)
    return value
