"""The types of the tables' rows and of the answers made from them; no lookups here."""

from __future__ import annotations

from enum import Enum

import msgspec

from ..model.base import Frozen
from ..model.cause import Cause
from ..model.report import Confidence, Severity
from ..model.typing import Typing
from . import versions

PRECISIONS = ("TF32", "FP32", "FP16", "BF16", "INT8", "FP8", "FP4")
# What a page about a cause tells, in this order: the heading and the field of CauseDoc.
CAUSE_SECTIONS = (
    ("What proves it", "proof"),
    ("What it means for accuracy", "accuracy"),
    ("What it means for speed", "speed"),
    ("What to do", "to_do"),
    ("Often believed, but wrong", "belief"),
)
WORLDS = {
    "weak": "weakly typed builds, where the builder chooses types",
    "strong": "strongly typed builds, where the model's types hold",
    "both": "weakly and strongly typed builds",
}


class Row(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row has. ``source`` is public: a page, a header, a wheel, an issue."""

    source: str
    certainty: Confidence = Confidence.CERTAIN
    note: str | None = None


class ComputeCapability(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One compute capability.

    ``precisions`` says for each of :data:`PRECISIONS` true, false or, where not known, null.
    ``fp16_rate`` is the FP16 arithmetic rate of the ordinary cores, as a multiple of FP32's.
    """

    cc: str
    architecture: str
    examples: tuple[str, ...]
    fast_fp16: bool
    tensor_cores: bool
    precisions: dict[str, bool | None]
    fp16_rate: float | None = None


class Board(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family of boards without tensor cores; others of its compute capability have them."""

    cc: str
    pattern: str
    gpu: str
    examples: tuple[str, ...]


class ArithmeticRates(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many multiply-adds an SM does in a clock, by kind of arithmetic.

    Kinds are named as in the fact ``cuda.arithmetic``. ``fma`` is what the chip does, ``least`` what
    some boards of the compute capability are held to, where that is less. ``mma_sync`` is the share
    of the tensor cores' rate that the instruction ``mma.sync`` reaches, null where that is not known.
    ``board`` is a pattern of names for which alone the row holds.
    """

    cc: str
    fma: dict[str, float]
    least: dict[str, float] = msgspec.field(default_factory=dict)
    mma_sync: float | None = None
    board: str | None = None


class SupportWindow(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which releases of a product support one compute capability.

    ``first`` and ``last`` are releases known to support it, ``absent_through`` and ``gone``
    releases known not to. What lies between a pair is undecided; an open end reaches
    the table's own end.
    """

    product: str
    cc: str
    absent_through: str | None = None
    first: str | None = None
    last: str | None = None
    gone: str | None = None


class Support(Frozen, frozen=True, kw_only=True):
    """Whether one release supports one compute capability; bounds as in the table."""

    product: str
    version: str
    cc: str
    supported: bool
    first: str | None
    last: str | None
    source: str
    certainty: Confidence


class TensorRTCuda(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CUDA of one major version that a range of releases is documented for.

    ``driver_linux`` and ``driver_windows`` are driver floors that the product itself documents;
    null where it refers to CUDA's own.
    """

    product: str
    first: str
    last: str
    cuda_major: int
    cuda_first: str | None = None
    cuda_last: str | None = None
    driver_linux: str | None = None
    driver_windows: str | None = None


class CudaDriver(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CUDA release and its driver.

    ``kind`` is ``floor`` (oldest driver under minor-version compatibility; ``cuda`` is a major
    version) or ``packaged`` (the driver that came with a toolkit; ``cuda`` is ``12.6.3`` for Update
    3). A null version means that none is documented for that platform.
    """

    kind: str
    cuda: str
    linux: str | None = None
    windows: str | None = None


class DriverFloor(Frozen, frozen=True, kw_only=True):
    """The oldest driver that will do. ``rule`` is whose rule it is: ``cuda`` or ``tensorrt``."""

    cuda_major: int
    platform: str
    minimum: str
    rule: str
    source: str
    certainty: Confidence


class PackagedDriver(Frozen, frozen=True, kw_only=True):
    """The driver that came with a CUDA toolkit; null where that toolkit ships none."""

    cuda: str
    platform: str
    version: str | None
    source: str
    certainty: Confidence


class PythonWindow(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Python versions, both included, that releases ``first`` to ``last`` have bindings for."""

    product: str
    first: str
    last: str
    minimum: str
    maximum: str


class RemovedApi(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python API, flag or ``trtexec`` option that a release no longer has."""

    api: str
    kind: str
    removed: str
    added: str | None = None
    deprecated: str | None = None
    replacement: str | None = None


class TypingMode(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides precision in releases ``first`` to ``last`` of a product."""

    product: str
    first: str
    last: str
    typing: Typing


class OnnxOperators(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Operators of ONNX's own domain by the releases of a product whose parser takes them.

    ``first`` is the first release known to, ``absent_through`` the last known not to; what lies
    between them is not known, and without ``first`` no release of the table does.
    """

    product: str
    ops: tuple[str, ...]
    absent_through: str | None = None
    first: str | None = None


class OnnxOpset(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The newest opset that the parser of releases ``first`` to ``last`` is documented for.

    ``onnx`` is the release of ONNX that it is built with, and ``ir`` the IR version of that.
    """

    product: str
    first: str
    last: str
    opset: int
    onnx: str | None = None
    ir: int | None = None


class OperatorSupport(Frozen, frozen=True, kw_only=True):
    """Whether one release takes an operator; ``first`` is the first release known to."""

    op: str
    supported: bool
    first: str | None
    source: str
    certainty: Confidence
    note: str | None = None


class PlanCompatibility(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runtimes load the plans that releases ``first`` to ``last`` built.

    Any plan loads where the first ``parts`` parts of both versions agree. A version-compatible one
    also loads in the runtimes, no older than itself, of the major versions ``loaded_by``, and is
    known not to in those of ``refused_by``; null where these releases build no such plans.
    """

    product: str
    first: str
    last: str
    parts: int
    loaded_by: tuple[int, ...] | None = None
    refused_by: tuple[int, ...] = ()

    def must_agree(self, version: str) -> str:
        """The leading parts of a plan's version that a runtime's must have: ``1.7.1`` of ``1.7.1.116``."""
        return ".".join(version.split(".")[: self.parts])

    def loads_in(self, major: int) -> bool | None:
        """Whether runtimes of a major version load version-compatible plans; null where not known."""
        if major in (self.loaded_by or ()):
            return True
        return False if self.loaded_by is None or major in self.refused_by else None


class HardwareCompatibility(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level of hardware compatibility: ``ampere+`` or ``same-cc``.

    ``first`` is the release that brought it; ``oldest`` the oldest compute capability that it
    spans, null where it spans one alone.
    """

    level: str
    first: str
    oldest: str | None = None

    def spans(self, *capabilities: str) -> bool:
        """Whether one plan of this level serves all of these compute capabilities."""
        if self.oldest is None:
            return len(set(capabilities)) == 1
        oldest = versions.capability(self.oldest)
        return all(versions.capability(cc) >= oldest for cc in capabilities)


class CodeTable(str, Enum):
    """What numbers errors, each in a table of its own."""

    CUDA = "cuda"
    NVML = "nvml"
    TENSORRT = "tensorrt"
    EXIT = "exit"


class ErrorCode(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An error code of CUDA, NVML or TensorRT, or how a process ended.

    ``runtime_name`` is the CUDA runtime's name for it, ``sentence`` what is printed for it, and
    ``checks`` are the ids of the checks that find out about it on a machine.
    """

    code: int
    name: str
    meaning: str
    next_step: str
    runtime_name: str | None = None
    sentence: str | None = None
    checks: tuple[str, ...] = ()


class JetPack(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release of Jetson Linux (L4T), and what the JetPack made of it contains.

    ``python`` is the version that the JetPack's bindings are built for.
    """

    l4t: str
    jetpack: str
    tensorrt: str
    cuda: str
    python: str


class NumpyLimit(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Releases up to ``last`` whose bindings fail with NumPy ``numpy_from`` and newer."""

    product: str
    last: str
    fixed: str
    numpy_from: str
    symptom: str


class NoteKind(str, Enum):
    """What a noteworthy sentence of a build log is about."""

    NON_CONFORMING = "non-conforming"
    NO_CONFORMING = "no-conforming"
    NO_IMPLEMENTATION = "no-implementation"
    DLA_FALLBACK = "dla-fallback"
    HARDWARE = "hardware"
    TYPING = "typing"
    PIN = "pin"
    ERROR = "error"


class LogMessage(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message of TensorRT, CUDA or Python. ``first`` and ``last`` are releases it was seen in.

    ``kind`` and ``phrase`` are given for what a reader of build logs notes: what the sentence is
    about, and a text that every line with it holds. The regex's group ``layer`` is then the layer
    that it names. A ``generic`` message is a frame that many others stand in.

    ``said_by`` prints it, and ``often`` is its most frequent cause. In ``commands``, ``{group}``
    stands for what a named group found. ``checks`` are the ids of the checks that find out about it
    on a machine. A ``follower`` says no more than that something before it failed; ``follows`` are
    ids of messages that cause this one where they stand before it. ``codes`` is the table in which
    the groups ``code``, ``name`` and ``sentence`` are looked up, and ``code`` the code that the
    message always means.
    """

    id: str
    regex: str
    meaning: str
    next_step: str
    severity: Severity
    example: str
    said_by: str
    often: str | None = None
    commands: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    follower: bool = False
    follows: tuple[str, ...] = ()
    codes: CodeTable | None = None
    code: int | None = None
    first: str | None = None
    last: str | None = None
    kind: NoteKind | None = None
    phrase: str | None = None
    generic: bool = False


class LogMatch(Frozen, frozen=True, kw_only=True):
    """Where a message stands in a text: character offsets, and the regex's named groups."""

    message: LogMessage
    start: int
    end: int
    groups: dict[str, str]


class FrameworkRequirement(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TensorRT that releases ``first`` to ``last`` of a framework ask for."""

    framework: str
    first: str
    last: str
    tensorrt: str
    libnvinfer_major: int | None = None
    cuda_major: int | None = None


class ToolOption(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An option of a tool that builds, or a name of its Python API.

    ``product`` is the package whose releases ``first`` and ``gone`` count: ``gone`` is the first
    release without it. ``value`` sketches the value that it takes; ``typing`` is given where it
    works with networks of that typing only.
    """

    product: str
    option: str
    first: str
    meaning: str
    gone: str | None = None
    value: str | None = None
    typing: Typing | None = None


class CauseDoc(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one cause means and what to do about it, in words.

    ``world`` is ``weak`` or ``strong`` where the cause exists in one world of precision only.
    ``belief`` is something often read about it that is wrong, with the correction. ``example`` is
    what a real build shows, and ``example_from`` which.
    """

    cause: Cause
    world: str
    title: str
    proof: str
    accuracy: str
    speed: str
    to_do: str
    belief: str
    example: str
    example_from: str
    references: tuple[str, ...]


class TableInfo(Frozen, frozen=True, kw_only=True):
    """One table as a list shows it; ``rows`` is their number."""

    name: str
    as_of: str
    covers: str
    rows: int
    title: str
