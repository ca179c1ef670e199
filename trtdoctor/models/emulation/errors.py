"""How far a value is from what it was."""

from __future__ import annotations

from importlib import import_module
from math import inf, log10
from typing import Any

from ...model.base import Frozen

_NOTHING = 1e-30


class Deviation(Frozen, frozen=True, kw_only=True):
    """A value against what it is in FP32.

    Attributes:
        signal: The sum of its squares in FP32.
        noise: The sum of the squared differences; infinite where a number became none.
        relative: The largest difference, by the largest magnitude in FP32.
        broken: How many elements became NaN or infinite that were not.
        dead: The share of its rows that became all zero, or all the same, and were not.
    """

    signal: float
    noise: float
    relative: float = 0.0
    broken: int = 0
    dead: float = 0.0

    @property
    def sqnr(self) -> float:
        """The ratio of signal to noise in dB; infinite where nothing changed."""
        if self.noise <= 0:
            return inf
        if self.noise == inf:
            return -inf
        return 10 * log10(max(self.signal, _NOTHING) / self.noise)

    @property
    def sick(self) -> bool:
        """Whether it died or broke somewhere: no error of rounding."""
        return self.broken > 0 or self.dead > 0.02

    def with_(self, other: Deviation) -> Deviation:
        """Of both samples together."""
        return Deviation(
            signal=self.signal + other.signal,
            noise=self.noise + other.noise,
            relative=max(self.relative, other.relative),
            broken=self.broken + other.broken,
            dead=max(self.dead, other.dead),
        )


def deviation(was: Any, now: Any, *, floor: float = 0.0) -> Deviation:
    """Compares two arrays of one shape; those of integers and booleans by where they differ.

    Args:
        was: What it is in FP32.
        now: What it is with nodes rounded.
        floor: The least magnitude that its elements are taken for, where less than that is nothing:
            of a probability, for example.
    """
    numpy = import_module("numpy")
    if not isinstance(was, numpy.ndarray) or was.size == 0:
        return Deviation(signal=0.0, noise=0.0)
    if was.shape != now.shape:
        return Deviation(signal=0.0, noise=inf, broken=1)
    if was.dtype.kind != "f":
        differ = int((was != now).sum())
        return Deviation(signal=float(was.size), noise=float(differ), relative=float(differ > 0))
    sound = numpy.isfinite(was)
    broken = int((sound & ~numpy.isfinite(now)).sum())
    if broken:
        return Deviation(signal=_power(was[sound]), noise=inf, relative=inf, broken=broken)
    # What was infinite or no number already is no loss, as long as it stays so.
    before = was if sound.all() else numpy.where(sound, was, 0)
    after = now if sound.all() else numpy.where(sound, now, 0)
    difference = after.astype(numpy.float64) - before
    noise = float((difference * difference).sum())
    largest = float(numpy.abs(before).max())
    relative = float(numpy.abs(difference).max()) / largest if largest else 0.0
    dead = _dead(numpy, before, after, floor) if noise else 0.0
    signal = max(_power(before), before.size * floor * floor)
    return Deviation(signal=signal, noise=noise, relative=relative, dead=dead)


def _power(array: Any) -> float:
    numpy = import_module("numpy")
    wide = array.astype(numpy.float64)
    return float((wide * wide).sum())


def _dead(numpy: Any, was: Any, now: Any, floor: float) -> float:
    """The share of rows along the last axis, or of the whole, that lost all they told."""
    if was.ndim == 0 or was.shape[-1] < 4:
        was, now = was.reshape(1, -1), now.reshape(1, -1)
    else:
        was, now = was.reshape(-1, was.shape[-1]), now.reshape(-1, now.shape[-1])
    if was.shape[1] < 4:
        return 0.0
    spread, left = numpy.ptp(was, axis=1), numpy.ptp(now, axis=1)
    largest = numpy.abs(was).max(axis=1)
    # What is a ten-thousandth of its neighbours is lost beside them in FP32 kernels too.
    least = max(floor, 1e-4 * float(largest.max(initial=0.0)))
    alive = (spread > 1e-2 * largest) & (largest > least)
    lost = alive & (left == 0)
    # A row of nothing beside others that are large tells nothing either way.
    return float(lost.sum()) / max(1, int(alive.sum()))
