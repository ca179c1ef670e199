"""The tagged stream inside an engine: a flat walk over its items that knows no class by number.

An item is a 16-bit tag, a 16-bit version and a payload. Class numbers change with every TensorRT
release, so the walk recognises items by their shape only and hands them out one after another;
`scan` finds meaning in their order. Nothing here recurses on input: nesting is a sequence of OPEN
and CLOSE items.

Observed in files of TensorRT 6.0 to 10.9 and TensorRT-RTX 1.4 to 1.7.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from enum import Enum

import msgspec

from ..files.source import Source

WINDOW = 1 << 16
TEXT_LIMIT = 1 << 20
"""Longer strings are cut: names and metadata are shorter."""

TEXT_BUDGET = 16 << 20
"""All strings together; a walk that meets more ends as one of too many items does."""

_HIGH = 0x8000
_ARRAY = 1
_CHARS = (12, 13)
_CLASS_LIMIT = 0x400
_VERSION_LIMIT = 16
_PACKED_SIZES = (4, 8, 2, 1, 12, 16, 24, 32, 40, 48, 20, 28)
_ARRAY_HEAD = 14
_STRING_HEAD = 22
_U16 = struct.Struct("<H")
_TAG = struct.Struct("<HH")
_U64 = struct.Struct("<Q")
_ARRAY_HEADER = struct.Struct("<HHHQ")


class Kind(Enum):
    """What an item is."""

    U8 = 2
    I8 = 3
    U32 = 6
    I32 = 7
    U64 = 8
    I64 = 9
    BOOL = 10
    F32 = 11
    ARRAY = 1
    STRING = 100
    OPEN = 101
    CLOSE = 102
    BLOB = 103


_OPEN, _CLOSE, _ARRAY_KIND, _STRING_KIND = Kind.OPEN, Kind.CLOSE, Kind.ARRAY, Kind.STRING
_SCALARS = {
    2: (Kind.U8, struct.Struct("<B")),
    3: (Kind.I8, struct.Struct("<b")),
    6: (Kind.U32, struct.Struct("<I")),
    7: (Kind.I32, struct.Struct("<i")),
    8: (Kind.U64, struct.Struct("<Q")),
    9: (Kind.I64, struct.Struct("<q")),
    10: (Kind.BOOL, struct.Struct("<B")),
    11: (Kind.F32, struct.Struct("<f")),
}
_PLAIN_HEADERS = {
    high: {
        _TAG.pack(number | high * _HIGH, 1): scalar
        for number, scalar in _SCALARS.items()
        if scalar[1].size <= 4
    }
    for high in (False, True)
}
_INTEGERS = {2: "B", 3: "b", 6: "I", 7: "i", 8: "Q", 9: "q", 10: "B"}

_QUIET_BEFORE = 8
"""Quiet items in a row that are given out before the walk tries to pass over those that follow."""

_RETRY = 24
_START = rb"[\x02\x03\x06-\x0b][\x00\x80]\x01\x00"
_CLOSING = rb"[\x7c-\x7f\xfc-\xff]"


def _quiet_items(high: bool) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Patterns of quiet items: scalars, and where classes open and close, each told by itself alone.

    What takes a look at other bytes to be told (a string, a blob) matches neither.

    Returns:
        The pattern of a long run, whose group ends `_QUIET_BEFORE` items before the run does; and
        the pattern of an item in such a run, whose group is the tag of a class.
    """
    bit = rb"\x80" if high else rb"\x00"
    scalars = b"|".join(
        (
            rb"[\x06\x07\x0b]" + bit + rb"\x01\x00.{4}",
            rb"[\x02\x03\x0a]" + bit + rb"\x01\x00.",
            # Before the start of another item it is no length of a blob, unless a class was opened
            # just before.
            rb"[\x08\x09]" + bit + rb"\x01\x00(?:\x00{8}|.{8}(?=" + _START + rb"))",
        )
    )
    opens = (
        rb"(?:[\x0c-\xff][\x00\x80]|.[\x01-\x03\x81-\x83])[\x01-\x10]\x00(?=.{22})"
        rb"(?!.{8}\x01[\x00\x80][\x0c\x0d][\x00\x80]\x01\x00)"
        rb"(?![\x08\x09][\x00\x80]\x01\x00(?!\x00{8}))"
    )
    one = rb"(?:" + scalars + b"|" + opens + rb"|." + _CLOSING + rb")"
    run = rb"(" + one + rb"{8,})" + one + b"{%d}" % _QUIET_BEFORE
    item = scalars + rb"|(..)(?:(?<!" + _CLOSING + rb")..)?"
    return re.compile(run, re.DOTALL), re.compile(item, re.DOTALL)


_QUIET = {high: _quiet_items(high) for high in (False, True)}


class Item(msgspec.Struct, frozen=True, gc=False):
    """One item of the stream.

    Attributes:
        kind: Its shape.
        offset: Where it starts.
        value: A scalar's value; the number of an opened or closed class; an array's count; a blob's
            length.
        text: A string's characters.
        data: Where the payload of an array or blob starts.
        element: The number of an array's element type, without the high bit.
        stride: Bytes from one element of a primitive array to the next; 0 for arrays of classes.
    """

    kind: Kind
    offset: int
    value: float = 0
    text: str = ""
    data: int = 0
    element: int = 0
    stride: int = 0


class TaggedStream:
    """Walks the items between two offsets of a source.

    Attributes:
        complete: After the walk: whether it ended exactly at ``end``.
        stopped_at: After the walk: the offset at which it ended.
        exhausted: After the walk: whether it ended because ``limit`` items were met.
        skim: Whether long runs of quiet items (scalars, and where classes open and close) are given
            out by their first and last few only. May be changed during the walk.
    """

    def __init__(self, source: Source, start: int, end: int, *, limit: int) -> None:
        self._source = source
        self._position = start
        self._end = min(end, source.size)
        self._limit = limit
        self._text_left = TEXT_BUDGET
        self._classes: set[int] = set()
        self._window = b""
        self._base = start
        self.skim = False
        self.complete = False
        self.exhausted = False
        self.stopped_at = start

    def __iter__(self) -> Iterator[Item]:
        position, end = self._position, self._end
        high = bool(self._tag_at(position) & _HIGH)
        plain = _PLAIN_HEADERS[high]
        opened, quiet = -1, 0
        # Classes that may still be closed; enumerators open one that never is.
        closable = 0
        remaining = self._limit
        while position < end and remaining > 0 and self._text_left > 0:
            quiet += 1
            if quiet > _QUIET_BEFORE and self.skim:
                quiet = -_RETRY
                count, after, closable = self._skimmed(position, high, remaining, closable)
                if count:
                    quiet, opened = 0, -1
                    remaining -= count
                    position = after
            window = self._window
            at = position - self._base
            scalar = plain.get(window[at : at + 4]) if at >= 0 else None
            if scalar is not None and at + 8 <= len(window) and position + 8 <= end:
                # Most items are small scalars: `_item`, for them, at half the walk's time.
                kind, layout = scalar
                item = Item(kind, position, layout.unpack_from(window, at + 4)[0])
                remaining -= 1
                opened = -1
                position += 4 + layout.size
                yield item
                continue
            found, after = self._item(position, high, opened)
            if found is None or after > end:
                break
            item, opened = found, -1
            kind = item.kind
            if kind is _OPEN:
                opened = int(item.value)
                self._classes.add(opened)
                closable += 1
            elif kind is _CLOSE:
                closable -= 1
                if closable < 0 or item.value not in self._classes:
                    break
            elif kind is _ARRAY_KIND or kind is _STRING_KIND:
                quiet = 0
            remaining -= 1
            position = after
            yield item
            if kind is _ARRAY_KIND and item.value and not item.stride:
                closable += int(item.value)
                self._classes.update((item.element, item.element | _HIGH))
                before = self._text_left
                after = yield from self._packed(item, position)
                if after < 0:
                    break
                position = after
                remaining -= (before - self._text_left) // _STRING_HEAD
        self.stopped_at = position
        self.complete = position == end
        over = remaining <= 0 or self._text_left <= 0
        self.exhausted = over and not self.complete

    def _skimmed(
        self, position: int, high: bool, most: int, closable: int
    ) -> tuple[int, int, int]:
        """Pass over a long run of quiet items but its last few.

        Returns:
            How many items were passed over, at most ``most``; where the next one starts; how many
            classes may then still be closed. No items where the run is short, or not sound.
        """
        run, item = _QUIET[high]
        start = position - self._base
        nothing = (0, position, closable)
        if start < 0:
            return nothing
        found = run.match(self._window, start, max(0, min(len(self._window), self._end - self._base)))
        if found is None:
            return nothing
        tags = item.findall(self._window, start, found.end(1))
        classes = set(self._classes)
        if len(tags) > most:
            return nothing
        if any(tags):
            for raw in tags:
                if not raw:
                    continue
                tag = raw[0] | raw[1] << 8
                if not _is_close(tag):
                    classes.add(tag)
                    closable += 1
                    continue
                closable -= 1
                if closable < 0 or ~tag & 0xFFFF not in classes:
                    return nothing
            self._classes = classes
        return len(tags), self._base + found.end(1), closable

    def integers(self, item: Item, most: int = 1 << 16) -> tuple[int, ...]:
        """Return up to ``most`` values of an array of integers; empty for any other item."""
        code = _INTEGERS.get(item.element)
        if item.kind is not Kind.ARRAY or code is None or not item.stride:
            return ()
        count = min(int(item.value), most)
        size = struct.calcsize("<" + code)
        data = self._source.read(item.data, count * item.stride)
        if item.stride == size:
            whole = len(data) // size
            return struct.unpack(f"<{whole}{code}", data[: whole * size])
        last = len(data) - size + 1
        return tuple(
            struct.unpack_from("<" + code, data, i)[0] for i in range(0, last, item.stride)
        )

    def _peek(self, position: int, length: int) -> bytes:
        at = position - self._base
        if at < 0 or at + length > len(self._window):
            if position >= self._end:
                return b""
            self._window = self._source.read(
                position, max(length, min(WINDOW, self._end - position))
            )
            self._base = position
            at = 0
        return self._window[at : min(at + length, self._end - self._base)]

    def _look(self, position: int, length: int) -> bytes:
        """Peek far ahead without moving the window."""
        at = position - self._base
        if at < 0 or at + length > len(self._window):
            return self._source.read(position, min(length, self._end - position))
        return self._window[at : min(at + length, self._end - self._base)]

    def _tag_at(self, position: int) -> int:
        raw = self._look(position, 2)
        return int(_U16.unpack(raw)[0]) if len(raw) == 2 else 0

    def _starts_item(self, position: int) -> bool:
        if position == self._end:
            return True
        raw = self._look(position, 4)
        if len(raw) < 2:
            return False
        tag = raw[0] | raw[1] << 8
        if _is_close(tag):
            # Weights can look like it: only a class that was opened before is closed.
            return ~tag & 0xFFFF in self._classes
        if len(raw) < 4:
            return False
        number, second = tag & ~_HIGH, raw[2] | raw[3] << 8
        if number == _ARRAY:
            return 0 < (second & ~_HIGH) < _CLASS_LIMIT
        if number in _SCALARS:
            return second == 1
        return 0 < number < _CLASS_LIMIT and 0 < second <= _VERSION_LIMIT

    def _item(self, position: int, high: bool, opened: int) -> tuple[Item | None, int]:
        raw = self._peek(position, 34)
        if len(raw) < 2:
            return None, position
        tag = raw[0] | raw[1] << 8
        if _is_close(tag):
            return Item(Kind.CLOSE, position, ~tag & 0xFFFF), position + 2
        if len(raw) < 4:
            return None, position
        number = tag & ~_HIGH
        if number == _ARRAY:
            return self._array(position, raw, high)
        # Up to 8.0 the high bit marks classes; from 8.2 on every tag has it.
        scalar = _SCALARS.get(number) if high or not tag & _HIGH else None
        if scalar is not None:
            return self._scalar(position, raw, scalar, opened)
        length = _string_length(raw, 4)
        if length is not None:
            return self._string(position, position + 26, length)
        version = raw[2] | raw[3] << 8
        if not 0 < number < _CLASS_LIMIT or not 0 < version <= _VERSION_LIMIT:
            return None, position
        return Item(Kind.OPEN, position, tag), position + 4

    def _scalar(
        self, position: int, raw: bytes, scalar: tuple[Kind, struct.Struct], opened: int
    ) -> tuple[Item | None, int]:
        kind, layout = scalar
        if len(raw) < 4 + layout.size or raw[2:4] != b"\x01\x00":
            return None, position
        value = layout.unpack_from(raw, 4)[0]
        after = position + 4 + layout.size
        if kind in (Kind.U64, Kind.I64) and 0 < value <= self._end - after:
            beyond = after + value
            closed = opened >= 0 and self._tag_at(beyond) == ~opened & 0xFFFF
            if closed or (not self._starts_item(after) and self._starts_item(beyond)):
                return Item(Kind.BLOB, position, value, data=after), beyond
        return Item(kind, position, value), after

    def _string(self, position: int, data: int, length: int) -> tuple[Item | None, int]:
        if length > self._end - data:
            return None, position
        self._text_left -= length + _STRING_HEAD
        text = self._peek(data, min(length, TEXT_LIMIT)).decode("utf-8", "replace")
        return Item(Kind.STRING, position, length, text, data), data + length

    def _array(self, position: int, raw: bytes, high: bool) -> tuple[Item | None, int]:
        if len(raw) < _ARRAY_HEAD:
            return None, position
        _, element, version, count = _ARRAY_HEADER.unpack_from(raw)
        number, data = element & ~_HIGH, position + _ARRAY_HEAD
        scalar = _SCALARS.get(number) if high or not element & _HIGH else None
        if scalar is None and number not in _CHARS and len(raw) >= 18:
            # An array of enumerators names the type of its values before the count.
            inner, one, inner_count = struct.unpack_from("<HHQ", raw, 6)
            values = _SCALARS.get(inner & ~_HIGH)
            if (
                values is not None
                and one == 1
                and inner_count * values[1].size <= self._end - data - 4
            ):
                number, scalar, count, data = inner & ~_HIGH, values, inner_count, data + 4
        size = scalar[1].size if scalar else int(number in _CHARS)
        if count * max(size, 1) > self._end - data:
            return None, position
        stride = size
        if size and count and not high:
            # In 8.0 every element carries the tag again.
            header, step = _TAG.pack(element, version), 4 + size
            last = data + (count - 1) * step
            if (
                last + step <= self._end
                and self._look(data, 4) == header
                and self._look(last, 4) == header
            ):
                return Item(Kind.ARRAY, position, count, "", data + 4, number, step), last + step
        item = Item(Kind.ARRAY, position, count, "", data, number, stride)
        return item, data + count * size

    def _packed(self, array: Item, position: int) -> Generator[Item, None, int]:
        """Step over elements of an array of classes that carry no tags; -1 for no sense."""
        if self._starts_item(position):
            return position
        count = int(array.value)
        for _ in range(count):
            if self._text_left <= 0:
                return position
            length = _string_length(self._peek(position, 22), 0)
            if length is None:
                break
            item, position = self._string(position, position + 22, length)
            if item is None:
                return -1
            yield item
        else:
            return position
        for size in _PACKED_SIZES:
            if count * size <= self._end - position and self._starts_item(position + count * size):
                return position + count * size
        return -1


def _is_close(tag: int) -> bool:
    return 0x7C00 <= tag < 0x8000 or tag >= 0xFC00


def _string_length(raw: bytes, at: int) -> int | None:
    """Return the length of the string at ``at``: a count, an array of characters as long."""
    if len(raw) < at + 22:
        return None
    count, array, char, version, again = struct.unpack_from("<QHHHQ", raw, at)
    if count != again or array & ~_HIGH != _ARRAY or char & ~_HIGH not in _CHARS or version != 1:
        return None
    return int(count)
