"""The outer layout of a plan: which of the four it is, header, sections, engine block.

Magic, container version and version bytes are NVIDIA's own (trtexec ``--getPlanVersionOnly``); the
rest was observed in files of TensorRT 5.0 to 10.9 and TensorRT-RTX 1.4 to 1.7.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from ..files.source import Source
from .result import IntegrityProblem, Problem

FTRT = b"ftrt"
VTRT = b"vtrt"
PTRT = b"ptrt"
MAGICS = (FTRT, VTRT, PTRT)

_END_MARK = bytes(~b & 0xFF for b in FTRT)
_SECTION = struct.Struct("<4sIQQ")
_MOST_SECTIONS = 1024
_MOST_REMARKS = 16
_CHECKSUM_LIMIT = 64 << 20
_RTX_CAPABILITIES = ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")
_RTX_UNNAMED = ~((1 << len(_RTX_CAPABILITIES)) - 1) & ~(1 << 6)
_VERSION_ITEMS = (b"\x02\x00\x01\x00", b"\x02\x80\x01\x00")


@dataclass
class Section:
    """A section of the container. ``tag`` reads forward: ENGN, WGHT."""

    tag: str
    offset: int
    size: int


@dataclass
class Block:
    """The engine block: where its body of tagged items starts and ends.

    Attributes:
        shape: "A" (6.0 to 7.1), "B" (8.0 to 10.3) or "C" (10.9 and TensorRT-RTX).
        checksum: The CRC-32 in its header, where there is one.
    """

    shape: str
    start: int
    end: int
    checksum: int | None = None


@dataclass
class PlanFile:
    """The outer layout, as far as it could be read.

    Attributes:
        magic: The first four bytes; empty for TensorRT 5 and older.
        version: Four numbers.
        platform_tag: The four bytes after the version, of an ``ftrt`` container.
        size: What the header says the plan's size is.
        capability_mask: Of TensorRT-RTX: the compute capabilities it was built for, a bit each.
        unknown_layout: The container's version, or the block's shape, is none that is known.
    """

    magic: bytes
    version: tuple[int, int, int, int] | None = None
    platform_tag: bytes | None = None
    size: int | None = None
    sections: list[Section] = field(default_factory=list)
    capability_mask: int | None = None
    resident_weights: int | None = None
    block: Block | None = None
    unknown_layout: bool = False
    problems: list[IntegrityProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def capabilities(self) -> tuple[str, ...] | None:
        """Return what the mask names; None where there is no mask, or it names nothing."""
        mask = self.capability_mask
        if not mask:
            return None
        return tuple(cc for bit, cc in enumerate(_RTX_CAPABILITIES) if mask >> bit & 1) or None

    def section(self, tag: str) -> Section | None:
        """Return the first section of that tag."""
        return next((section for section in self.sections if section.tag == tag), None)

    def problem(self, problem: Problem, message: str, offset: int | None = None) -> None:
        """Note what is wrong; the first of many."""
        if len(self.problems) < _MOST_REMARKS:
            self.problems.append(IntegrityProblem(problem=problem, message=message, offset=offset))

    def note(self, text: str) -> None:
        """Note an observation once; the first of many."""
        if text not in self.notes and len(self.notes) < _MOST_REMARKS:
            self.notes.append(text)


def read_container(source: Source) -> PlanFile:
    """Read the outer layout: some hundred bytes, and the body of releases with a checksum."""
    magic = source.read(0, 4)
    plan = PlanFile(magic)
    if magic == PTRT:
        _bare(source, plan)
    else:
        _sectioned(source, plan)
    return plan


def _bare(source: Source, plan: PlanFile) -> None:
    plan.block = find_block(source, 0, source.size)
    if plan.block is None:
        plan.unknown_layout = True
        if source.size < 64:
            plan.problem(Problem.TRUNCATED, f"the file ends after {source.size} bytes")
        return
    plan.size = plan.block.end
    plan.version = block_version(source, plan.block)
    _check_size(source, plan)
    _check_checksum(source, plan, plan.block)


def _sectioned(source: Source, plan: PlanFile) -> None:
    header = 64 if plan.magic == VTRT else 32
    raw = source.read(0, header)
    if len(raw) < header:
        plan.problem(
            Problem.TRUNCATED, f"the file ends after {source.size} bytes, within its header"
        )
        if len(raw) < 28:
            return
    container_version, count, size = struct.unpack_from("<IQQ", raw, 4)
    if container_version:
        plan.unknown_layout = True
        plan.note(f"The container's version is {container_version}; only 0 is known.")
        return
    plan.size = size
    plan.version = (raw[24], raw[25], raw[26], raw[27])
    if len(raw) < header:
        return
    if plan.magic == VTRT:
        plan.capability_mask, plan.resident_weights = (
            struct.unpack_from("<I", raw, 0x20)[0],
            struct.unpack_from("<Q", raw, 0x38)[0],
        )
        if plan.capability_mask & _RTX_UNNAMED:
            plan.note("It names compute capabilities that are newer than known.")
    else:
        plan.platform_tag = raw[28:32]
    _check_size(source, plan)
    _read_sections(source, plan, header, count)
    engine = plan.section("ENGN")
    if engine is None:
        plan.unknown_layout = True
        return
    plan.block = find_block(source, engine.offset, engine.offset + engine.size)
    if plan.block is None:
        plan.unknown_layout = True
        return
    _check_version(source, plan, plan.block)


def _read_sections(source: Source, plan: PlanFile, start: int, count: int) -> None:
    if not 0 < count <= _MOST_SECTIONS:
        plan.problem(Problem.SECTION_RANGE, f"the header names {count} sections", 8)
        return
    raw = source.read(start, count * _SECTION.size)
    for at in range(0, len(raw) - _SECTION.size + 1, _SECTION.size):
        tag, _, offset, size = _SECTION.unpack_from(raw, at)
        name = tag[::-1].decode("ascii", "replace")
        plan.sections.append(Section(name, offset, size))
        if plan.size is not None and (offset > plan.size or size > plan.size - offset):
            plan.problem(
                Problem.SECTION_RANGE,
                f"section {name!r}, {size} bytes from {offset}, ends beyond the {plan.size} bytes",
                start + at,
            )
        if name not in ("ENGN", "WGHT"):
            plan.note(f"It has a section {name!r}, which is not known.")


def plausible_version(plan: PlanFile) -> bool:
    """Whether the version is one that the product has or may come to have."""
    if plan.version is None:
        return False
    least, most = (1, 9) if plan.magic == VTRT else (5, 40)
    return least <= plan.version[0] <= most


def _check_size(source: Source, plan: PlanFile) -> None:
    size = plan.size
    if size is None or not source.complete:
        return
    if size > source.size:
        plan.problem(Problem.TRUNCATED, f"{source.size} of {size} bytes are there", source.size)
        return
    if size < source.size:
        extra = source.size - size
        plan.problem(Problem.TRAILING_BYTES, f"{extra} bytes follow the plan's {size}", size)
    if plan.magic != PTRT and source.read(size - 4, 4) != _END_MARK:
        plan.problem(Problem.END_MARK, "the end mark is missing", size - 4)


def _check_version(source: Source, plan: PlanFile, block: Block) -> None:
    inner = block_version(source, block)
    if inner is not None and inner != plan.version:
        plan.problem(
            Problem.VERSION_MISMATCH,
            f"the header says {dotted(plan.version)}, the engine inside {dotted(inner)}",
            24,
        )


def _check_checksum(source: Source, plan: PlanFile, block: Block) -> None:
    length = block.end - block.start
    if not block.checksum or length > _CHECKSUM_LIMIT or block.end > source.size:
        return
    checksum, position = 0, block.start
    while position < block.end:
        chunk = source.read(position, min(1 << 20, block.end - position))
        if not chunk:
            return
        checksum = zlib.crc32(chunk, checksum)
        position += len(chunk)
    if checksum != block.checksum:
        plan.problem(
            Problem.CHECKSUM,
            f"the checksum is {checksum:08x}, the header says {block.checksum:08x}",
        )


def dotted(version: tuple[int, ...] | None) -> str | None:
    """Return a version as text."""
    return None if version is None else ".".join(map(str, version))


def find_block(source: Source, start: int, end: int) -> Block | None:
    """Find the engine block's shape: its size field fits the room, its body starts as an engine's.

    A file that was cut short has no fitting size; then the shape whose body starts right is taken.
    """
    raw = source.read(start, 64)
    if raw[:4] != PTRT or len(raw) < 40:
        return None
    candidates: list[Block] = []
    for shape, size_at, checksum_at, header in (
        ("A", 12, 20, 24),
        ("B", 16, 12, 24),
        ("C", 8, None, 20),
    ):
        body = raw[header:]
        starts = body[:4] in _VERSION_ITEMS and body[:4] == body[5:9] and body[10:14] == body[:4]
        if not starts:
            continue
        size = struct.unpack_from("<Q", raw, size_at)[0]
        checksum = None if checksum_at is None else struct.unpack_from("<I", raw, checksum_at)[0]
        block = Block(shape, start + header, start + header + size, checksum)
        candidates.append(block)
    if not candidates:
        return None
    # A field of another shape read as a size is far too large: of those that do not fit, the least.
    return min(candidates, key=lambda block: (block.end != end, block.end))


def block_version(source: Source, block: Block) -> tuple[int, int, int, int] | None:
    """Return the four version bytes that every engine's body starts with."""
    raw = source.read(block.start, 20)
    if len(raw) < 20 or any(raw[i : i + 4] not in _VERSION_ITEMS for i in range(0, 20, 5)):
        return None
    return raw[4], raw[9], raw[14], raw[19]
