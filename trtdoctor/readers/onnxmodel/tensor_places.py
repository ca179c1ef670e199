"""Where in an ONNX file the elements of each stored tensor lie."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from ..errors import FormatError
from ..files.source import Source
from .bounds import Allowance
from .onnx_facts import TensorType
from .slim import DEEPEST, INSIDE
from .types import by_number
from .wire import Wire, damaged

_MOST_ELEMENTS = 1 << 63
_MOST_DIMS = 64
# Of what stands in the file one by one, no more is read.
_MOST_LOOSE = 1 << 24
_SMALL = 1 << 12
# A node that is none of these, and short, stores nothing: Constant, sparse_value, and what has subgraphs.
_HOLDS_TENSORS = re.compile(rb"Constant|sparse|_branch|body")
_CODES = {4: "f", 10: "d"}


@dataclass(frozen=True)
class Piece:
    """A range of bytes."""

    offset: int
    length: int


@dataclass(frozen=True)
class Location:
    """Data in another file, as a model tells it; the length may be left out."""

    path: str
    offset: int = 0
    length: int | None = None


@dataclass
class TensorPlace:
    """One stored tensor.

    ``pieces`` are ranges of the model's file with little-endian elements; ``numbers`` its elements
    where they stand one by one; ``location`` where they are in another file.
    """

    name: str = ""
    where: str = ""
    type: TensorType | None = None
    shape: tuple[int, ...] = ()
    pieces: tuple[Piece, ...] = ()
    numbers: list[float] | None = None
    location: Location | None = None

    @property
    def elements(self) -> int | None:
        """How many its shape asks for; None where no tensor has such a shape."""
        sound = len(self.shape) <= _MOST_DIMS and all(extent >= 0 for extent in self.shape)
        count = prod(self.shape) if sound else _MOST_ELEMENTS
        return count if count < _MOST_ELEMENTS else None


def tensor_places(source: Source) -> list[TensorPlace]:
    """All tensors that a model stores, in the file's order.

    Raises:
        FormatError: The bytes are no protobuf message of a model.
        TooMuch: It has more parts than are read.
    """
    # Here the parts of small messages count too, which are walked and not parsed.
    walker = _Walker(source, Allowance(8 * source.size))
    walker.message("model", 0, source.size, 0, "", "")
    return walker.found


@dataclass
class _Walker:
    source: Source
    allowed: Allowance
    found: list[TensorPlace] = field(default_factory=list)

    def __post_init__(self) -> None:
        wire = Wire(self.source)
        self._bytes, self._varint = wire.bytes, wire.varint

    def message(self, kind: str, start: int, end: int, depth: int, where: str, name: str) -> None:
        """Walks one message; ``name`` is what a tensor in it is called that has no name."""
        if depth > DEEPEST:
            raise damaged("its graphs lie too deep inside each other")
        if kind == "tensor":
            self.found.append(self._tensor(start, end, where, name))
            return
        inside = INSIDE[kind]
        if kind == "node":
            if end - start <= _SMALL and not _HOLDS_TENSORS.search(self._bytes(start, end)):
                return
            # A Constant's tensor is called what the node makes.
            name = self._text(start, end, 2)
        elif kind in ("graph", "function") and depth > 1:
            where = self._text(start, end, 2 if kind == "graph" else 1) or kind
        for number, wire, begin, stop in self._fields(start, end):
            if wire == 2 and number in inside:
                self.message(inside[number], begin, stop, depth + 1, where, name)

    def _text(self, start: int, end: int, wanted: int) -> str:
        for number, wire, begin, stop in self._fields(start, end):
            if number == wanted and wire == 2:
                return self._bytes(begin, min(stop, begin + 4096)).decode("utf-8", "replace")
        return ""

    def _tensor(self, start: int, end: int, where: str, name: str) -> TensorPlace:
        place = TensorPlace(name=name, where=where)
        dims: list[int] = []
        pieces: list[Piece] = []
        loose: list[int] = []
        doubles: list[float] = []
        external: dict[str, str] = {}
        elsewhere = False
        for number, wire, begin, stop in self._fields(start, end):
            if number == 1:
                dims += self._integers(wire, begin, stop)
                if len(dims) > 4 * _MOST_DIMS:
                    raise damaged("a tensor has hundreds of dimensions")
            elif number == 2 and wire == 0:
                place.type = by_number(self._varint(begin, stop)[0])
            elif number == 8 and wire == 2:
                place.name = self._bytes(begin, min(stop, begin + 4096)).decode("utf-8", "replace")
            elif (number == 9 and wire == 2) or (number in _CODES and wire == 2):
                pieces.append(Piece(offset=begin, length=stop - begin))
            elif number in _CODES and wire in (1, 5):
                code = _CODES[number]
                if stop - begin != struct.calcsize(f"<{code}"):
                    raise damaged("an element is wider than its type")
                doubles += struct.unpack(f"<{code}", self._bytes(begin, stop))
            elif number == 5:
                loose += self._integers(wire, begin, stop)
            elif number == 13 and wire == 2:
                external.update([self._entry(begin, stop)])
            elif number == 14 and wire == 0:
                elsewhere = self._varint(begin, stop)[0] == 1
            if len(loose) + len(doubles) > _MOST_LOOSE:
                raise FormatError("A tensor's elements stand one by one, and are too many to read.")
        place.shape = tuple(value - (1 << 64) if value >> 63 else value for value in dims)
        if elsewhere:
            place.location = _location(external)
        elif loose or doubles:
            place.numbers = doubles or _from_bits(loose, place.type)
        else:
            place.pieces = tuple(pieces)
        return place

    def _entry(self, start: int, end: int) -> tuple[str, str]:
        found = {
            number: self._bytes(begin, min(stop, begin + 4096)).decode("utf-8", "replace")
            for number, wire, begin, stop in self._fields(start, end)
            if wire == 2
        }
        return found.get(1, ""), found.get(2, "")

    def _integers(self, wire: int, start: int, end: int) -> list[int]:
        found = []
        while start < end:
            value, start = self._varint(start, end)
            found.append(value)
            if wire == 0:
                break
            if len(found) > _MOST_LOOSE:
                raise FormatError("A tensor's elements stand one by one, and are too many to read.")
        return found

    def _fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        position = start
        while position < end:
            self.allowed.field()
            key, position = self._varint(position, end)
            number, wire = key >> 3, key & 7
            begin = position
            if wire == 2:
                length, begin = self._varint(position, end)
                stop = begin + length
            elif wire == 0:
                _, stop = self._varint(position, end)
            elif wire in (1, 5):
                stop = position + (8 if wire == 1 else 4)
            else:
                raise damaged(f"a field has the unknown wire type {wire}")
            if stop > end:
                raise damaged("it ends inside a field")
            yield number, wire, begin, stop
            position = stop


def _location(told: dict[str, str]) -> Location:
    def number(text: str) -> int | None:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    offset = number(told.get("offset", "0"))
    return Location(
        path=told.get("location", ""),
        offset=-1 if offset is None else offset,
        length=number(told["length"]) if "length" in told else None,
    )


def _from_bits(bits: list[int], kind: TensorType | None) -> list[float]:
    """The numbers of 16-bit elements that stand as integers."""
    words = struct.pack(f"<{len(bits)}H", *(value & 0xFFFF for value in bits))
    if kind is TensorType.FLOAT16:
        return list(struct.unpack(f"<{len(bits)}e", words))
    if kind is TensorType.BFLOAT16:
        wide = struct.pack(f"<{len(bits)}I", *((value & 0xFFFF) << 16 for value in bits))
        return list(struct.unpack(f"<{len(bits)}f", wide))
    return [float(value) for value in bits]
