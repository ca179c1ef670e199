"""What a plan says of itself: its `EngineIdentity`, from header, device record and stream.

Reads headers and not the file: weights are stepped over, and a walk that grows long is left for a
look at the stream's tail, where profiles and verbosity are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ...model.engine import EngineIdentity, IOTensor, ShapeRange
from ...model.finding import Confidence
from ..files.source import Source
from .container import VTRT, Block, PlanFile, dotted, plausible_version
from .datatypes import TENSORRT_TYPES, plain_shape
from .device import Device, read_device
from .myelin import read_flags
from .result import Problem
from .scan import EngineScan, TensorRecord, Triple
from .stream import TaggedStream

HEAD_ITEMS = 20_000
"""Items walked for the identity before the tail is looked at instead."""

_TAIL = 1 << 20
_CERTAIN, _LIKELY, _POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
_LAST_KNOWN = (10, 9)
_LAST_KNOWN_RTX = (1, 7)
_SEEN = frozenset(
    ((6, 0), (7, 0), (7, 1), (8, 0), (8, 2), (8, 5), (8, 6), (10, 0), (10, 1), (10, 3), (10, 9))
)
_SEEN_RTX = frozenset(((1, 4), (1, 5), (1, 6), (1, 7)))
_MANGLED = (Problem.TEXT_MODE, Problem.SAVED_AS_TEXT)
_STRUCTURAL = (Problem.TRUNCATED, Problem.SECTION_RANGE)
_DOCUMENTED = frozenset(("product", "tensorrt_version"))
_JETSON = ("5.3", "6.2", "7.2", "8.7")
_VERBOSITY = {0: "names", 1: "none", 2: "detailed"}
_COMPATIBILITY = {0: "none", 1: "ampere+", 2: "same-cc"}
_PLATFORMS = {b"rtrt": "linux-x86_64", b"utrt": "linux-aarch64"}
_PROFILE_SUFFIX = re.compile(r" \[profile [1-9]\d{0,5}\]$")
_PROFILE_TABLE = re.compile(
    rb"\x01\x80..\x01\x00[^\0].{7}\x01\x80..\x01\x00[^\0].{7}"
    rb"\x01\x80..\x01\x00\x03\x00\x00\x00\x00\x00\x00\x00\x07\x80",
    re.DOTALL,
)
_VERBOSITY_ARRAYS = re.compile(
    rb"\x01\x80\x07\x80\x01\x00\x02\x00{7}.{8}\x01\x80\x07\x80\x01\x00\x01\x00{7}.{4}", re.DOTALL
)


@dataclass
class _Draft:
    """An identity in the making: each value with how sure it is."""

    values: dict[str, Any] = field(default_factory=dict)
    confidence: dict[str, Confidence] = field(default_factory=dict)

    def tell(self, name: str, value: Any, confidence: Confidence) -> None:
        if value is not None:
            self.values[name] = value
            self.confidence[name] = confidence


def plan_identity(source: Source, plan: PlanFile) -> tuple[EngineIdentity, bool]:
    """Return what a plan says of itself, and whether it is newer than known."""
    draft = _Draft()
    rtx = plan.magic == VTRT
    draft.tell("product", "tensorrt-rtx" if rtx else "tensorrt", _CERTAIN)
    if any(problem.problem in _MANGLED for problem in plan.problems):
        return EngineIdentity(container="plan", confidence=draft.confidence, **draft.values), False
    if plan.version is not None and not plausible_version(plan):
        plan.problem(Problem.IMPLAUSIBLE_VERSION, f"its version reads {dotted(plan.version)}")
        return EngineIdentity(container="plan", confidence=draft.confidence, **draft.values), False
    doubted = any(problem.problem is Problem.VERSION_MISMATCH for problem in plan.problems)
    draft.tell("tensorrt_version", dotted(plan.version), _POSSIBLE if doubted else _CERTAIN)
    draft.tell("compute_capabilities", plan.capabilities(), _LIKELY)
    if plan.platform_tag is not None:
        platform = _PLATFORMS.get(plan.platform_tag)
        draft.tell("platform", platform, _LIKELY)
        if platform is None and any(plan.platform_tag):
            plan.note(f"Its platform tag {plan.platform_tag!r} is not known.")
    if rtx and plan.resident_weights is not None:
        draft.tell("weight_streaming", _streams_weights(plan), _LIKELY)
    weights = plan.section("WGHT")
    if weights is not None:
        draft.tell("weights_bytes", weights.size, _LIKELY)
    sound = not any(problem.problem in _STRUCTURAL for problem in plan.problems)
    newer = (plan.unknown_layout and sound) or _is_newer(plan)
    if plan.block is not None:
        newer = _from_stream(source, plan, plan.block, draft, newer)
    if newer:
        for name in draft.confidence.keys() - _DOCUMENTED:
            draft.confidence[name] = _POSSIBLE
    return EngineIdentity(container="plan", confidence=draft.confidence, **draft.values), newer


def _is_newer(plan: PlanFile) -> bool:
    if plan.version is None:
        return False
    return plan.version[:2] > (_LAST_KNOWN_RTX if plan.magic == VTRT else _LAST_KNOWN)


def _streams_weights(plan: PlanFile) -> bool | None:
    weights = plan.section("WGHT")
    if weights is None or not weights.size:
        return None
    return plan.resident_weights == 0


def _from_stream(source: Source, plan: PlanFile, block: Block, draft: _Draft, newer: bool) -> bool:
    stream = TaggedStream(source, block.start, block.end, limit=HEAD_ITEMS)
    scan = EngineScan(stream).run()
    truncated = any(p.problem is Problem.TRUNCATED for p in plan.problems) or not source.complete
    whole = stream.complete and not truncated
    if not whole and not stream.exhausted and not truncated:
        seen = (plan.version or (0, 0))[:2] in (_SEEN_RTX if plan.magic == VTRT else _SEEN)
        if seen:
            message = f"its stream cannot be followed beyond byte {stream.stopped_at}"
            plan.problem(Problem.DAMAGED, message, stream.stopped_at)
        else:
            plan.note("Its stream has a layout that is not known.")
            newer = True
    if newer and not whole:
        return True
    inner = _Draft()
    device, level = read_device(scan.head)
    _tell_device(plan, inner, device, level)
    _tell_flags(plan, inner, scan)
    tail = _tail_scan(source, block) if stream.exhausted else scan
    # The layers follow the table of tensors: without any, the table may be cut off in its middle.
    if whole or scan.layers:
        _tell_io(inner, scan.tensors, tail.profiles, whole=whole)
    verbosity = tail.verbosity if whole or stream.exhausted else None
    inner.tell(
        "profiling_verbosity", _VERBOSITY.get(-1 if verbosity is None else verbosity), _LIKELY
    )
    _tell_weights(plan, inner, scan)
    _tell_myelin(source, inner, scan)
    for name, value in inner.values.items():
        if name not in draft.values:
            draft.tell(name, value, inner.confidence[name])
    return newer


def _tell_device(plan: PlanFile, draft: _Draft, device: Device | None, level: int | None) -> None:
    if plan.magic == VTRT:
        # Its record is not of a machine: engines are built without a GPU, for the mask's
        # capabilities.
        return
    version = plan.version or (0, 0, 0, 0)
    if level is not None and version >= (8, 6, 0, 0):
        sure = _LIKELY if version[:2] == (8, 6) else _POSSIBLE
        draft.tell("hardware_compatibility", _COMPATIBILITY.get(level), sure)
    if device is None:
        return
    draft.tell("compute_capabilities", (device.compute_capability,), _CERTAIN)
    draft.tell("built_on", device.facts(), _LIKELY)
    if version[0] < 10 and device.integrated and device.compute_capability in _JETSON:
        draft.tell("platform", "linux-aarch64", _LIKELY)


def _tell_flags(plan: PlanFile, draft: _Draft, scan: EngineScan) -> None:
    flags = scan.flags
    if flags is None:
        return
    version = plan.version or (0, 0, 0, 0)
    if flags.opened:
        rtx = plan.magic == VTRT
        draft.tell("refittable", flags.number != 0, _LIKELY if rtx else _POSSIBLE)
        if len(flags.booleans) > 2 and not rtx:
            draft.tell("weight_streaming", flags.booleans[2], _POSSIBLE)
        return
    draft.tell("max_batch_size", flags.number if flags.number > 0 else None, _LIKELY)
    draft.tell("implicit_batch", flags.booleans[0], _LIKELY)
    if len(flags.booleans) == 5 and version[:2] in ((8, 5), (8, 6)):
        draft.tell("refittable", flags.booleans[1], _LIKELY)
        sure = _LIKELY if version[:2] == (8, 6) else _POSSIBLE
        draft.tell("tf32_allowed", flags.booleans[3], sure)
        draft.tell("sparse_weights", flags.booleans[4], sure)


def _tell_io(
    draft: _Draft,
    tensors: list[TensorRecord],
    profiles: list[list[Triple | None]] | None,
    *,
    whole: bool,
) -> None:
    bound = sorted(
        (t for t in tensors if t.external and t.binding is not None and t.shape is not None),
        key=lambda tensor: tensor.binding or 0,
    )
    # Each further profile repeats the bindings under another name.
    first = [tensor for tensor in bound if not _PROFILE_SUFFIX.search(tensor.name)]
    if not first:
        return
    io = tuple(
        IOTensor(
            name=tensor.name,
            mode="output" if tensor.output else "input",
            dtype=TENSORRT_TYPES.get(tensor.dtype, "unknown"),
            shape=plain_shape(tensor.shape or ()),
        )
        for tensor in first
    )
    draft.tell("io", io, _LIKELY)
    if profiles is not None:
        if all(len(profile) == len(first) for profile in profiles):
            draft.tell("profiles", tuple(_profile(first, p) for p in profiles), _LIKELY)
    elif whole and not any(extent < 0 for tensor in first for extent in tensor.shape or ()):
        draft.tell("profiles", (), _LIKELY)


def _profile(tensors: list[TensorRecord], shapes: list[Triple | None]) -> dict[str, ShapeRange]:
    return {
        tensor.name: ShapeRange(min=triple[0], opt=triple[1], max=triple[2])
        for tensor, triple in zip(tensors, shapes, strict=True)
        if triple is not None
    }


def _tell_weights(plan: PlanFile, draft: _Draft, scan: EngineScan) -> None:
    version = plan.version or (0, 0, 0, 0)
    if plan.section("WGHT") is None and (8, 0) <= version[:2] <= (10, 3) and scan.weights:
        draft.tell("weights_bytes", int(scan.weights.value), _LIKELY)


def _tell_myelin(source: Source, draft: _Draft, scan: EngineScan) -> None:
    for part in scan.myelin[:64]:
        found = read_flags(source, part.offset, part.length)
        if found is None:
            continue
        version, flags = found
        draft.tell("myelin_version", version, _LIKELY)
        # Only a fused part tells; version compatibility without one leaves no byte.
        if flags.get("version_compatible") in ("0", "1"):
            draft.tell("version_compatible", flags["version_compatible"] == "1", _LIKELY)
        return


def _tail_scan(source: Source, block: Block) -> EngineScan:
    """Scan the end of a long stream, from the profiles or the verbosity on."""
    end = min(block.end, source.size)
    start = max(block.start, end - _TAIL)
    raw = source.read(start, end - start)
    best = EngineScan(TaggedStream(source, end, end, limit=0))
    for pattern in (_PROFILE_TABLE, _VERBOSITY_ARRAYS):
        for match in list(pattern.finditer(raw))[-8:]:
            stream = TaggedStream(source, start + match.start(), end, limit=HEAD_ITEMS)
            scan = EngineScan(stream).run()
            if stream.complete and scan.verbosity is not None:
                return scan
    return best
