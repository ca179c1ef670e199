"""What a file is, and the plan in it: kind, layout, integrity and identity in one answer."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ...model.engine import EngineIdentity
from ...model.finding import Confidence
from ..files.kinds import Container, Encoding, PlanSpan, Recognised
from ..files.recognise import recognise
from ..files.source import (
    GZIP_HEAD,
    Base64Source,
    BytesSource,
    Source,
    SpanSource,
    inflate_head,
    open_source,
)
from .container import MAGICS, PTRT, VTRT, PlanFile, dotted, read_container
from .engine_header import plan_identity
from .legacy import read_legacy
from .result import FileIdentity, IntegrityProblem, Problem

_HEAD = 1 << 16
_UTF8_HEAD = 8 << 20
_REPLACEMENT = b"\xef\xbf\xbd"
_MANY_REPLACEMENTS = 50
_MANY_LINES = 4
_CHUNK = 1 << 20
_MOST_NESTING = 3


def identify(source: Path | BinaryIO | bytes | Source) -> FileIdentity:
    """Say what a file is and, where a plan is in it, what the plan says of itself.

    Reads headers and not the file. Never raises on content: what is damaged or unknown is told in
    the result.

    Raises:
        OSError: The file cannot be opened or read, or is no regular file.
    """
    with open_source(source) as opened:
        return _identify(opened)


def extract(source: Path | BinaryIO | bytes | Source, span: PlanSpan) -> Iterator[bytes]:
    """Yield the bare plan's bytes, chunk by chunk.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file does not hold at ``span`` what `identify` found there.
    """
    with open_source(source) as opened:
        part: Source = SpanSource(opened, span.offset, span.length)
        if span.encoding is Encoding.GZIP:
            yield from _inflate(part)
            return
        if span.encoding is Encoding.BASE64:
            part = Base64Source(part)
        decoder = codecs.getincrementaldecoder("utf-8")()
        position = 0
        while position < part.size:
            chunk = part.read(position, 3 * _CHUNK)
            if not chunk:
                raise ValueError(f"the plan cannot be read beyond {position} bytes")
            position += len(chunk)
            if span.encoding is Encoding.UTF8:
                chunk = decoder.decode(chunk, position >= part.size).encode("latin-1")
            yield chunk


def open_plan(source: Source, span: PlanSpan) -> Source | None:
    """Return the plan inside a file as a source of its own; of a compressed one the head alone."""
    part = SpanSource(source, span.offset, span.length)
    if span.encoding is Encoding.GZIP:
        return inflate_head(part)
    if span.encoding is Encoding.BASE64:
        return Base64Source(part)
    if span.encoding is Encoding.UTF8:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(part.read(0, _UTF8_HEAD), final=False)
        data = text.encode("latin-1", "replace")
        return BytesSource(data, complete=part.size <= _UTF8_HEAD)
    return part


def _identify(source: Source) -> FileIdentity:
    magic = source.read(0, 4)
    if magic in MAGICS:
        return _plan(source, magic)
    legacy = read_legacy(source)
    if legacy is not None:
        return _legacy(source, *legacy)
    return _wrapped(source, recognise(source))


def _plan(source: Source, magic: bytes) -> FileIdentity:
    plan = read_container(source)
    if magic == PTRT and plan.block is None and _is_timing_cache(source):
        return FileIdentity(
            container=Container.TIMING_CACHE,
            size=source.size,
            what="This is a timing cache, not a TensorRT engine.",
            to_do="Give it to the builder; the plan is the builder's output.",
        )
    _check_text(source, plan)
    engine, newer = plan_identity(source, plan)
    return FileIdentity(
        container=Container.PLAN,
        size=source.size,
        what=_describe(magic, engine, plan, newer),
        to_do=_advise(plan, newer),
        engine=engine,
        plan=PlanSpan(offset=0, length=min(plan.size or source.size, source.size)),
        problems=tuple(plan.problems),
        newer_than_known=newer,
        notes=tuple(plan.notes),
    )


def _describe(magic: bytes, engine: EngineIdentity, plan: PlanFile, newer: bool) -> str:
    product = "TensorRT-RTX" if magic == VTRT else "TensorRT"
    version = f" {engine.tensorrt_version}" if engine.tensorrt_version else ""
    text = f"This is a plan of {product}{version}"
    if newer:
        text += ", newer than known"
    if plan.problems:
        text += "; " + "; ".join(problem.message for problem in plan.problems[:3])
    return text + "."


_ADVICE = {
    Problem.TEXT_MODE: "Copy it again in binary mode: every line feed became two bytes.",
    Problem.SAVED_AS_TEXT: "Copy it again in binary mode: it was read and written as text.",
    Problem.TRUNCATED: "Copy it again, or build it again.",
    Problem.TRAILING_BYTES: "Cut it to the plan's own size, or copy it again.",
}


def _advise(plan: PlanFile, newer: bool) -> str | None:
    found = {problem.problem for problem in plan.problems}
    for problem, advice in _ADVICE.items():
        if problem in found:
            return advice
    if found:
        return "This is damaged: copy it again, or build it again."
    if newer:
        return "Only what the documented header says is told; a newer trtdoctor may know more."
    return None


def _check_text(source: Source, plan: PlanFile) -> None:
    """Tell a copy that was mangled as text, whose numbers then mean nothing."""
    head = source.read(0, _HEAD)
    if head.count(_REPLACEMENT) > _MANY_REPLACEMENTS:
        plan.problems.clear()
        plan.problem(Problem.SAVED_AS_TEXT, "its bytes were replaced by U+FFFD, as in text")
    lines = head.count(b"\n")
    if lines >= _MANY_LINES and head.count(b"\r\n") == lines:
        plan.problems.clear()
        plan.problem(Problem.TEXT_MODE, "each line feed has a carriage return before it")


def _is_timing_cache(source: Source) -> bool:
    head = source.read(0, 64)
    for body in (24, 20):
        count = int.from_bytes(head[body + 4 : body + 12], "little")
        if count == 16 and int.from_bytes(head[body + 18 : body + 26], "little") == 16:
            return True
    return False


def _legacy(
    source: Source, version: tuple[int, int, int, int], device: dict[str, str]
) -> FileIdentity:
    capability = device.get("compute_capability")
    confidence = {"product": Confidence.LIKELY, "tensorrt_version": Confidence.LIKELY}
    if capability:
        confidence["compute_capabilities"] = Confidence.POSSIBLE
    if device:
        confidence["built_on"] = Confidence.POSSIBLE
    engine = EngineIdentity(
        container=Container.PLAN.value,
        product="tensorrt",
        tensorrt_version=dotted(version),
        compute_capabilities=(capability,) if capability else None,
        built_on=dict(device) or None,
        confidence=confidence,
    )
    return FileIdentity(
        container=Container.PLAN,
        size=source.size,
        what=f"This is a plan of TensorRT {dotted(version)}.",
        engine=engine,
        plan=PlanSpan(offset=0, length=source.size),
    )


def _wrapped(source: Source, found: Recognised, depth: int = 1) -> FileIdentity:
    """Look into what holds a plan; what is inside may be a wrapper again."""
    problems: tuple[IntegrityProblem, ...] = ()
    if found.damaged:
        problems = (IntegrityProblem(problem=Problem.DAMAGED, message=found.damaged),)
    inner = open_plan(source, found.plan) if found.plan is not None else None
    if inner is None or found.plan is None:
        return FileIdentity(
            container=found.container,
            size=source.size,
            what=found.what,
            to_do=found.to_do,
            problems=problems,
        )
    if found.plan.encoding is Encoding.GZIP and not inner.complete and inner.size < GZIP_HEAD:
        message = "the compressed data are cut short or damaged"
        problems += (IntegrityProblem(problem=Problem.TRUNCATED, message=message),)
    inside = _inside(inner, depth)
    engine = inside.engine
    if engine is not None:
        metadata = {**engine.metadata, **found.metadata}
        engine = msgspec.structs.replace(engine, container=found.container.value, metadata=metadata)
    return FileIdentity(
        container=found.container,
        size=source.size,
        what=f"{found.what} Inside: {inside.what[0].lower()}{inside.what[1:]}",
        to_do=found.to_do,
        engine=engine,
        plan=_span(found.plan, inside.plan) if engine is not None else None,
        problems=problems + inside.problems,
        newer_than_known=inside.newer_than_known,
        notes=inside.notes,
    )


def _inside(source: Source, depth: int) -> FileIdentity:
    magic = source.read(0, 4)
    if magic in MAGICS:
        return _plan(source, magic)
    found = recognise(source)
    if depth >= _MOST_NESTING:
        found = msgspec.structs.replace(found, plan=None)
    return _wrapped(source, found, depth + 1)


def _span(outer: PlanSpan, inner: PlanSpan | None) -> PlanSpan | None:
    """Return where in the whole file the inner plan lies; None where that takes two steps."""
    if inner is None:
        return None
    if outer.encoding is Encoding.RAW:
        return msgspec.structs.replace(inner, offset=outer.offset + inner.offset)
    whole = inner.encoding is Encoding.RAW and inner.offset == 0
    return outer if whole else None


def _inflate(source: Source) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)
    position = 0
    try:
        while not inflater.eof:
            chunk = inflater.unconsumed_tail
            if not chunk:
                chunk = source.read(position, 1 << 16)
                if not chunk:
                    raise ValueError("the compressed plan is cut short")
                position += len(chunk)
            yield inflater.decompress(chunk, _CHUNK)
    except zlib.error as error:
        raise ValueError("the compressed plan is damaged") from error
