"""The shape ranges that a cached engine was built for, from the .profile file beside it.

ONNX Runtime writes a FlexBuffer: a map from each dynamic input to a vector of whole numbers
(``SerializeProfile`` and ``SerializeProfileV2`` in ``tensorrt_execution_provider_utils.h``). For each
dynamic extent of each optimisation profile there are

- its index, min, max and opt, from ONNX Runtime 1.15 on
- its index, min and max, before

FlexBuffers are described at https://flatbuffers.dev/internals/#flexbuffers; the flatbuffers package
reads them too, and is only there with onnxruntime.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.base import Frozen
from ..errors import FormatError, TooMuch, naming

MAX_BYTES = 1 << 24

_HOW = "It has no use without the engine: delete both, and ONNX Runtime builds them again."
_MAP = 9
_INT, _UINT = 1, 2
_VECTORS = {11: _INT, 12: _UINT}
_WIDTHS = (1, 2, 4, 8)
_LONGEST_NAME = 4096
_MOST_DIMS = 64
# What stands for a range of which nothing was seen yet: INT_MAX and INT_MIN.
_NOTHING_YET = (2**31 - 1, -(2**31))


class DimRange(Frozen, frozen=True, kw_only=True):
    """One extent of an input: in which profile, at which place, and its bounds; ``opt`` where told."""

    profile: int
    dim: int
    min: int
    max: int
    opt: int | None = None


def read_cached_profile(
    data: bytes, *, name: str | None = None
) -> dict[str, tuple[DimRange, ...] | None]:
    """The ranges of each dynamic input; None of one whose numbers do not add up.

    Args:
        data: The file's bytes, at most 16 MiB.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no such profile, cut, or beyond the limit.
    """
    with naming(name):
        if len(data) > MAX_BYTES:
            raise TooMuch(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
        return {key: _ranges(numbers) for key, numbers in _Flex(data).entries()}


def _ranges(numbers: list[int]) -> tuple[DimRange, ...] | None:
    for width in (4, 3):
        if len(numbers) % width == 0:
            rows = [numbers[at : at + width] for at in range(0, len(numbers), width)]
            if all(_plausible(row) for row in rows):
                return tuple(_numbered(rows))
    return None


def _plausible(row: list[int]) -> bool:
    dim, low, high, *opt = row
    if not 0 <= dim < _MOST_DIMS:
        return False
    return (low, high) == _NOTHING_YET or all(low <= value <= high for value in (high, *opt))


def _numbered(rows: list[list[int]]) -> Iterator[DimRange]:
    """The rows of each extent in order: the first is of the first profile."""
    seen: dict[int, int] = {}
    for dim, low, high, *opt in rows:
        profile = seen.get(dim, 0)
        seen[dim] = profile + 1
        if (low, high) != _NOTHING_YET:
            yield DimRange(profile=profile, dim=dim, min=low, max=high, opt=opt[0] if opt else None)


class _Flex:
    """One FlexBuffer: its last byte is the root's width, the one before it the root's type."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        # No honest file tells one part of it twice.
        self._left = len(data)

    def entries(self) -> Iterator[tuple[str, list[int]]]:
        """The root map's keys and vectors of numbers."""
        data = self._data
        if len(data) < 3 or data[-1] not in _WIDTHS:
            raise _damaged()
        width = data[-1]
        if data[-2] >> 2 != _MAP:
            raise FormatError(
                f"This file is not a profile of ONNX Runtime's TensorRT cache. {_HOW}"
            )
        inner = 1 << (data[-2] & 3)
        start = self._indirect(len(data) - 2 - width, width)
        count = self._number(start - inner, inner)
        keys_width = self._number(start - 2 * inner, inner)
        if keys_width not in _WIDTHS:
            raise _damaged()
        keys = self._indirect(start - 3 * inner, inner)
        if self._number(keys - keys_width, keys_width) != count:
            raise _damaged()
        self._spend(count)
        for index in range(count):
            key = self._key(self._indirect(keys + index * keys_width, keys_width))
            kind = self._bytes(start + count * inner + index, 1)[0]
            yield key, self._vector(start + index * inner, inner, kind)

    def _vector(self, position: int, width: int, kind: int) -> list[int]:
        inner = 1 << (kind & 3)
        start = self._indirect(position, width)
        count = self._number(start - inner, inner)
        if count == 0:
            return []
        if kind >> 2 not in _VECTORS:
            raise FormatError(
                f"This file is not a profile of ONNX Runtime's TensorRT cache. {_HOW}"
            )
        self._spend(count)
        signed = _VECTORS[kind >> 2] == _INT
        data = self._bytes(start, count * inner)
        return [
            int.from_bytes(data[at : at + inner], "little", signed=signed)
            for at in range(0, len(data), inner)
        ]

    def _key(self, start: int) -> str:
        end = self._data.find(b"\0", start, start + _LONGEST_NAME)
        if end < 0:
            raise _damaged()
        return self._data[start:end].decode("utf-8", "replace")

    def _indirect(self, position: int, width: int) -> int:
        return position - self._number(position, width)

    def _number(self, position: int, width: int) -> int:
        return int.from_bytes(self._bytes(position, width), "little")

    def _bytes(self, start: int, length: int) -> bytes:
        if start < 0 or start + length > len(self._data):
            raise _damaged()
        return self._data[start : start + length]

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _damaged()


def _damaged() -> FormatError:
    return FormatError(f"This file is a damaged or no profile of ONNX Runtime's cache. {_HOW}")
