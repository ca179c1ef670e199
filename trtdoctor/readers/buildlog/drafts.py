"""Half-built facts, mutable while the log is read, and how they become the frozen ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.engine import Layer
from .log_facts import (
    AddedConversion,
    Attempt,
    Autotuning,
    Build,
    BuildSummary,
    Candidate,
    Conversion,
    ConversionSet,
    ConversionSide,
    EngineLayer,
    InnerKernel,
    LostLines,
    NetworkTensor,
    Note,
    OnnxNode,
    Outcome,
    RunnerTiming,
    Setting,
    SkippedTactic,
)
from .text import Combination


@dataclass(slots=True)
class LostDraft:
    """How many lines could not be read, and the first of them."""

    count: int = 0
    first_line: int = 0

    def add(self, line: int) -> None:
        """This line is lost."""
        self.first_line = min(self.first_line, line) if self.count else line
        self.count += 1

    def lost(self) -> LostLines | None:
        """The frozen form; None where nothing is lost."""
        return LostLines(count=self.count, first_line=self.first_line) if self.count else None


class CandidateDraft:
    """A format combination, of a layer or (with one format on each side) of a conversion.

    ``asked`` counts the runners that were asked, the last of them in line ``asked_last``.
    """

    # A log has hundreds of thousands of them, one after the other.
    __slots__ = (
        "asked",
        "asked_last",
        "chosen",
        "formats",
        "inner",
        "line",
        "runners",
        "skipped",
        "timings",
        "without",
    )

    def __init__(self, *, line: int, formats: Combination) -> None:
        self.line = line
        self.formats = formats
        self.timings: list[RunnerTiming] = []
        self.without: list[str] = []
        self.skipped: list[SkippedTactic] = []
        self.inner: list[InnerKernel] = []
        self.asked = 0
        self.asked_last = 0
        self.runners: set[bytes] = set()
        self.chosen = False

    def best(self) -> RunnerTiming | None:
        """The fastest of the runners; the first one where all are ``inf``."""
        if not self.timings:
            return None
        best = self.timings[0]
        for timing in self.timings:
            if timing.time_ms is not None and (
                best.time_ms is None or timing.time_ms < best.time_ms
            ):
                best = timing
        return best

    def _outcome(self, best: RunnerTiming | None, *, ended: bool) -> Outcome:
        if best is not None and best.time_ms is not None:
            return Outcome.TIMED
        if best is not None:
            return Outcome.INFINITE
        if not ended:
            return Outcome.UNFINISHED
        if self.chosen:
            return Outcome.UNTIMED
        return Outcome.NO_TACTICS if self.without or self.asked else Outcome.UNTIMED

    def candidate(self, *, ended: bool) -> Candidate:
        """The frozen form; ``ended`` is false where the log stops inside this candidate."""
        best = self.best()
        return Candidate(
            line=self.line,
            inputs=self.formats[0],
            outputs=self.formats[1],
            outcome=self._outcome(best, ended=ended),
            best=best,
            timings=tuple(self.timings),
            without_tactics=tuple(self.without),
            skipped=tuple(self.skipped),
            inner=tuple(self.inner),
        )

    def conversion(self, *, ended: bool) -> Conversion:
        """The frozen form as a conversion; ``ended`` as above."""
        best = self.best()
        return Conversion(
            line=self.line,
            source=self.formats[0][0],
            target=self.formats[1][0],
            outcome=self._outcome(best, ended=ended),
            time_ms=None if best is None else best.time_ms,
            time_line=None if best is None else best.line,
            cached=best is not None and best.cached,
        )


@dataclass(slots=True)
class BlockDraft:
    """What stands under one ``Computing costs`` or ``Computing reformatting costs``."""

    line: int
    conversions: bool
    layer: str | None = None
    named: bool = False
    side: ConversionSide = ConversionSide.UNNAMED
    tensor: str | None = None
    target: str | None = None
    candidates: list[Candidate] = field(default_factory=list)
    tried: list[Conversion] = field(default_factory=list)
    lost: LostDraft | None = None

    def lose(self, line: int) -> None:
        """This line of the block is lost."""
        self.lost = self.lost or LostDraft()
        self.lost.add(line)


@dataclass
class AttemptDraft:
    """One backend strategy of one profile."""

    line: int
    strategy: int | None
    profile: int
    blocks: list[BlockDraft] = field(default_factory=list)
    added: list[AddedConversion] = field(default_factory=list)
    removed: list[tuple[int, int]] = field(default_factory=list)
    finished: bool = False
    selection_s: float | None = None
    estimate_ms: float | None = None
    verdict_line: int | None = None

    def attempt(self) -> Attempt:
        """The frozen form; removed combinations are given to layers where the counts agree."""
        layers = [block for block in self.blocks if not block.conversions]
        removed: list[tuple[int, int] | None] = [None] * len(layers)
        if len(self.removed) == len(layers):
            removed = list(self.removed)
        return Attempt(
            line=self.line,
            strategy=self.strategy,
            profile=self.profile,
            layers=tuple(
                Autotuning(
                    line=block.line,
                    layer=block.layer,
                    candidates=tuple(block.candidates),
                    removed=count[1] if count else None,
                    removed_line=count[0] if count else None,
                    lost=block.lost.lost() if block.lost else None,
                )
                for block, count in zip(layers, removed, strict=True)
            ),
            conversions=tuple(
                ConversionSet(
                    line=block.line,
                    side=block.side,
                    tensor=block.tensor,
                    target=block.target,
                    layer=block.layer,
                    conversions=tuple(block.tried),
                )
                for block in self.blocks
                if block.conversions and block.tried
            ),
            added=tuple(self.added),
            finished=self.finished,
            selection_s=self.selection_s,
            estimate_ms=self.estimate_ms,
            verdict_line=self.verdict_line,
        )


@dataclass
class BuildDraft:
    """One build of the file."""

    number: int
    first_line: int
    last_line: int = 0
    version: str | None = None
    settings: list[Setting] = field(default_factory=list)
    inputs: list[NetworkTensor] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    nodes: list[OnnxNode] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)
    attempts: list[AttemptDraft] = field(default_factory=list)
    layers: list[EngineLayer] = field(default_factory=list)
    listing: list[Layer] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    lost: LostDraft = field(default_factory=LostDraft)
    chosen_strategy: int | None = None
    strategy: int | None = None
    detected: bool = False
    generated: bool = False
    written: bool = False
    failed: bool = False
    ended: bool = False
    total_s: float | None = None
    total_line: int | None = None

    @property
    def verbose(self) -> bool:
        """Whether any autotuning was printed."""
        return any(attempt.blocks for attempt in self.attempts)

    @property
    def complete(self) -> bool:
        """Whether the log goes on to the engine."""
        if self.failed:
            return False
        return bool(self.layers or self.listing) or (self.generated and not self.verbose)

    @property
    def empty(self) -> bool:
        """Whether nothing of a build was seen yet."""
        told = self.attempts or self.layers or self.inputs
        return not (told or self.detected or self.generated or self.failed)

    def summary(self) -> BuildSummary:
        """The build in short."""
        return BuildSummary(
            number=self.number,
            first_line=self.first_line,
            last_line=self.last_line,
            complete=self.complete,
            verbose=self.verbose,
            layers=len(self.layers) or len(self.listing),
        )

    def _names_costs(self) -> bool | None:
        layers = [b for attempt in self.attempts for b in attempt.blocks if not b.conversions]
        return any(block.named for block in layers) if layers else None

    def build(self) -> Build:
        """The frozen form. Where strategies were compared, the verdict that was printed decides."""
        attempts = tuple(draft.attempt() for draft in self.attempts)
        chosen: dict[int, Attempt] = {}
        for attempt in attempts:
            if self.chosen_strategy is None or attempt.strategy == self.chosen_strategy:
                chosen[attempt.profile] = attempt
        return Build(
            number=self.number,
            first_line=self.first_line,
            last_line=self.last_line,
            complete=self.complete,
            verbose=self.verbose,
            version=self.version,
            names_costs=self._names_costs(),
            settings=tuple(self.settings),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            nodes=tuple(self.nodes),
            parts=tuple(self.parts),
            attempts=attempts,
            chosen=tuple(chosen[profile] for profile in sorted(chosen)),
            layers=tuple(self.layers),
            listing=tuple(self.listing),
            notes=tuple(self.notes),
            lost=self.lost.lost(),
            total_s=self.total_s,
            total_line=self.total_line,
        )
