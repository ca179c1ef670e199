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
_HEADERS = {
    high: {
        _TAG.pack(number | high * _HIGH, 1): (kind, layout)
        for number, (kind, layout) in _SCALARS.items()
    }
    for high in (False, True)
}
_INTEGERS = {2: "B", 3: "b", 6: "I", 7: "i", 8: "Q", 9: "q", 10: "B"}

_BATCH = 64
"""Quiet items that are taken at once."""

_EDGE = 8
"""Of a long run of quiet items so many at its ends are given out; no item's meaning looks further."""

_LOOKAHEAD = 256
_SHORT = 8
_START = rb"[\x02\x03\x06-\x0b][\x00\x80]\x01\x00"
_CLOSING = rb"[\x7c-\x7f\xfc-\xff]"


class _Quiet:
    """Patterns of quiet items: scalars, and where classes open and close, each told by itself alone.

    What takes a look at other bytes to be told (a string, a blob) matches none of them. Only where
    no class was opened just before is the first item sure to be what it looks like.

    Attributes:
        batch: Some items.
        item: One of those that are known to be some.
        run: Very many items; its group ends `_EDGE` items before the run does.
        tag: One of those that are known to be a run, with the tag of a class that closes, and of one
            that opens.
    """

    def __init__(self, *, high: bool) -> None:
        bit = rb"\x80\x01\x00" if high else rb"\x00\x01\x00"
        four, one, eight = (
            numbers + bit + rb".{%d}" % size
            for numbers, size in (
                (rb"[\x06\x07\x0b]", 4),
                (rb"[\x02\x03\x0a]", 1),
                (rb"[\x08\x09]", 8),
            )
        )
        # No length of a blob, since another item starts behind it.
        plain = rb"[\x08\x09]" + bit + rb"(?:\x00{8}|.{8}(?=" + _START + rb"))"
        opened = (
            rb"(?:[\x0c-\xff][\x00\x80]|.[\x01-\x03\x81-\x83])[\x01-\x10]\x00(?=.{22})"
            rb"(?!.{8}\x01[\x00\x80][\x0c\x0d][\x00\x80]\x01\x00)"
            rb"(?![\x08\x09][\x00\x80]\x01\x00(?!\x00{8}))"
        )
        closed = rb"." + _CLOSING
        arrays = rb"(?!)" if not high else _short_arrays()
        item = rb"(?:" + rb"|".join((four, one, plain, opened, closed)) + rb")"
        scalar = rb"|".join((four, one, eight))
        self.batch = re.compile(rb"(?:" + item + rb"|" + arrays + rb"){1,%d}" % _BATCH, re.DOTALL)
        self.item = re.compile(scalar + rb"|" + closed + rb"|" + arrays + rb"|.{4}", re.DOTALL)
        self.run = re.compile(rb"(" + item + rb"{8,})" + item + rb"{%d}" % _EDGE, re.DOTALL)
        self.tag = re.compile(scalar + rb"|(." + _CLOSING + rb")|(?:(..)..)", re.DOTALL)


def _short_arrays() -> bytes:
    """The pattern of an array of up to `_SHORT` integers, as it is written from 8.2 on."""
    sized = (
        rb"\x%02x\x80\x01\x00(?:" % number
        + b"|".join(rb"\x%02x\x00{7}.{%d}" % (count, count * size) for count in range(_SHORT + 1))
        + rb")"
        for number, size in ((7, 4), (9, 8))
    )
    return rb"\x01\x80(?:" + b"|".join(sized) + rb")"


_QUIET = {high: _Quiet(high=high) for high in (False, True)}


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
        self._remaining = limit
        # Of the class that was opened by the item before, the tag.
        self._opened = -1
        # Classes that may still be closed; enumerators open one that never is.
        self._closable = 0
        self._text_left = TEXT_BUDGET
        self._classes: set[int] = set()
        self._window = b""
        self._base = start
        self.skim = False
        self.complete = False
        self.exhausted = False
        self.stopped_at = start

    def __iter__(self) -> Iterator[Item]:
        high = bool(self._tag_at(self._position) & _HIGH)
        quiet = _QUIET[high]
        while self._position < self._end and self._remaining > 0 and self._text_left > 0:
            raws = self._batch(quiet)
            if raws:
                sound = yield from self._quiet_items(raws, _HEADERS[high])
                if not sound:
                    break
                if len(raws) == _BATCH and self.skim:
                    self._pass_over(quiet)
                continue
            item, after = self._item(self._position, high, self._opened)
            if item is None or after > self._end or not self._follows(item):
                break
            self._remaining -= 1
            self._position = after
            yield item
            if item.kind is _ARRAY_KIND and item.value and not item.stride:
                self._closable += int(item.value)
                self._classes.update((item.element, item.element | _HIGH))
                before = self._text_left
                after = yield from self._packed(item, after)
                if after < 0:
                    break
                self._position = after
                self._remaining -= (before - self._text_left) // _STRING_HEAD
        self.stopped_at = self._position
        self.complete = self._position == self._end
        over = self._remaining <= 0 or self._text_left <= 0
        self.exhausted = over and not self.complete

    def _follows(self, item: Item) -> bool:
        """Keep count of what is open; whether the item can stand where it does."""
        self._opened = -1
        if item.kind is _OPEN:
            self._opened = int(item.value)
            self._classes.add(self._opened)
            self._closable += 1
        elif item.kind is _CLOSE:
            self._closable -= 1
            return self._closable >= 0 and item.value in self._classes
        return True

    def _batch(self, quiet: _Quiet) -> list[bytes]:
        """Return the next quiet items' bytes; none where the next item is no quiet one."""
        ahead = min(_LOOKAHEAD, self._end - self._position)
        at = self._position - self._base
        if at < 0 or at + ahead > len(self._window):
            self._peek(self._position, ahead)
            at = 0
        if self._may_be_blob(at):
            return []
        found = quiet.batch.match(self._window, at, self._window_end())
        if found is None:
            return []
        return quiet.item.findall(self._window, at, found.end())[: self._remaining]

    def _quiet_items(
        self, raws: list[bytes], headers: dict[bytes, tuple[Kind, struct.Struct]]
    ) -> Generator[Item, None, bool]:
        for raw in raws:
            position = self._position
            scalar = headers.get(raw[:4])
            if scalar is not None:
                self._opened = -1
                item = Item(scalar[0], position, scalar[1].unpack_from(raw, 4)[0])
            elif raw[0] == _ARRAY and len(raw) >= _ARRAY_HEAD:
                self._opened = -1
                number = raw[2]
                size = 4 if number == 7 else 8
                item = Item(_ARRAY_KIND, position, raw[6], "", position + _ARRAY_HEAD, number, size)
            else:
                tag = raw[0] | raw[1] << 8
                closes = len(raw) == 2
                item = (
                    Item(_CLOSE, position, ~tag & 0xFFFF) if closes else Item(_OPEN, position, tag)
                )
                if not self._follows(item):
                    return False
            self._remaining -= 1
            self._position = position + len(raw)
            yield item
        return True

    def _pass_over(self, quiet: _Quiet) -> None:
        """Go on to near the end of a long run of quiet items; stay where it is short, or unsound."""
        start, closable, classes = self._position - self._base, self._closable, set(self._classes)
        found = quiet.run.match(self._window, start, self._window_end())
        if found is None or self._may_be_blob(start):
            return
        tags = quiet.tag.findall(self._window, start, found.end(1))
        if len(tags) >= self._remaining:
            return
        for closes, opens in tags:
            if opens:
                classes.add(opens[0] | opens[1] << 8)
                closable += 1
            elif closes:
                closable -= 1
                if closable < 0 or ~(closes[0] | closes[1] << 8) & 0xFFFF not in classes:
                    return
        self._classes, self._closable, self._opened = classes, closable, -1
        self._remaining -= len(tags)
        self._position = self._base + found.end(1)

    def _may_be_blob(self, at: int) -> bool:
        """Whether the item is a number right behind a class that opens: the length of its blob."""
        return self._opened >= 0 and self._window[at : at + 1] in (b"\x08", b"\x09")

    def _window_end(self) -> int:
        return max(0, min(len(self._window), self._end - self._base))

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
