"""What a model's stored numbers are in FP16: found by reading them once, in pieces.

The model's own bytes and the files beside it are mapped range by range, so that ten gigabytes of
weights cost as much memory as ten megabytes; to copy them would take as long as to count. A mapped
file that another process cuts short kills the reader, so its size is looked at before each range. A
large tensor's ranges are counted by several threads: numpy lets others run while it counts.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ...model.base import Frozen
from ...model.given_files import open_regular
from ...model.watch import UNHURRIED, Watch
from ...model.weight_numbers import StoredTensor, WeightNumbers
from ..errors import FormatError, naming
from ..files.source import open_source
from .external import ExternalFiles, ExternalRefused
from .tensor_places import TensorPlace, tensor_places

# What the cache of a core holds, with the room to work on it.
_PIECE = 1 << 19
# What is mapped, and handed to a thread, at a time.
_RANGE = 8 << 20
_TOLD_EVERY = 256 << 20
# Bits of FP32 numbers without their sign. FP16 rounds 65520 and more to infinity, 2**-25 and less to
# zero, and holds less than 2**-14 as subnormal numbers (IEEE 754 binary16, ties to even).
_INFINITE = 0x7F80_0000
_OVERFLOWS = 0x477F_F000
_VANISHES = 0x3300_0000
_SUBNORMAL = 0x3880_0000


def scan_weights(path: Path, *, watch: Watch = UNHURRIED) -> WeightNumbers:
    """The numbers of every stored tensor of floating type.

    Args:
        path: The model. External data are read from its folder and from nowhere else.
        watch: Is told how far it is, and ends it.

    Raises:
        FormatError: This is not an ONNX model, or damaged.
        OnnxUnavailable: The ``onnx`` package is missing.
        OSError: The file cannot be read.
        OutOfTime: The time was over.
    """
    import numpy

    with naming(str(path)), open_source(path) as source, open_regular(path) as file:
        places = tensor_places(source)
        threads = ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1)))
        with ExternalFiles(path.parent) as external, threads:
            scan = _Scan(numpy, file.fileno(), external, threads, watch)
            tensors = tuple(scan.tensor(place) for place in places)
    return WeightNumbers(tensors=tensors, bytes_read=scan.read)


class _Counts(Frozen, frozen=True):
    elements: int = 0
    zeros: int = 0
    nan: int = 0
    infinite: int = 0
    overflow: int = 0
    flushed: int = 0
    subnormal: int = 0
    largest: int = 0
    smallest: int = _INFINITE

    def with_(self, other: _Counts) -> _Counts:
        """Of both together."""
        return _Counts(
            self.elements + other.elements,
            self.zeros + other.zeros,
            self.nan + other.nan,
            self.infinite + other.infinite,
            self.overflow + other.overflow,
            self.flushed + other.flushed,
            self.subnormal + other.subnormal,
            max(self.largest, other.largest),
            min(self.smallest, other.smallest),
        )


@dataclass(frozen=True)
class _Range:
    descriptor: int
    offset: int
    length: int
    type: str


@dataclass
class _Scan:
    numpy: Any
    descriptor: int
    external: ExternalFiles
    threads: ThreadPoolExecutor
    watch: Watch
    read: int = 0
    told: int = 0
    own: threading.local = field(default_factory=threading.local)

    def tensor(self, place: TensorPlace) -> StoredTensor:
        made = StoredTensor(
            name=place.name,
            type=place.type.value if place.type else None,
            shape=place.shape,
            elements=place.elements,
            external=place.location is not None,
            where=place.where,
        )
        if place.elements is None or place.type is None:
            return made.not_read("its type or its shape is none that a tensor has")
        if place.type.value not in _WIDTHS:
            return made
        try:
            counts = self._counts(place)
        except ExternalRefused as error:
            return made.not_read(str(error))
        if counts.elements != place.elements:
            return made.not_read(
                f"it holds {counts.elements:,} elements, and its shape asks for {place.elements:,}"
            )
        return self._told(made, counts)

    def _told(self, made: StoredTensor, counts: _Counts) -> StoredTensor:
        bits = self.numpy.array([counts.largest, counts.smallest], "<u4")
        largest, smallest = (float(value) for value in bits.view("<f4"))
        return msgspec.structs.replace(
            made,
            read=True,
            largest=largest if counts.elements else None,
            smallest=smallest if counts.smallest < _INFINITE else None,
            zeros=counts.zeros,
            nan=counts.nan,
            infinite=counts.infinite,
            overflow=counts.overflow,
            flushed=counts.flushed,
            subnormal=counts.subnormal,
        )

    def _counts(self, place: TensorPlace) -> _Counts:
        self.watch.check()
        if place.numbers is not None:
            # Elements that stand in the file one by one; there are few of them.
            bits = self.numpy.asarray(place.numbers, "<f4").view("<u4") & 0x7FFF_FFFF
            return self._counted(bits)
        total = _Counts()
        ranges = list(self._ranges(place))
        several = (
            self.threads.map(self._range, ranges) if len(ranges) > 1 else map(self._range, ranges)
        )
        for done, counts in zip(ranges, several, strict=True):
            total = total.with_(counts)
            self._went_on(done.length)
        return total

    def _ranges(self, place: TensorPlace) -> Iterator[_Range]:
        assert place.type is not None
        kind = place.type.value
        if place.location is not None:
            wanted = (place.elements or 0) * _WIDTHS[kind]
            file, offset = self.external.open(place.location, wanted)
            spans = [(file.fileno(), offset, wanted)]
        else:
            spans = [(self.descriptor, piece.offset, piece.length) for piece in place.pieces]
        for descriptor, offset, length in spans:
            for start in range(0, length, _RANGE):
                yield _Range(descriptor, offset + start, min(_RANGE, length - start), kind)

    def _range(self, wanted: _Range) -> _Counts:
        """Counts one range; in any thread."""
        length = wanted.length - wanted.length % _WIDTHS[wanted.type]
        if os.fstat(wanted.descriptor).st_size < wanted.offset + length:
            raise FormatError("It became shorter while it was read. Copy or export it again.")
        total = _Counts()
        if not length:
            return total
        before = wanted.offset % mmap.ALLOCATIONGRANULARITY
        mapped = mmap.mmap(
            wanted.descriptor,
            before + length,
            access=mmap.ACCESS_READ,
            offset=wanted.offset - before,
        )
        # The map ends with the last that refers to it.
        data = self.numpy.frombuffer(mapped, "u1")[before:]
        for start in range(0, length, _PIECE):
            total = total.with_(self._piece(data[start : start + _PIECE], wanted.type))
        return total

    def _piece(self, data: Any, kind: str) -> _Counts:
        numpy, own = self.numpy, self.own
        if not hasattr(own, "raw"):
            own.raw = numpy.empty(_PIECE, "u1")
            own.bits = numpy.empty(_PIECE // 2, "<u4")
            own.low = numpy.empty(_PIECE // 2, bool)
        if data.ctypes.data % _WIDTHS[kind]:
            raw = own.raw[: len(data)]
            raw[:] = data
            data = raw
        given = data.view(_VIEWS[kind])
        bits = own.bits[: len(given)]
        if kind == "FLOAT":
            numpy.abs(given.view("<f4"), out=bits.view("<f4"))
        elif kind == "BFLOAT16":
            numpy.left_shift(given, 16, out=bits, dtype="<u4")
            numpy.bitwise_and(bits, 0x7FFF_FFFF, out=bits)
        else:
            with numpy.errstate(over="ignore"):
                bits.view("<f4")[:] = _within(numpy, given) if kind == "DOUBLE" else given
            numpy.bitwise_and(bits, 0x7FFF_FFFF, out=bits)
        return self._counted(bits, own.low[: len(bits)])

    def _counted(self, bits: Any, low: Any = None) -> _Counts:
        """Counts bits of FP32 numbers without their sign, as unsigned 32-bit integers; spoils them.

        Exact counts are made where the largest or the smallest say that there is something to count.
        """
        numpy = self.numpy
        if not len(bits):
            return _Counts()
        size, largest = len(bits), int(bits.max())
        nan = infinite = overflow = 0
        if largest >= _OVERFLOWS:
            nan = int(numpy.count_nonzero(bits > _INFINITE))
            infinite = int(numpy.count_nonzero(bits == _INFINITE))
            bits = bits[bits < _INFINITE]
            overflow = int(numpy.count_nonzero(bits >= _OVERFLOWS))
            largest = int(bits.max()) if len(bits) else 0
        zeros, flushed, subnormal, smallest = self._small(bits, low)
        return _Counts(size, zeros, nan, infinite, overflow, flushed, subnormal, largest, smallest)

    def _small(self, bits: Any, low: Any) -> tuple[int, int, int, int]:
        """Counts zeros, what vanishes and what is subnormal, and finds the least that is not zero.

        Spoils the bits.
        """
        numpy = self.numpy
        low = numpy.empty(len(bits), bool) if low is None else low[: len(bits)]

        def below(bound: int) -> int:
            # numpy compares numbers faster than their bits, and the order is the same.
            limit = numpy.array([bound], "<u4").view("<f4")[0]
            numpy.less(bits.view("<f4"), limit, out=low)
            return int(numpy.count_nonzero(low))

        least = int(bits.min()) if len(bits) else _INFINITE
        zeros = below(1) if least == 0 else 0
        if zeros == len(bits):
            return zeros, 0, 0, _INFINITE
        shift = 0
        if zeros:
            # Zeros become no numbers, which are below nothing.
            shift = 1
            numpy.subtract(bits, numpy.uint32(1), out=bits)
            least = int(bits.min()) + 1
        small = below(_SUBNORMAL - shift) if least < _SUBNORMAL else 0
        flushed = below(_VANISHES + 1 - shift) if least <= _VANISHES else 0
        return zeros, flushed, small - flushed, least

    def _went_on(self, size: int) -> None:
        self.read += size
        if self.read - self.told >= _TOLD_EVERY:
            self.told = self.read
            self.watch.tell(f"reading weights, {self.read >> 20:,} MiB")
        self.watch.check()


_WIDTHS: Mapping[str, int] = {"FLOAT": 4, "DOUBLE": 8, "FLOAT16": 2, "BFLOAT16": 2}
_VIEWS: Mapping[str, str] = {"FLOAT": "<u4", "DOUBLE": "<f8", "FLOAT16": "<f2", "BFLOAT16": "<u2"}


def _within(numpy: Any, numbers: Any) -> Any:
    """DOUBLE numbers that stay finite, and not zero, in FP32 where they are so."""
    magnitudes = numpy.abs(numbers)
    least, most = 2.0**-149, float(numpy.finfo("f4").max)
    inside = numpy.clip(magnitudes, least, most)
    other = (magnitudes == 0) | ~numpy.isfinite(magnitudes)
    return numpy.where(other, magnitudes, inside)
