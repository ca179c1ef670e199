"""Plans of TensorRT 5: a size and a flatbuffer, no magic. Observed in one file of 5.0.6."""

from __future__ import annotations

import struct

from ..files.source import Source

_HEAD = 1 << 16


Version = tuple[int, int, int, int]


def read_legacy(source: Source) -> tuple[Version, dict[str, str]] | None:
    """Return the version and what is told of the device; None where the file is no such plan."""
    raw = source.read(0, _HEAD)
    if len(raw) < 32 or struct.unpack_from("<Q", raw)[0] != source.size:
        return None
    table = _Flatbuffer(raw)
    root = 8 + table.u32(8)
    fields = table.fields(root)
    if fields is None or len(fields) < 2:
        return None
    version = table.follow(fields, 1)
    if version is None:
        return None
    parts = table.fields(version)
    if parts is None or len(parts) > 8:
        return None
    numbers = tuple(table.small(parts, i) for i in range(4))
    if not 1 <= numbers[0] <= 5 or max(numbers) > 255:
        return None
    return (numbers[0], numbers[1], numbers[2], numbers[3]), _device(table, table.follow(fields, 2))


def _device(table: _Flatbuffer, at: int | None) -> dict[str, str]:
    fields = None if at is None else table.fields(at)
    if fields is None or len(fields) < 3:
        return {}
    facts = {}
    name = table.text(table.follow(fields, 0))
    if name:
        facts["name"] = name
    major, minor = table.number(fields, 1), table.number(fields, 2)
    if 2 <= major <= 7 and 0 <= minor <= 9:
        facts["compute_capability"] = f"{major}.{minor}"
    return facts


class _Flatbuffer:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def u32(self, at: int) -> int:
        raw = self._raw[at : at + 4] if at >= 0 else b""
        return int.from_bytes(raw, "little") if len(raw) == 4 else 0

    def fields(self, table: int) -> list[int] | None:
        """Return where a table's fields are, 0 for absent ones; None for no table."""
        if not 0 < table <= len(self._raw) - 4:
            return None
        vtable = table - int(struct.unpack_from("<i", self._raw, table)[0])
        if not 0 <= vtable <= len(self._raw) - 4:
            return None
        size = int(struct.unpack_from("<H", self._raw, vtable)[0])
        if size < 4 or size % 2 or size > 256 or vtable + size > len(self._raw):
            return None
        offsets = struct.unpack_from(f"<{size // 2 - 2}H", self._raw, vtable + 4)
        return [table + offset if offset else 0 for offset in offsets]

    def follow(self, fields: list[int], index: int) -> int | None:
        if index >= len(fields) or not fields[index]:
            return None
        return fields[index] + self.u32(fields[index])

    def number(self, fields: list[int], index: int) -> int:
        return self.u32(fields[index]) if index < len(fields) and fields[index] else 0

    def small(self, fields: list[int], index: int) -> int:
        at = fields[index] if index < len(fields) else 0
        return self._raw[at] if 0 < at < len(self._raw) else 0

    def text(self, at: int | None) -> str:
        if at is None:
            return ""
        length = self.u32(at)
        if not 0 < length <= 256:
            return ""
        return self._raw[at + 4 : at + 4 + length].decode("utf-8", "replace")
