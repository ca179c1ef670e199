"""What a verbose TensorRT build log says, as facts. Judges nothing: causes are found elsewhere.

Every datum carries the number of the line it was read from, starting at 1. Times are in
milliseconds, as the builder prints them.
"""

from __future__ import annotations

from enum import Enum

from ...knowledge import NoteKind
from ...model.base import Frozen
from ...model.engine import Layer
from .strides import Stride


class _Datum(Frozen, frozen=True, kw_only=True, gc=False):
    """One of very many, in no cycle: the garbage collector need not look at them again and again."""


class TensorFormat(_Datum, frozen=True, kw_only=True):
    """A tensor's type and layout, as in ``Half(128,1:8,128,128)``.

    ``strides`` are numbers, or products over extents that only a run knows, and count vectors where
    ``vector`` (the number after the colon) is not 1; ``vector_axis`` is the dimension whose elements
    are packed. ``note`` keeps what the log says beside the parentheses, which makes it another
    format (``long-strided``).
    """

    text: str
    dtype: str
    strides: tuple[Stride, ...] = ()
    vector: int = 1
    vector_axis: int | None = None
    note: str = ""

    @property
    def is_float(self) -> bool:
        """Whether the type is one that FP16 could replace or is."""
        return self.dtype in FLOAT_TYPES

    @property
    def unmarked(self) -> str:
        """The text without its note."""
        return self.text.removesuffix(self.note).rstrip()


FLOAT_TYPES = frozenset({"Float", "Half", "BFloat16", "BF16"})


class LostLines(_Datum, frozen=True, kw_only=True):
    """Lines that the builder prints and that could not be read, or that are missing.

    They may have said anything that a line of their kind says.
    """

    count: int
    first_line: int


class RunnerTiming(_Datum, frozen=True, kw_only=True):
    """The fastest tactic of one runner for one candidate.

    ``time_ms`` is null where the log prints ``inf``; ``tactics`` counts the timed ones that the
    log lists; ``kernel`` is the fastest one's name where printed.
    """

    runner: str
    tactic: str
    time_ms: float | None
    line: int
    tactics: int = 0
    kernel: str | None = None
    cached: bool = False


class SkippedTactic(_Datum, frozen=True, kw_only=True):
    """A tactic that was not timed for want of memory. Sizes are as printed, in bytes."""

    line: int
    tactic: str | None = None
    requested: int | None = None
    available: int | None = None
    text: str = ""


class Outcome(str, Enum):
    """How the timing of a candidate ended.

    ``untimed``: the log prints no time for it (TensorRT 8 took it from the timing cache, it was the
    only candidate, or the builder had no GPU). ``no_tactics``: runners were asked and none had a
    tactic. ``unfinished``: the log ends before the result.
    """

    TIMED = "timed"
    INFINITE = "infinite"
    NO_TACTICS = "no_tactics"
    UNTIMED = "untimed"
    UNFINISHED = "unfinished"


class InnerKernel(_Datum, frozen=True, kw_only=True):
    """The fastest kernel that Myelin timed for one operation inside a fused block."""

    operation: str
    kernel: str
    time_ms: float
    line: int


class Candidate(_Datum, frozen=True, kw_only=True):
    """One autotuning format combination of a layer, with the best time any runner reached."""

    line: int
    inputs: tuple[TensorFormat, ...]
    outputs: tuple[TensorFormat, ...]
    outcome: Outcome
    best: RunnerTiming | None = None
    timings: tuple[RunnerTiming, ...] = ()
    without_tactics: tuple[str, ...] = ()
    skipped: tuple[SkippedTactic, ...] = ()
    inner: tuple[InnerKernel, ...] = ()


class Autotuning(_Datum, frozen=True, kw_only=True):
    """The candidates of one layer. ``layer`` is null where the log never names it (all from cache).

    ``removed`` is the number of combinations that type constraints excluded, and is null where
    the log does not say. ``lost`` are lines of candidates and of their results, null where all of
    them were read.
    """

    line: int
    layer: str | None
    candidates: tuple[Candidate, ...]
    removed: int | None = None
    removed_line: int | None = None
    lost: LostLines | None = None


class Conversion(_Datum, frozen=True, kw_only=True):
    """One conversion (reformat) tried; ``time_ms`` is null where it was not timed or is ``inf``."""

    line: int
    source: TensorFormat
    target: TensorFormat
    outcome: Outcome
    time_ms: float | None = None
    time_line: int | None = None
    cached: bool = False


class ConversionSide(str, Enum):
    """Which end of the tensor is free: out of it to its readers, or into it from its writer."""

    OUT = "out"
    IN = "in"
    BETWEEN = "between"
    UNNAMED = "unnamed"


class ConversionSet(_Datum, frozen=True, kw_only=True):
    """The conversions tried for one tensor.

    ``tensor`` is null where the log names none (all from cache); ``target`` is given for a
    conversion between two named tensors. ``layer`` is given where a layer of the network does
    nothing but convert (a Cast): then the formats are those of its input and its output.
    """

    line: int
    side: ConversionSide
    tensor: str | None
    target: str | None = None
    layer: str | None = None
    conversions: tuple[Conversion, ...]


class AddedConversion(_Datum, frozen=True, kw_only=True):
    """A conversion in the chosen plan, from an ``Adding reformat layer`` line."""

    line: int
    name: str
    tensor: str
    source: TensorFormat
    target: TensorFormat


class EngineTensor(_Datum, frozen=True, kw_only=True):
    """A tensor of a ``Layer(...)`` line; a negative extent is dynamic, a layout not printed."""

    name: str
    dtype: str
    dims: tuple[int, ...]
    vector: int = 1
    vector_axis: int | None = None


class EngineLayer(_Datum, frozen=True, kw_only=True):
    """One ``Layer(...)`` line of the chosen engine."""

    line: int
    type: str
    name: str
    tactic: str
    inputs: tuple[EngineTensor, ...]
    outputs: tuple[EngineTensor, ...]


class Note(_Datum, frozen=True, kw_only=True):
    """One sentence of the log; ``subject`` is the layer it names, where it names one."""

    kind: NoteKind
    line: int
    text: str
    subject: str | None = None


class Setting(_Datum, frozen=True, kw_only=True):
    """One line of the banner that trtexec or Polygraphy prints, as key and value."""

    key: str
    value: str
    line: int


class NetworkTensor(_Datum, frozen=True, kw_only=True):
    """A network input as the ONNX parser announces it, with its ONNX type and extents."""

    name: str
    dtype: str
    dims: tuple[int, ...]
    line: int


class OnnxNode(_Datum, frozen=True, kw_only=True):
    """A node that the ONNX parser read."""

    name: str
    op: str
    line: int


class Attempt(Frozen, frozen=True, kw_only=True):
    """One choice of formats: one backend strategy (10.x tries several) of one optimisation profile.

    ``estimate_ms`` is the builder's own estimate, ``verdict_line`` where it is printed.
    """

    line: int
    strategy: int | None
    profile: int
    layers: tuple[Autotuning, ...]
    conversions: tuple[ConversionSet, ...]
    added: tuple[AddedConversion, ...]
    finished: bool
    selection_s: float | None = None
    estimate_ms: float | None = None
    verdict_line: int | None = None


class BuildSummary(_Datum, frozen=True, kw_only=True):
    """One build of the file, by number from 1."""

    number: int
    first_line: int
    last_line: int
    complete: bool
    verbose: bool
    layers: int


class Build(Frozen, frozen=True, kw_only=True):
    """Everything the log says of one build.

    ``chosen`` are the attempts that made the engine, one for each optimisation profile.
    ``complete`` means that the log goes on to the engine; ``verbose`` that autotuning is in it.
    ``names_costs`` tells whether autotuning is announced with the layer's name, as 9 and later do,
    or without, as 8 does; null where there is none. ``lost`` are all lines of candidates, conversions,
    results and layers that could not be read, null where there is none. ``parts`` are pairs of a
    tensor and the concatenation's tensor that its layer writes into instead. ``listing`` are the
    engine's layers in the inspector's own text, where no ``Layer(...)`` lines are.
    """

    number: int
    first_line: int
    last_line: int
    complete: bool
    verbose: bool
    version: str | None = None
    names_costs: bool | None = None
    settings: tuple[Setting, ...] = ()
    inputs: tuple[NetworkTensor, ...] = ()
    outputs: tuple[str, ...] = ()
    nodes: tuple[OnnxNode, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    attempts: tuple[Attempt, ...] = ()
    chosen: tuple[Attempt, ...] = ()
    layers: tuple[EngineLayer, ...] = ()
    listing: tuple[Layer, ...] = ()
    notes: tuple[Note, ...] = ()
    lost: LostLines | None = None
    total_s: float | None = None
    total_line: int | None = None

    def noted(self, *kinds: NoteKind) -> tuple[Note, ...]:
        """The notes of these kinds, in the order of the log."""
        return tuple(note for note in self.notes if note.kind in kinds)

    def setting(self, key: str) -> Setting | None:
        """The banner's line of this key, the last one where it is repeated."""
        wanted = key.casefold()
        return next((s for s in reversed(self.settings) if s.key.casefold() == wanted), None)


class BuildLog(Frozen, frozen=True, kw_only=True):
    """All builds of a file in short, and one in full.

    ``size`` is in bytes, unpacked; ``unparsed`` counts damaged lines; ``damaged`` says why a gzip file
    could not be unpacked to its end, ``stopped`` why a file was not read to its end.
    """

    lines: int
    size: int
    unparsed: int
    damaged: str | None = None
    stopped: str | None = None
    builds: tuple[BuildSummary, ...]
    build: Build
