"""How far the outputs of two engines are from each other, and from a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import isfinite, log10
from typing import Any, TypeAlias

from trtdoctor.model.comparison import OutputDifference

Arrays: TypeAlias = "Mapping[str, Any]"
"""One sample's outputs: numpy arrays by name."""

A, B, REFERENCE = "A", "B", "reference"
# Elements that are looked at together: a few arrays of this many doubles are all that is held.
_CHUNK = 1 << 20
# Beside an output's own largest magnitude; the relative error of what is smaller tells nothing.
_TINY = 1e-3
# What is all zero has no signal; any noise beside it is told as this, in dB.
_NO_SIGNAL = -200.0
# numpy tells no kind of these, which ml_dtypes brings.
_OTHER_FLOATS = ("bfloat16", "float8", "float6", "float4")
_OTHER_WHOLE = ("int4", "uint4", "int2", "uint2")


def compare_outputs(
    a: Arrays | Sequence[Arrays],
    b: Arrays | Sequence[Arrays],
    reference: Arrays | Sequence[Arrays] | None = None,
) -> tuple[OutputDifference, ...]:
    """Each output of B against A's and, where there is a reference, of both against that.

    Samples are compared in their order and told together; memory stays bounded by the arrays that
    are given. Nothing is raised for outputs that do not fit: the difference has a note.

    Args:
        a: A's outputs for one sample, or for several.
        b: B's, for the same inputs.
        reference: What they should be.
    """
    sides = {A: _samples(a), B: _samples(b)}
    pairs = [(B, A)]
    if reference is not None:
        sides[REFERENCE] = _samples(reference)
        pairs += [(A, REFERENCE), (B, REFERENCE)]
    # What only the reference has was not asked of the engines.
    names = dict.fromkeys(name for side in (A, B) for sample in sides[side] for name in sample)
    return tuple(_difference(name, of, to, sides) for name in names for of, to in pairs)


def _samples(given: Arrays | Sequence[Arrays]) -> Sequence[Arrays]:
    return (given,) if isinstance(given, Mapping) else given


def _difference(
    name: str, of: str, to: str, sides: Mapping[str, Sequence[Arrays]]
) -> OutputDifference:
    ours, theirs = sides[of], sides[to]
    if len(ours) != len(theirs):
        note = f"{of} has {len(ours)} samples and {to} {len(theirs)}"
        return OutputDifference(name=name, of=of, to=to, elements=0, note=note)
    tally = _Tally(of=of, to=to)
    for mine, other in zip(ours, theirs, strict=True):
        tally.add(mine.get(name), other.get(name))
    return tally.told(name)


@dataclass
class _Tally:
    """What was found so far in one output, over all its samples."""

    of: str
    to: str
    compared: int = 0
    elements: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    signal: float = 0.0
    noise: float = 0.0
    nan: int = 0
    inf: int = 0
    healed: int = 0
    finite: int = 0
    unequal: int = 0
    exact: bool = True
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, mine: Any, other: Any) -> None:
        """One sample more."""
        for array, side in ((mine, self.of), (other, self.to)):
            if array is None:
                self.notes[f"{side} has no such output"] = None
                return
        if mine.shape != other.shape:
            told = f"{_shape(mine)} in {self.of} and {_shape(other)} in {self.to}"
            self.notes[f"its shape is {told}"] = None
            return
        kinds = {_kind(mine), _kind(other)}
        if None in kinds:
            self.notes[f"arrays of {mine.dtype} and {other.dtype} are not compared"] = None
            return
        self.compared += 1
        self.elements += mine.size
        if kinds == {"whole"}:
            for x, y in _chunks(mine, other):
                self._whole(x, y)
            return
        self.exact = False
        floor = _TINY * _peak(other)
        for x, y in _chunks(mine, other):
            self._floats(x, y, floor)

    def _whole(self, x: Any, y: Any) -> None:
        numpy = import_module("numpy")
        differ = x != y
        count = int(differ.sum())
        self.unequal += count
        if count:
            # Python's integers, for differences of unsigned and of 64 bits can leave their type.
            found = numpy.abs(x[differ].astype(numpy.float64) - y[differ].astype(numpy.float64))
            self.absolute = max(self.absolute, float(found.max()))

    def _floats(self, x: Any, y: Any, floor: float) -> None:
        numpy = import_module("numpy")
        x, y = x.astype(numpy.float64), y.astype(numpy.float64)
        sound, other = numpy.isfinite(x), numpy.isfinite(y)
        both = sound & other
        lost = numpy.isnan(x)
        self.nan += int((lost & ~numpy.isnan(y)).sum())
        self.inf += int((numpy.isinf(x) & (x != y) & ~numpy.isnan(y)).sum())
        self.healed += int((sound & ~other).sum())
        self.unequal += int(((x != y) & ~(lost & numpy.isnan(y))).sum())
        x, y = (x, y) if both.all() else (x[both], y[both])
        self.finite += x.size
        if not x.size:
            return
        with numpy.errstate(over="ignore"):
            error = numpy.abs(x - y)
            magnitude = numpy.abs(y)
            self.signal += float((y * y).sum())
            self.noise += float((error * error).sum())
        self.absolute = max(self.absolute, float(error.max()))
        large = (magnitude >= floor) & (magnitude > 0)
        if large.any():
            self.relative = max(self.relative, float((error[large] / magnitude[large]).max()))

    def told(self, name: str) -> OutputDifference:
        """All of it as part of the report."""
        if self.healed:
            words = "element is" if self.healed == 1 else "elements are"
            told = f"{self.healed:,} {words} finite that {self._is_none()} in {self.to}"
            self.notes[told] = None
        if self.unequal and not self.exact and self.finite and not self.signal:
            self.notes[f"it is all zero in {self.to}"] = None
        seen = self.elements > 0
        # Without elements, as where nothing was detected, there is nothing that differs.
        equal = self.compared > 0 and not self.unequal and not self.notes
        whole = seen and self.exact
        floats = seen and not self.exact and self.finite > 0
        return OutputDifference(
            name=name,
            of=self.of,
            to=self.to,
            elements=self.elements,
            absolute=_number(self.absolute) if whole or floats else None,
            relative=_number(self.relative) if floats else None,
            sqnr=self._sqnr() if floats else None,
            nan=self.nan,
            inf=self.inf,
            equal=equal,
            differing=self.unequal if whole else None,
            note="; ".join(self.notes) or None,
        )

    def _is_none(self) -> str:
        return "is not" if self.healed == 1 else "are not"

    def _sqnr(self) -> float | None:
        """Signal to noise in dB; None where nothing differs, or the sums leave double precision."""
        if self.noise <= 0 or not isfinite(self.noise) or not isfinite(self.signal):
            return None
        if self.signal <= 0:
            return _NO_SIGNAL
        return max(_NO_SIGNAL, 10 * (log10(self.signal) - log10(self.noise)))


def _kind(array: Any) -> str | None:
    kind, name = array.dtype.kind, array.dtype.name
    if kind in "iub" or name in _OTHER_WHOLE:
        return "whole"
    return "float" if kind == "f" or name.startswith(_OTHER_FLOATS) else None


def _chunks(x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Both arrays, piece by piece, in the same order."""
    flat = [each.reshape(-1) if each.flags.c_contiguous else each.flat for each in (x, y)]
    for start in range(0, x.size, _CHUNK):
        yield flat[0][start : start + _CHUNK], flat[1][start : start + _CHUNK]


def _peak(array: Any) -> float:
    """The largest finite magnitude."""
    numpy = import_module("numpy")
    peak = 0.0
    for piece, _ in _chunks(array, array):
        wide = numpy.abs(piece.astype(numpy.float64))
        wide = wide[numpy.isfinite(wide)]
        peak = max(peak, float(wide.max(initial=0.0)))
    return peak


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape)) or "a scalar"
