"""What the converters that people use make of stored numbers in FP16: old number, new number.

Each has limits of its own: a number beyond them is not rounded but replaced, mostly without a word.
Read in their sources, at the versions named here, and held against runs of them in the tests. Which
nodes a converter leaves in FP32 is another question: AutoCast leaves those that read an initialiser
beyond its limits, where it is not told otherwise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

from ...model.base import Frozen

_LARGEST = 65504.0
_SMALLEST = 2.0**-24


class Converter(Frozen, frozen=True, kw_only=True):
    """One converter's way with numbers.

    Attributes:
        name: What it is called.
        version: The version whose source was read.
        source: Where in it.
        most: The largest magnitude that it writes.
        least: The smallest one that it writes for a number that is not zero; null where small
            numbers are rounded, and become zero.
        infinity_stays: Whether an infinity stays one.
        keeps_sign: Whether a number that is raised to ``least`` keeps its sign.
    """

    name: str
    version: str
    source: str
    most: float = _LARGEST
    least: float | None = None
    infinity_stays: bool = True
    keeps_sign: bool = True

    def becomes(self, number: float) -> float:
        """What it makes of an FP32 number."""
        size = abs(number)
        if math.isnan(number) or (math.isinf(number) and self.infinity_stays):
            return number
        if size > self.most:
            return math.copysign(self.most, number)
        if self.least is not None and 0.0 < size < self.least:
            return _rounded(math.copysign(self.least, number) if self.keeps_sign else self.least)
        return _rounded(number)


ONNXCONVERTER_COMMON = Converter(
    name="onnxconverter-common",
    version="1.16.0",
    source="onnxconverter_common/float16.py, convert_np_to_float16",
    most=1e4,
    least=1e-7,
)
ONNXRUNTIME = Converter(
    name="onnxruntime",
    version="1.32.0",
    source="onnxruntime/transformers/float16.py, convert_np_to_float16",
    least=5.96e-8,
)
AUTOCAST = Converter(
    name="AutoCast",
    version="0.47.0",
    source="modelopt/onnx/autocast/precisionconverter.py, _convert_initializer_data",
    least=_SMALLEST,
    infinity_stays=False,
    keeps_sign=False,
)
CONVERTERS = (ONNXCONVERTER_COMMON, ONNXRUNTIME, AUTOCAST)
"""The converters of others that are known."""


class Replaced(Frozen, frozen=True, kw_only=True):
    """What one converter makes of a number. ``rounded`` is true where it is the nearest in FP16."""

    converter: str
    old: float
    new: float
    rounded: bool


def replaced(numbers: Iterable[float]) -> tuple[Replaced, ...]:
    """What each known converter makes of FP32 numbers, number by number."""
    return tuple(
        Replaced(
            converter=converter.name,
            old=number,
            new=new,
            rounded=new == _rounded(number) or math.isnan(number),
        )
        for number in numbers
        for converter in CONVERTERS
        for new in [converter.becomes(number)]
    )


def _rounded(number: float) -> float:
    """The nearest number of FP16, ties to even; infinite from 65520 on."""
    if math.isnan(number) or math.isinf(number):
        return number
    try:
        return float(struct.unpack("<e", struct.pack("<e", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)
