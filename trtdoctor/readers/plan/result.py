"""What the plan reader says of a file."""

from __future__ import annotations

from enum import Enum

from ...model.base import Frozen
from ...model.engine import EngineIdentity, Layer
from ..files.kinds import Container, PlanSpan


class Problem(str, Enum):
    """What is wrong with a file."""

    TRUNCATED = "truncated"
    TRAILING_BYTES = "trailing-bytes"
    TEXT_MODE = "text-mode"
    SAVED_AS_TEXT = "saved-as-text"
    SECTION_RANGE = "section-range"
    CHECKSUM = "checksum"
    END_MARK = "end-mark"
    VERSION_MISMATCH = "version-mismatch"
    IMPLAUSIBLE_VERSION = "implausible-version"
    DAMAGED = "damaged"

    @property
    def unsound(self) -> bool:
        """Whether a file with this problem cannot be inspected soundly: bytes are lost or changed."""
        return self in _UNSOUND


_UNSOUND = frozenset(
    {
        Problem.TRUNCATED,
        Problem.TEXT_MODE,
        Problem.SAVED_AS_TEXT,
        Problem.SECTION_RANGE,
        Problem.DAMAGED,
    }
)


class IntegrityProblem(Frozen, frozen=True, kw_only=True):
    """One thing wrong with a file. ``offset`` is in bytes from the start of the plan."""

    problem: Problem
    message: str
    offset: int | None = None


class FileIdentity(Frozen, frozen=True, kw_only=True):
    """What a file is.

    Attributes:
        container: The kind of file.
        size: In bytes.
        what: One sentence: what the file is.
        to_do: One sentence: what to do, where it is no bare and sound plan.
        engine: What the plan in it says of itself; None where there is none.
        plan: Where the plan lies; None where there is none.
        problems: What is wrong with it.
        newer_than_known: The plan has a layout, or comes from a version, that no file known to the
            reader has. What is told then comes from the documented header alone, or is marked
            ``possible``.
        notes: Further observations.
    """

    container: Container
    size: int
    what: str
    to_do: str | None = None
    engine: EngineIdentity | None = None
    plan: PlanSpan | None = None
    problems: tuple[IntegrityProblem, ...] = ()
    newer_than_known: bool = False
    notes: tuple[str, ...] = ()


class FusedBlock(Frozen, frozen=True, kw_only=True):
    """A part of the engine that Myelin fused: the operations inside it.

    Attributes:
        name: The name of the layer that stands for it.
        compiler: The version of the Myelin compiler.
        layers: What it executes, in order.
    """

    name: str
    compiler: str
    layers: tuple[Layer, ...]


class StaticLayers(Frozen, frozen=True, kw_only=True):
    """The layers that a plan's own bytes tell of, without a GPU and without TensorRT.

    Attributes:
        layers: In the order of execution, named as the engine inspector of that version names them:
            from TensorRT 10 on a fused block's operations stand in its place, up to 8.6 the block
            is one layer.
        blocks: The fused blocks, opened.
        complete: Whether the file was read to its end. False where it is damaged, newer than known,
            or too large.
        reason: Why there are no layers, or not all of them.
    """

    layers: tuple[Layer, ...] = ()
    blocks: tuple[FusedBlock, ...] = ()
    complete: bool = False
    reason: str | None = None
