"""What a file is when it does not start as a plan. The sure tests come first."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

import msgspec

from .kinds import Container, Encoding, PlanSpan, Recognised
from .onnxfile import recognise_onnx
from .source import Source
from .torchfile import recognise_torch

MAGICS = (b"ftrt", b"vtrt", b"ptrt")

_HEAD = 1 << 16
_JSON_LIMIT = 4 << 20
_SCAN_LIMIT = 64 << 20
_LFS = b"version https://git-lfs"
_LFS_SIZE = re.compile(rb"^size (\d{1,20})$", re.MULTILINE)
_CALIBRATION = re.compile(rb"TRT-(\d{3,6})-(\w*Calibration\w*)")
_ARCHIVES = (
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"\xfd7zXZ\x00", "xz", "xz -d"),
    (b"BZh", "bzip2", "bzip2 -d"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
)
_INSIDE = re.compile(rb"[fv]trt\x00\x00\x00\x00[\x01-\x10]\x00{7}")
_BASE64_START = (b"ZnRydA", b"dnRydA", b"cHRydA")
_BASE64_TEXT = re.compile(rb"[A-Za-z0-9+/]*={0,2}")

Recogniser = Callable[[Source, bytes], "Recognised | None"]


def recognise(source: Source) -> Recognised:
    """Say what a file is that has no plan's magic at its start."""
    head = source.read(0, _HEAD)
    for test in _TESTS:
        found = test(source, head)
        if found is not None:
            return found
    return Recognised(
        container=Container.UNKNOWN,
        what="This is not a TensorRT engine, nor any other file that trtdoctor knows.",
        to_do="Check that this is the file that was meant.",
    )


def _empty(source: Source, head: bytes) -> Recognised | None:
    if source.size:
        return None
    return Recognised(
        container=Container.EMPTY,
        what="The file is empty.",
        to_do="Build the engine again; a build that failed, or a full disk, leaves such a file.",
    )


def _lfs(source: Source, head: bytes) -> Recognised | None:
    if not head.startswith(_LFS):
        return None
    size = _LFS_SIZE.search(head[:1024])
    real = f" of {int(size[1])} bytes" if size else ""
    return Recognised(
        container=Container.LFS_POINTER,
        what=f"This is a Git LFS pointer: the real file{real} was not downloaded.",
        to_do="Run `git lfs pull` in the repository.",
    )


def _ultralytics(source: Source, head: bytes) -> Recognised | None:
    length = int.from_bytes(head[:4], "little", signed=True)
    if not 2 <= length <= min(_JSON_LIMIT, source.size - 4) or head[4:5] != b"{":
        return None
    text = source.read(4, length)
    start = source.read(4 + length, 4)
    span = PlanSpan(offset=4 + length, length=source.size - 4 - length)
    if text.count(b"[") + text.count(b"{") > 100_000:
        metadata = None
    else:
        try:
            metadata = msgspec.json.decode(text, type=dict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            metadata = None
    if metadata is None and start not in MAGICS:
        return None
    return Recognised(
        container=Container.ULTRALYTICS,
        what=f"This is an Ultralytics engine: {length} bytes of metadata before the plan.",
        to_do="TensorRT itself loads only the plan: read it with Ultralytics, or extract the plan.",
        plan=span,
        metadata=metadata or {},
        damaged=None if metadata is not None else "its metadata are not valid JSON",
    )


def _compressed(source: Source, head: bytes) -> Recognised | None:
    if head.startswith(b"\x1f\x8b"):
        return Recognised(
            container=Container.GZIP,
            what="This is a gzip file.",
            to_do="Decompress it with `gunzip`.",
            plan=PlanSpan(offset=0, length=source.size, encoding=Encoding.GZIP),
        )
    for magic, name, command in _ARCHIVES:
        if head.startswith(magic):
            return Recognised(
                container=Container.ARCHIVE,
                what=f"This is a file compressed with {name}.",
                to_do=f"Decompress it with `{command}`.",
            )
    return None


def _program(source: Source, head: bytes) -> Recognised | None:
    if not head.startswith(b"\x7fELF") and not (
        head.startswith(b"MZ") and b"PE\0\0" in head[:4096]
    ):
        return None
    return Recognised(
        container=Container.PROGRAM,
        what="This is a program or a library, not a TensorRT engine.",
        to_do="Check that this is the file that was meant.",
    )


def _calibration(source: Source, head: bytes) -> Recognised | None:
    match = _CALIBRATION.match(head)
    if match is None:
        return None
    digits = int(match[1])
    # The number is major, minor and patch: one digit each up to 8.6 (8601), two from 10 on
    # (100300).
    version = (
        f"{digits // 10000}.{digits // 100 % 100}.{digits % 100}"
        if digits >= 10000
        else f"{digits // 1000}.{digits // 100 % 10}.{digits % 100}"
    )
    return Recognised(
        container=Container.CALIBRATION_CACHE,
        what=f"This is an INT8 calibration cache ({match[2].decode()[:64]}) of TensorRT {version}.",
        to_do="Give it to the builder; the plan is the builder's output.",
        metadata={"tensorrt_version": version},
    )


def _zeros(source: Source, head: bytes) -> Recognised | None:
    if head.strip(b"\0") or source.read(source.size // 2, 4096).strip(b"\0"):
        return None
    if source.read(source.size - 4096, 4096).strip(b"\0") and source.size > 4096:
        return None
    return Recognised(
        container=Container.ZEROS,
        what="The file holds nothing but zeros where it was looked at.",
        to_do="Copy it again: an interrupted copy or download leaves such a file.",
    )


def _text(source: Source, head: bytes) -> Recognised | None:
    sample = head[:8192]
    # Colours of a log, and the separators that the inspector of 8.6 leaves raw in its strings.
    if any(byte < 32 and byte not in (9, 10, 12, 13, 27, 30, 31) for byte in sample):
        return None
    if any(b > 126 for b in sample):
        try:
            sample[: sample.rfind(b"\n") + 1 or None].decode("utf-8")
        except UnicodeDecodeError:
            return None
    stripped = sample.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if stripped.startswith((b"<!doctype html", b"<html")):
        return Recognised(
            container=Container.HTML,
            what="This is a web page, not a TensorRT engine.",
            to_do="Download the file itself: such a page often stands for a refused download.",
        )
    if stripped.startswith((b"{", b"[")):
        what = "This is JSON text, not a TensorRT engine."
        if b"qgroundcontrol" in stripped or b'"filetype": "plan"' in stripped:
            what = "This is a flight plan of QGroundControl, not TensorRT's."
        elif b'"layers"' in stripped:
            what = "This is an engine inspector's JSON, not a TensorRT engine."
        return Recognised(
            container=Container.JSON, what=what, to_do="Check that this is the file that was meant."
        )
    if sample.startswith(_BASE64_START):
        return _base64(source, sample)
    what = "This is text, not a TensorRT engine."
    if b"%syntax-version" in stripped and b"%project" in stripped:
        what = "This is a plan of Sqitch (database changes), not TensorRT's."
    return Recognised(
        container=Container.TEXT, what=what, to_do="Check that this is the file that was meant."
    )


def _base64(source: Source, sample: bytes) -> Recognised:
    end = source.size - 8
    length = max(0, end) + len(source.read(max(0, end), 8).rstrip())
    plain = length % 4 == 0 and _BASE64_TEXT.fullmatch(sample.rstrip()) is not None
    return Recognised(
        container=Container.BASE64,
        what="This is a plan written as base64 text.",
        to_do="Decode it with `base64 -d`.",
        plan=PlanSpan(offset=0, length=length, encoding=Encoding.BASE64) if plain else None,
    )


def _wrapped(source: Source, head: bytes) -> Recognised | None:
    position, step = 0, 1 << 20
    end = min(source.size, _SCAN_LIMIT)
    while position < end:
        window = source.read(position, step + 32)
        match = _INSIDE.search(window)
        if match is not None:
            offset = position + match.start()
            size = int.from_bytes(source.read(offset + 16, 8), "little")
            room = source.size - offset
            return Recognised(
                container=Container.WRAPPER,
                what=f"This is not a bare plan: a plan starts {offset} bytes into it.",
                to_do="Extract the plan, or load the file with the program that wrote it.",
                plan=PlanSpan(offset=offset, length=size if 64 <= size <= room else room),
            )
        position += step
    return None


def _opaque(source: Source, head: bytes) -> Recognised | None:
    if len(head) < 4096:
        return None
    total = len(head)
    entropy = -sum(n / total * math.log2(n / total) for n in Counter(head).values())
    if entropy <= 7.9:
        return None
    return Recognised(
        container=Container.OPAQUE,
        what="Its bytes look encrypted or compressed; it is not a bare plan.",
        to_do="Decrypt or decompress it; ONNX Runtime writes encrypted engines on request.",
    )


def _torch(source: Source, head: bytes) -> Recognised | None:
    return recognise_torch(source, head)


def _onnx(source: Source, head: bytes) -> Recognised | None:
    return recognise_onnx(source)


_TESTS: tuple[Recogniser, ...] = (
    _empty,
    _lfs,
    _ultralytics,
    _compressed,
    _torch,
    _program,
    _calibration,
    _onnx,
    _zeros,
    _text,
    _wrapped,
    _opaque,
)
