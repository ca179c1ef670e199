"""Strides as the builder prints them: numbers, or products over extents that only a run knows.

TensorRT writes the latter as expressions in prefix notation, with what occurs twice named behind
the formats: ``Float((* 8 E0),E0,(# 3 (SHAPE x)),1) where E0=(* (# 2 (SHAPE x)) (# 3 (SHAPE x)))``.
The names are a line's own, so they are put in: equal strides are equal in whatever line they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from ...model.base import Frozen

WHERE = " where "
_NAME = re.compile(r"E\d{1,4}\Z")
NAMED = re.compile(r"[,; ]*(E\d{1,4})=")
# The network's own name of an extent, as in ``Float((* H W),W,1)``.
_EXTENT = re.compile(r"[A-Za-z_][\w.:/-]*\Z")
_DEEPEST = 32
_LONGEST = 4096


class Product(Frozen, frozen=True, kw_only=True):
    """A symbolic stride: a number times factors that are not known, but at least 1 each.

    ``factors`` are in a fixed order, so that equal products compare equal.
    """

    coefficient: int
    factors: tuple[str, ...]

    def __str__(self) -> str:
        parts = ([str(self.coefficient)] if self.coefficient != 1 else []) + [*self.factors]
        return parts[0] if len(parts) == 1 else f"(* {' '.join(parts)})"


Stride = int | Product


def times(stride: Stride, number: int) -> Stride:
    """A stride in elements out of one in vectors of that many."""
    if isinstance(stride, int):
        return stride * number
    return Product(coefficient=stride.coefficient * number, factors=stride.factors)


def at_least(first: Stride, second: Stride) -> bool:
    """Whether the first is surely not smaller than the second; False where nobody can know."""
    if isinstance(first, int):
        return isinstance(second, int) and first >= second
    if isinstance(second, int):
        return first.coefficient >= second
    missing = Counter(second.factors) - Counter(first.factors)
    return not missing and first.coefficient >= second.coefficient


def split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that stand outside of all parentheses."""
    parts: list[str] = []
    depth = start = 0
    for position, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0 and position >= start and text.startswith(separator, position):
            parts.append(text[start:position])
            start = position + len(separator)
    return [*parts, text[start:]]


def definitions(text: str) -> tuple[dict[str, str], str] | None:
    """What stands behind ``where``, by name, and the note after that; None where it is damaged."""
    found: dict[str, str] = {}
    position = 0
    while (named := NAMED.match(text, position)) is not None:
        end = _end(text, named.end())
        if end is None:
            return None
        found[named.group(1)] = text[named.end() : end]
        position = end
    note = text[position:].strip()
    return (found, note) if found and not set("()=") & set(note) else None


def stride(text: str, names: Mapping[str, str]) -> Stride | None:
    """The stride that an expression stands for; None where it cannot be read."""
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        pass
    return _product(text, names, _DEEPEST)


def _end(text: str, start: int) -> int | None:
    """Where the expression that begins at ``start`` ends."""
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        if depth == 0 and character in ", ;)":
            return position if position > start else None
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return position + 1
    return len(text) if depth == 0 and start < len(text) else None


def _product(text: str, names: Mapping[str, str], depth: int) -> Stride | None:
    coefficient, factors, length = 1, list[str](), 0
    for factor in _factors(text, names, depth):
        if isinstance(factor, int):
            coefficient *= factor
        elif factor is not None:
            factors.append(factor)
        length += len(str(factor))
        if factor is None or length > _LONGEST or not 0 < coefficient < 1 << 63:
            return None
    if not factors:
        return coefficient
    return Product(coefficient=coefficient, factors=tuple(sorted(factors)))


def _factors(text: str, names: Mapping[str, str], depth: int) -> Iterator[int | str | None]:
    """The numbers and atoms that an expression is the product of; None for what is damaged."""
    if depth == 0:
        yield None
    elif text.isascii() and text.isdigit() and len(text) < 19:
        yield int(text)
    elif _NAME.match(text):
        if text in names:
            yield from _factors(names[text], names, depth - 1)
        else:
            yield None
    elif _EXTENT.match(text):
        yield text
    elif _end(text, 0) != len(text) or not text.startswith("("):
        yield None
    elif text.startswith("(* "):
        for part in split(text[3:-1], " "):
            yield from _factors(part, names, depth - 1)
    elif (shared := _shared(text)) is not None:
        yield from _factors(shared, names, depth - 1)
    else:
        yield _atom(text, names, depth)


def _shared(text: str) -> str | None:
    """``(MUL_ADD 8 X 8)``, which is 8 X + 8, as the product of 8 and X + 1."""
    parts = split(text[1:-1], " ")
    if len(parts) != 4 or parts[0] != "MUL_ADD" or parts[1] != parts[3]:
        return None
    return f"(* {parts[1]} (+ {parts[2]} 1))" if parts[1].isdigit() else None


def _atom(text: str, names: Mapping[str, str], depth: int) -> str | None:
    """An expression that is no product, with the names in it put in."""
    parts = split(text[1:-1], " ")
    if parts[0] == "#":
        return text  # an extent of a tensor, whose name may hold anything
    put = [parts[0]]
    for part in parts[1:]:
        negative = part.startswith("-") and part[1:].isdigit() and len(part) < 19
        whole = int(part) if negative else _product(part, names, depth - 1)
        put.append(str(whole))
        if whole is None or sum(map(len, put)) > _LONGEST:
            return None
    return f"({' '.join(put)})"
