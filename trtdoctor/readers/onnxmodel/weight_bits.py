"""Counts floating values by their bit patterns, which is as fast as looking for the largest value.

A sign and a magnitude: patterns without their sign are in the order of the magnitudes, infinity is
above all numbers, and every NaN above that. So one comparison of integers tells what a value is, and
what rounding to 16 bits makes of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .onnx_facts import TensorType
from .weight_numbers import FloatNumbers

PIECE = 1 << 19
"""How many bytes are looked at together: what the caches of a core hold."""

Array = Any


@dataclass(frozen=True)
class Format:
    """Patterns, without sign, of one element type.

    Attributes:
        bits: How wide a value is.
        infinity: Of infinity; what is above is NaN.
        overflow: The first that is infinite in FP16, or ``infinity``.
        normal: The first that is a normal number in FP16.
        flushed: The last that is zero in FP16.
        overflow_bf16: The first that is infinite in BF16, or ``infinity``.
        flushed_bf16: The last that is zero in BF16.
    """

    bits: int
    infinity: int
    overflow: int
    normal: int
    flushed: int
    overflow_bf16: int
    flushed_bf16: int


FORMATS = {
    TensorType.FLOAT: Format(
        bits=32,
        infinity=0x7F80_0000,
        overflow=0x477F_F000,
        normal=0x387F_E000,
        flushed=0x3300_0000,
        overflow_bf16=0x7F7F_8000,
        flushed_bf16=0x0000_8000,
    ),
    TensorType.DOUBLE: Format(
        bits=64,
        infinity=0x7FF0_0000_0000_0000,
        overflow=0x40EF_FE00_0000_0000,
        normal=0x3F0F_FC00_0000_0000,
        flushed=0x3E60_0000_0000_0000,
        overflow_bf16=0x47EF_F000_0000_0000,
        flushed_bf16=0x3790_0000_0000_0000,
    ),
    TensorType.FLOAT16: Format(
        bits=16,
        infinity=0x7C00,
        overflow=0x7C00,
        normal=0x0400,
        flushed=0,
        overflow_bf16=0x7C00,
        flushed_bf16=0,
    ),
    TensorType.BFLOAT16: Format(
        bits=16,
        infinity=0x7F80,
        overflow=0x4780,
        normal=0x3880,
        flushed=0x3300,
        overflow_bf16=0x7F80,
        flushed_bf16=0,
    ),
}


class Room:
    """Where the pieces of a tensor are worked on."""

    def __init__(self) -> None:
        self.values = np.empty(PIECE, np.uint8)
        self.magnitudes = np.empty(PIECE, np.uint8)
        self.flags = np.empty(PIECE // 2, np.bool_)


class BitCounter:
    """Adds up what the pieces of one tensor hold."""

    def __init__(self, kind: TensorType) -> None:
        self._format = FORMATS[kind]
        self._widened = kind is TensorType.BFLOAT16
        self._unsigned = np.dtype(f"u{self._format.bits // 8}")
        self._signed = np.dtype(f"i{self._format.bits // 8}")
        self._floating = np.dtype("f4" if self._widened else f"f{self._format.bits // 8}")
        # numpy is quicker with numbers of 32 and 64 bits than with their patterns.
        self._compared = self._floating if self._format.bits > 16 else self._unsigned
        self._sign = 1 << (self._format.bits - 1)
        self._minimum, self._maximum = math.inf, -math.inf
        # Patterns of magnitudes.
        self._largest, self._smallest = -1, self._sign
        self._known = self._nan = self._infinite = self._zeros = 0
        self._overflow = self._flushed = self._small = 0
        self._overflow_bf16 = self._flushed_bf16 = 0

    def add(self, data: Array, room: Room) -> None:
        """Count the values of one piece.

        Args:
            data: Its bytes, at most `PIECE` and a whole number of values, where values may lie.
            room: Where to work.
        """
        patterns = data.view(self._unsigned)
        if not patterns.size:
            return
        self._known += patterns.size
        top, side = int(patterns.max()), int(patterns.view(self._signed).max())
        # Of the negative ones the greatest magnitude is the greatest pattern, signed or not.
        negative = top & ~self._sign if top & self._sign else -1
        positive = side if side >= 0 else -1
        if max(negative, positive) >= self._format.infinity:
            rest = self._finite(patterns)
            self._known -= rest.size
            self.add(rest.view(np.uint8), room)
            return
        magnitudes = room.magnitudes[: data.nbytes].view(self._unsigned)
        if self._compared.kind == "f":
            np.abs(data.view(self._floating), out=magnitudes.view(self._floating))
        else:
            np.bitwise_and(patterns, self._unsigned.type(self._sign - 1), out=magnitudes)
        least = int(magnitudes.min())
        self._minimum = min(self._minimum, self._value(least if negative < 0 else -negative))
        self._maximum = max(self._maximum, self._value(positive if positive >= 0 else -least))
        self._count(magnitudes, room.flags[: patterns.size], least, max(negative, positive))

    def _count(self, magnitudes: Array, flags: Array, least: int, greatest: int) -> None:
        """Count finite magnitudes, which are spoiled."""
        form = self._format
        self._largest = max(self._largest, greatest)
        zeros = 0
        if least == 0:
            if greatest == 0:
                self._zeros += magnitudes.size
                return
            zeros = self._below(magnitudes, 1, flags)
            self._zeros += zeros
            # Zeros become the greatest pattern, a NaN: what is counted below leaves them out.
            np.subtract(magnitudes, self._unsigned.type(1), out=magnitudes)
            least = int(magnitudes.min()) + 1
        shift = 1 if zeros else 0
        self._smallest = min(self._smallest, least)
        if least < form.normal:
            self._small += self._below(magnitudes, form.normal - shift, flags)
        if least <= form.flushed:
            self._flushed += self._below(magnitudes, form.flushed + 1 - shift, flags)
        if least <= form.flushed_bf16:
            self._flushed_bf16 += self._below(magnitudes, form.flushed_bf16 + 1 - shift, flags)
        others = magnitudes.size - zeros
        if greatest >= form.overflow:
            self._overflow += others - self._below(magnitudes, form.overflow - shift, flags)
        if greatest >= form.overflow_bf16:
            fit = self._below(magnitudes, form.overflow_bf16 - shift, flags)
            self._overflow_bf16 += others - fit

    def _below(self, magnitudes: Array, bound: int, flags: Array) -> int:
        limit = np.array([bound], self._unsigned).view(self._compared)[0]
        np.less(magnitudes.view(self._compared), limit, out=flags)
        return int(np.count_nonzero(flags))

    def _finite(self, patterns: Array) -> Array:
        """Count NaN and infinities; the rest."""
        magnitudes = patterns & self._unsigned.type(self._sign - 1)
        infinite = patterns[magnitudes == self._format.infinity]
        if infinite.size:
            below = int(np.count_nonzero(infinite >> (self._format.bits - 1)))
            self._minimum = -math.inf if below else self._minimum
            self._maximum = math.inf if below < infinite.size else self._maximum
        finite = patterns[magnitudes < self._format.infinity]
        self._infinite += infinite.size
        self._nan += patterns.size - finite.size - infinite.size
        return finite

    def _value(self, pattern: int) -> float:
        """The number with this magnitude, negative for a negative one."""
        bits = np.array([abs(pattern)], np.uint32 if self._widened else self._unsigned)
        if self._widened:
            bits <<= 16
        value = float(bits.view(self._floating)[0])
        return -value if pattern < 0 else value

    def numbers(self, left_out: int = 0) -> FloatNumbers:
        """What was counted, with so many zeros more that are not written down."""
        if left_out:
            self._minimum, self._maximum = min(self._minimum, 0.0), max(self._maximum, 0.0)
            self._largest = max(self._largest, 0)
        known = self._known - self._nan + left_out > 0
        return FloatNumbers(
            minimum=self._minimum if known else None,
            maximum=self._maximum if known else None,
            largest=self._value(self._largest) if self._largest >= 0 else None,
            smallest=self._value(self._smallest) if self._smallest < self._sign else None,
            nan=self._nan,
            infinite=self._infinite,
            zeros=self._zeros + left_out,
            overflow=self._overflow,
            flushed=self._flushed,
            subnormal=self._small - self._flushed,
            overflow_bf16=self._overflow_bf16,
            flushed_bf16=self._flushed_bf16,
        )


def wide_values(kind: TensorType, data: Array) -> tuple[float, ...]:
    """The values that some bytes hold."""
    if kind is TensorType.BFLOAT16:
        return tuple((data.view(np.uint16).astype(np.uint32) << 16).view(np.float32).tolist())
    return tuple(data.view(f"f{FORMATS[kind].bits // 8}").tolist())
