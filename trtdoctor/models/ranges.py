"""What a model's values are over samples, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from ..model.value_range import ValueRange
from ..model.watch import UNHURRIED, Watch
from .emulation import Network


def measure(
    network: Network, samples: Iterable[Mapping[str, Any]], watch: Watch = UNHURRIED
) -> dict[str, ValueRange]:
    """The range of every value of floating type, inputs among them, over all samples.

    Values are let go as soon as nothing reads them; none is kept from one sample to the next.

    Raises:
        InputError: a node cannot be run, or an input is missing.
        OutOfTime: the time was over.
    """
    found: dict[str, ValueRange] = {}

    def see(name: str, value: Any) -> None:
        seen = range_of(value)
        if seen is not None:
            found[name] = joined(found[name], seen) if name in found else seen

    for number, sample in enumerate(samples, start=1):
        watch.tell(f"running sample {number}")
        for name, value in sample.items():
            see(name, value)
        network.run(sample, watch=watch, see=see)
    return found


def range_of(value: Any) -> ValueRange | None:
    """The range of one array; None where it is of no floating type, or empty."""
    numpy = import_module("numpy")
    if not isinstance(value, numpy.ndarray) or value.dtype.kind != "f" or not value.size:
        return None
    low, high = float(value.min()), float(value.max())
    nan = infinite = 0
    if not (numpy.isfinite(low) and numpy.isfinite(high)):
        nan = int(numpy.isnan(value).sum())
        infinite = int(numpy.isinf(value).sum())
        value = value[numpy.isfinite(value)]
        low, high = (float(value.min()), float(value.max())) if value.size else (0.0, 0.0)
    magnitudes = numpy.abs(value)
    above = magnitudes[magnitudes > 0]
    return ValueRange(
        minimum=low,
        maximum=high,
        smallest=float(above.min()) if above.size else None,
        nan=nan,
        infinite=infinite,
        constant=low == high and not nan and not infinite,
    )


def joined(one: ValueRange, other: ValueRange) -> ValueRange:
    """The range over both."""
    smallest = [each.smallest for each in (one, other) if each.smallest is not None]
    return msgspec.structs.replace(
        one,
        minimum=min(one.minimum, other.minimum),
        maximum=max(one.maximum, other.maximum),
        smallest=min(smallest, default=None),
        nan=one.nan + other.nan,
        infinite=one.infinite + other.infinite,
        constant=one.constant and other.constant and one.minimum == other.minimum,
    )
