"""Counts values of 8 and 4 bits: there are so few patterns that each is counted by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .onnx_facts import TensorType
from .weight_numbers import FloatNumbers

_T = TensorType
FOUR_BITS = frozenset({_T.FLOAT4E2M1})
_OVERFLOW, _NORMAL, _FLUSHED = 65520.0, 2.0**-14 - 2.0**-25, 2.0**-25


def _small_float(pattern: int, exponent_bits: int, bias: int) -> float:
    """A sign bit, an exponent, a mantissa: with subnormal numbers, and nothing else special."""
    mantissa_bits = 7 - exponent_bits
    exponent, mantissa = (
        pattern >> mantissa_bits & (1 << exponent_bits) - 1,
        pattern % (1 << mantissa_bits),
    )
    scale = 2.0 ** (max(exponent, 1) - bias - mantissa_bits)
    value = (mantissa + (bool(exponent) << mantissa_bits)) * scale
    return -value if pattern & 0x80 else value


def _e4m3fn(pattern: int) -> float:
    return math.nan if pattern & 0x7F == 0x7F else _small_float(pattern, 4, 7)


def _e5m2(pattern: int) -> float:
    if pattern & 0x7F < 0x7C:
        return _small_float(pattern, 5, 15)
    infinity = -math.inf if pattern & 0x80 else math.inf
    return infinity if pattern & 0x7F == 0x7C else math.nan


def _e8m0(pattern: int) -> float:
    return math.nan if pattern == 0xFF else 2.0 ** (pattern - 127)


def _e2m1(pattern: int) -> float:
    value = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)[pattern & 7]
    return -value if pattern & 8 else value


_VALUES = {
    _T.FLOAT8E4M3FN: [_e4m3fn(p) for p in range(256)],
    _T.FLOAT8E4M3FNUZ: [math.nan if p == 0x80 else _small_float(p, 4, 8) for p in range(256)],
    _T.FLOAT8E5M2: [_e5m2(p) for p in range(256)],
    _T.FLOAT8E5M2FNUZ: [math.nan if p == 0x80 else _small_float(p, 5, 16) for p in range(256)],
    _T.FLOAT8E8M0: [_e8m0(p) for p in range(256)],
    _T.FLOAT4E2M1: [_e2m1(p) for p in range(16)],
}
NARROW = frozenset(_VALUES)


class PatternCounter:
    """Adds up what the pieces of one tensor hold."""

    def __init__(self, kind: TensorType, elements: int) -> None:
        self._kind = kind
        self._elements = elements
        self._counts = np.zeros(256, np.int64)

    def add(self, data: Any, room: object = None) -> None:
        """Count one piece of bytes; of two values of 4 bits the first lies in the low half."""
        self._counts += np.bincount(data, minlength=256)
        if self._kind in FOUR_BITS and data.size:
            self._last = int(data[-1])

    def numbers(self, left_out: int = 0) -> FloatNumbers:
        """What was counted, with so many zeros more that are not written down."""
        counts = self._counts
        if self._kind in FOUR_BITS:
            table = counts.reshape(16, 16)
            counts = table.sum(axis=0) + table.sum(axis=1)
            if self._elements % 2:
                counts[self._last >> 4] -= 1
        found = [(v, int(n)) for v, n in zip(_VALUES[self._kind], counts, strict=True) if n]
        return _summary([*found, (0.0, left_out)] if left_out else found)


def narrow_values(kind: TensorType, data: Any, elements: int) -> tuple[float, ...]:
    """The values that some bytes hold."""
    if kind in FOUR_BITS:
        data = np.stack([data & 15, data >> 4], axis=-1).reshape(-1)[:elements]
    return tuple(_VALUES[kind][int(pattern)] for pattern in data)


def _summary(found: list[tuple[float, int]]) -> FloatNumbers:
    def count(pairs: Iterable[tuple[float, int]]) -> int:
        return sum(n for _, n in pairs)

    told = [(v, n) for v, n in found if not math.isnan(v)]
    finite = [(abs(v), n) for v, n in told if not math.isinf(v)]
    small = [(v, n) for v, n in finite if 0.0 < v < _NORMAL]
    flushed = count((v, n) for v, n in small if v <= _FLUSHED)
    return FloatNumbers(
        minimum=min((v + 0.0 for v, _ in told), default=None),
        maximum=max((v + 0.0 for v, _ in told), default=None),
        largest=max((v for v, _ in finite), default=None),
        smallest=min((v for v, _ in finite if v), default=None),
        nan=count(found) - count(told),
        infinite=count(told) - count(finite),
        zeros=count((v, n) for v, n in finite if v == 0.0),
        overflow=count((v, n) for v, n in finite if v >= _OVERFLOW),
        flushed=flushed,
        subnormal=count(small) - flushed,
    )
