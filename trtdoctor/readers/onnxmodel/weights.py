"""Reads what a model stores, piece by piece, for the numbers in it; no tensor is ever held whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ...model.watch import UNHURRIED, OutOfTime, Watch
from ..errors import FormatError, naming
from .external import Files, Span, external_span
from .flatten import text
from .load import read_with_stored
from .onnx_facts import OnnxFacts, TensorType
from .slim import LeftOut, Places
from .types import by_number
from .varints import low_bytes
from .weight_bits import FORMATS, PIECE, BitCounter, Room, wide_values
from .weight_narrow import FOUR_BITS, NARROW, PatternCounter, narrow_values
from .weight_numbers import FloatNumbers, TensorNumbers, WeightNumbers

_T = TensorType
_EXTERNAL = 1
_MOST_VALUES = 16
_MOST_DIMS = 64
_MOST_ELEMENTS = 1 << 63
_BITS = {
    **{_T.DOUBLE: 64, _T.INT64: 64, _T.UINT64: 64, _T.COMPLEX64: 64, _T.COMPLEX128: 128},
    **{_T.FLOAT: 32, _T.INT32: 32, _T.UINT32: 32},
    **{_T.FLOAT16: 16, _T.BFLOAT16: 16, _T.INT16: 16, _T.UINT16: 16},
    **{_T.INT4: 4, _T.UINT4: 4, _T.FLOAT4E2M1: 4, _T.INT2: 2, _T.UINT2: 2},
    **{_T.INT8: 8, _T.UINT8: 8, _T.BOOL: 8},
    **dict.fromkeys(NARROW - FOUR_BITS, 8),
}
# Fields of TensorProto: raw_data, and which hold the types that have no raw_data.
_RAW, _INT32_DATA = 9, 5
_FIELD = {_T.FLOAT: 4, _T.DOUBLE: 10}
_ATTRIBUTE_FLOATS = 7

Pieces = Iterator[Any]


def scan_weights(path: Path, *, watch: Watch = UNHURRIED) -> WeightNumbers:
    """The numbers of all initialisers and constants of a model.

    Args:
        path: The model. External data are read from its own folder alone.
        watch: How long it may take; what was not read by then is told.

    Raises:
        FormatError: It is no ONNX model, or a damaged one; or external data are missing, cut short
            or lie outside of the model's folder.
        OnnxUnavailable: The ``onnx`` package is missing or broken.
        OSError: The file cannot be read.
    """
    return read_onnx_and_weights(path, watch=watch)[1]


def read_onnx_and_weights(
    path: Path, *, watch: Watch = UNHURRIED
) -> tuple[OnnxFacts, WeightNumbers]:
    """A model's facts and its numbers, for the price of one reading; see `scan_weights`."""
    places = Places()
    facts, stored = read_with_stored(path, places)
    with naming(str(path)), Files() as files:
        scan = _Scan(path, files, places, watch)
        tensors = tuple(scan.tensor(name, message) for name, message in stored)
        return facts, WeightNumbers(tensors=tensors, unread=tuple(scan.unread))


class _Scan:
    def __init__(self, path: Path, files: Files, places: Places, watch: Watch) -> None:
        self._path = path
        self._files = files
        self._places = places
        self._watch = watch
        self._room = Room()
        self._seen: dict[tuple[Any, ...], tuple[FloatNumbers, tuple[float, ...]]] = {}
        self.unread: list[str] = []

    def tensor(self, name: str, message: Any) -> TensorNumbers:
        """The numbers of one stored value."""
        if isinstance(message, float):
            return self._floats(name, iter([_bytes([message])]), ())
        if hasattr(message, "ref_attr_name"):
            return self._attribute(name, message)
        if hasattr(message, "indices"):
            return self._tensor(name, message.values, message.dims)
        return self._tensor(name, message, message.dims)

    def _attribute(self, name: str, attribute: Any) -> TensorNumbers:
        if attribute.HasField("t"):
            return self.tensor(name, attribute.t)
        if attribute.HasField("sparse_tensor"):
            return self.tensor(name, attribute.sparse_tensor)
        if attribute.HasField("f"):
            return self._floats(name, iter([_bytes([attribute.f])]), ())
        left = self._places.of(attribute)
        parts = [_bytes(attribute.floats)]
        size = parts[0].size + sum(part.stop - part.start for part in left)
        pieces = chain(parts, self._concatenated(left, _ATTRIBUTE_FLOATS))
        return self._floats(name, pieces, (size // 4,))

    def _floats(self, name: str, pieces: Pieces, shape: tuple[int, ...]) -> TensorNumbers:
        numbers: FloatNumbers | None = None
        values: tuple[float, ...] = ()
        try:
            numbers, values = self._numbers(_T.FLOAT, pieces, prod(shape), 0)
        except OutOfTime:
            self.unread.append(name)
        return TensorNumbers(
            name=name,
            type=_T.FLOAT,
            shape=shape,
            elements=prod(shape),
            numbers=numbers,
            values=values,
        )

    def _tensor(self, name: str, tensor: Any, dims: Any) -> TensorNumbers:
        kind = by_number(tensor.data_type)
        shape, elements = _shape(dims)
        stored = _shape(tensor.dims)[1]
        external = tensor.data_location == _EXTERNAL
        numbers: FloatNumbers | None = None
        values: tuple[float, ...] = ()
        if kind is not None and stored is not None and elements is not None:
            span = self._span(kind, tensor, stored) if external else None
            if kind in FORMATS or kind in NARROW:
                try:
                    numbers, values = self._once(kind, tensor, span, stored, elements - stored)
                except OutOfTime:
                    self.unread.append(name)
        return TensorNumbers(
            name=name,
            type=kind,
            shape=shape,
            elements=elements,
            external=external,
            numbers=numbers,
            values=values,
        )

    def _span(self, kind: TensorType, tensor: Any, stored: int) -> Span:
        bits = _BITS.get(kind)
        expected = None if bits is None else (stored * bits + 7) // 8
        return external_span(tensor, self._path, self._files, expected)

    def _once(
        self, kind: TensorType, tensor: Any, span: Span | None, stored: int, left_out: int
    ) -> tuple[FloatNumbers, tuple[float, ...]]:
        """What is known of a tensor; of one that stands at several places it is found once."""
        left = tuple(self._places.of(tensor))
        key = (kind, span or left, stored, left_out)
        if (span or left) and key in self._seen:
            return self._seen[key]
        pieces = self._pieces(kind, tensor, span, stored)
        found = self._numbers(kind, pieces, stored, left_out)
        if span or left:
            self._seen[key] = found
        return found

    def _numbers(
        self, kind: TensorType, pieces: Pieces, stored: int, left_out: int
    ) -> tuple[FloatNumbers, tuple[float, ...]]:
        few = stored <= _MOST_VALUES
        counter = BitCounter(kind) if kind in FORMATS else PatternCounter(kind, stored)
        held = bytearray()
        for piece in pieces:
            self._watch.check()
            data = piece
            if data.ctypes.data % 8:
                data = self._room.values[: piece.size]
                data[:] = piece
            if few:
                held += data.tobytes()
            counter.add(data, self._room)
        return counter.numbers(left_out), _values(kind, held, stored) if few else ()

    def _pieces(self, kind: TensorType, tensor: Any, span: Span | None, stored: int) -> Pieces:
        """A tensor's bytes, as raw_data would hold them."""
        need = (stored * _BITS[kind] + 7) // 8
        if span is not None:
            return self._files.pieces(span, PIECE)
        left = self._places.of(tensor)
        if left:
            return self._counted(kind, tensor, need, self._left_out(kind, left))
        return self._counted(kind, tensor, need, iter([_inline(kind, tensor)]))

    def _left_out(self, kind: TensorType, left: list[LeftOut]) -> Pieces:
        """The bytes of values that lie in the model's file, and were not parsed."""
        raw = [
            Span(self._path, start, stop - start) for field, start, stop in left if field == _RAW
        ]
        if raw:
            # As protobuf has it, the last one counts.
            return self._files.pieces(raw[-1], PIECE)
        if kind in _FIELD:
            return self._concatenated(left, _FIELD[kind])
        return low_bytes(self._concatenated(left, _INT32_DATA), max(_BITS[kind] // 8, 1), PIECE)

    def _concatenated(self, left: list[LeftOut], field: int) -> Pieces:
        """What stands in all occurrences of one field."""
        for number, start, stop in left:
            if number == field:
                yield from self._files.pieces(Span(self._path, start, stop - start), PIECE)

    def _counted(self, kind: TensorType, tensor: Any, need: int, pieces: Pieces) -> Pieces:
        """The pieces, all of them of what the tensor needs."""
        found, width = 0, max(1, _BITS[kind] // 8)
        for piece in pieces:
            found += piece.size
            if found > need or piece.size % width:
                break
            yield piece
        if found != need:
            held = "more" if found > need else f"{found:,}"
            raise FormatError(
                f"Its tensor {text(tensor.name)!r} takes {need:,} bytes, but holds {held}. "
                "Export the model again."
            )


def _shape(dims: Any) -> tuple[tuple[int, ...] | None, int | None]:
    """Extents, and how many elements they make; neither where no tensor could have them."""
    shape = tuple(dims) if len(dims) <= _MOST_DIMS else ()
    if len(shape) < len(dims) or any(extent < 0 for extent in shape):
        return None, None
    elements = prod(shape)
    return (shape, elements) if elements < _MOST_ELEMENTS else (None, None)


def _inline(kind: TensorType, tensor: Any) -> Any:
    """The bytes of a tensor that was parsed with its values."""
    if tensor.HasField("raw_data"):
        return np.frombuffer(tensor.raw_data, np.uint8)
    if kind is _T.FLOAT:
        return _bytes(tensor.float_data)
    if kind is _T.DOUBLE:
        return _bytes(tensor.double_data, np.float64)
    width = np.uint16 if _BITS[kind] == 16 else np.uint8
    return np.array(tensor.int32_data, np.int32).astype(width).view(np.uint8)


def _bytes(numbers: Iterable[float], kind: type[Any] = np.float32) -> Any:
    return np.array(numbers, kind).view(np.uint8)


def _values(kind: TensorType, held: bytes | bytearray, stored: int) -> tuple[float, ...]:
    data = np.frombuffer(bytes(held), np.uint8)
    return wide_values(kind, data) if kind in FORMATS else narrow_values(kind, data, stored)
