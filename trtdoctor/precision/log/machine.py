"""The GPU that a build ran on, as its log tells it, and what follows for FP16."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.report import Confidence
from trtdoctor.model.typing import Typing
from trtdoctor.readers.buildlog import Build, Setting

from .witness import Cause, Reason, Witness

_CAPABILITY = re.compile(r"\d{1,2}\.\d")
_LIBRARY = re.compile(r"_sm(\d{1,2})(\d)\.so")


@dataclass(frozen=True, kw_only=True)
class BuiltOn:
    """The GPU of a build, and the line that tells its compute capability.

    ``confidence`` is likely where only the library that the builder loaded for it tells.
    """

    board: str | None
    compute_capability: str
    told: Setting
    confidence: Confidence


def built_on(build: Build) -> BuiltOn | None:
    """The GPU that the log of a build tells; None where it tells none."""
    board = build.setting("Selected Device")
    told = build.setting("Compute Capability")
    if told is not None and _CAPABILITY.fullmatch(told.value):
        return BuiltOn(
            board=board.value if board else None,
            compute_capability=told.value,
            told=told,
            confidence=Confidence.CERTAIN,
        )
    library = build.setting("builder resource")
    found = _LIBRARY.search(library.value) if library is not None else None
    if library is None or found is None:
        return None
    return BuiltOn(
        board=board.value if board else None,
        compute_capability=f"{found.group(1)}.{found.group(2)}",
        told=library,
        confidence=Confidence.LIKELY,
    )


def no_fast_fp16(
    build: Build, witness: Witness, typing: Typing, knowledge: Knowledge
) -> Reason | None:
    """Where the GPU has no fast FP16, that is why a builder which may choose does not choose it.

    Args:
        build: the build.
        witness: makes the evidence.
        typing: who decided precision in that build, by `typing_of_build`.
        knowledge: the tables.
    """
    gpu = built_on(build)
    if gpu is None or typing is not Typing.WEAK:
        return None
    try:
        row = knowledge.compute_capability(gpu.compute_capability)
    except KnowledgeEnds:
        return None
    if row.fast_fp16:
        return None
    words = f"{gpu.told.key}: {gpu.told.value}"
    if gpu.board is not None:
        words += f" ({gpu.board})"
    lacks = f"{row.architecture} of compute capability {row.cc} has no fast FP16: {row.source}"
    return Reason(
        cause=Cause.HARDWARE,
        confidence=gpu.confidence,
        evidence=(witness.at(gpu.told.line, words), witness.at(None, lacks)),
    )
