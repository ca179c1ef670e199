"""How an engine was built, and how fast it ran where it was built."""

from __future__ import annotations

from .base import Frozen, PathText
from .engine_shapes import ShapeRange


class Spread(Frozen, frozen=True, kw_only=True):
    """A time measured several times, in milliseconds.

    ``low`` and ``high`` are the interval that holds the true median 19 times of 20, by the order of
    the samples alone; ``samples`` is how many there were.
    """

    median: float
    low: float
    high: float
    samples: int


class Measurement(Frozen, frozen=True, kw_only=True):
    """How long one inference takes, by several clocks; what could not be measured is null.

    Attributes:
        gpu: The GPU's name.
        compute_capability: Its compute capability, ``9.0``.
        through: What called CUDA: ``cuda-bindings``, ``pycuda`` or ``ctypes``.
        shapes: The extents of each network input.
        warm_up: Inferences before the first that counts.
        repeats: Inferences in each sample.
        wall_ms: Wall time of an inference, many enqueued one behind the other.
        events_ms: The same between two CUDA events.
        single_ms: Wall time of one inference from the enqueue until the GPU is done.
        graph_ms: Wall time of an inference, replayed as a CUDA graph.
        graph_refused: Why there is no such time.
        h2d_ms: Copying all inputs to the GPU, from page-locked memory.
        d2h_ms: Copying all outputs back.
        latency_ms: Copying in, computing and copying out of one inference, added up.
        kernels_ms: The sum of the layers' own times in a profile.
        launch_bound: Whether starting kernels, not running them, takes most of what is measured.
        sm_mhz: The SM clock, before and after; ``sm_mhz_most`` the highest it can have.
        throttled: Why the clocks were held down, in NVML's words.
        other_processes: How many other processes computed on the GPU.
        notes: What else bears on the numbers, a sentence each.
    """

    gpu: str | None = None
    compute_capability: str | None = None
    through: str | None = None
    shapes: dict[str, tuple[int, ...]] = {}
    warm_up: int = 0
    repeats: int = 0
    wall_ms: Spread | None = None
    events_ms: Spread | None = None
    single_ms: Spread | None = None
    graph_ms: Spread | None = None
    graph_refused: str | None = None
    h2d_ms: Spread | None = None
    d2h_ms: Spread | None = None
    latency_ms: Spread | None = None
    kernels_ms: float | None = None
    launch_bound: bool | None = None
    sm_mhz: tuple[int, int] | None = None
    sm_mhz_most: int | None = None
    throttled: tuple[str, ...] = ()
    other_processes: int | None = None
    notes: tuple[str, ...] = ()


class FileHash(Frozen, frozen=True, kw_only=True):
    """A file that a build read or wrote. ``size`` is in bytes, ``sha256`` of its whole content."""

    path: PathText
    size: int
    sha256: str


class BuildSettings(Frozen, frozen=True, kw_only=True):
    """What else was set, by TensorRT's names; null is TensorRT's own default.

    ``timing_cache`` is the file that timings were read from and kept in.
    """

    tf32: bool | None = None
    workspace_bytes: int | None = None
    avg_timing_iterations: int | None = None
    builder_optimization_level: int | None = None
    hardware_compatibility_level: str | None = None
    compute_capabilities: tuple[str, ...] | None = None
    tactic_sources: tuple[str, ...] | None = None
    timing_cache: PathText | None = None


class BuildRecord(Frozen, frozen=True, kw_only=True):
    """How an engine was built: enough to build it again and to tell whether it still is that one.

    Attributes:
        model: The ONNX model that TensorRT read; its external weights are not in the hash.
        given: The model that it was converted from; null where it was built as it was given.
        engine: The engine that came out.
        product: ``tensorrt`` or ``tensorrt-rtx``.
        version: Its version.
        through: ``python`` or ``trtexec``.
        program: The interpreter or the trtexec.
        command: The words of the command line that builds it again, after ``trtdoctor``.
        precision: What was asked for: ``fp32``, ``fp16``, ``bf16``, ``int8`` or ``best``.
        converted_by: Who lowered the model's types, ``plan`` or ``autocast``; null where nobody did.
        kept: Labels of the nodes that the conversion kept in FP32.
        flags: The builder flags that were set, in TensorRT's words.
        settings: What else was set.
        shapes: The optimisation profile, by input.
        io: Types of network tensors that were asked for, by name.
        pins: Types that nodes were pinned to, by name.
        environment: Variables that steer a build.
        timing_cache: The cache's file as it was before the build.
        targets: The compute capabilities that it was built for, where no GPU was.
        started: UTC, ISO 8601.
        took_s: Seconds that the builder took.
        log: The verbose log, beside the engine.
        notes: What a reader should know, a sentence each.
    """

    model: FileHash
    given: FileHash | None = None
    engine: FileHash
    product: str
    version: str
    through: str
    program: PathText | None = None
    command: tuple[PathText, ...] = ()
    precision: str = "fp32"
    converted_by: str | None = None
    kept: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    settings: BuildSettings = BuildSettings()
    shapes: dict[str, ShapeRange] = {}
    io: dict[str, str] = {}
    pins: dict[str, str] = {}
    environment: dict[str, PathText] = {}
    timing_cache: FileHash | None = None
    targets: tuple[str, ...] = ()
    started: str | None = None
    took_s: float | None = None
    log: FileHash
    notes: tuple[str, ...] = ()


class Proof(Frozen, frozen=True, kw_only=True):
    """One remedy, followed: what it was to save and what it saved, in milliseconds.

    Attributes:
        remedies: What is tried, one or several together.
        change: The words of the command line that builds the engine so.
        promised_ms: The interval that 19 of 20 gains lie in; null where nothing was promised.
        withheld: Why nothing was.
        before_ms: The time of an inference before, ``after_ms`` with the remedy, taken in turn.
        gained_ms: Before minus after, with its interval.
        plan_before_ms: The builder's own total before, ``plan_after_ms`` with the remedy.
        fp16_before: The share of compute layers in FP16 before, ``fp16_after`` with the remedy.
        held: Whether the gain lies in the promised interval.
        worth: Whether it is worth it; null where that cannot be told.
        verdict: Why, in a sentence.
        outputs: How far the outputs moved.
        failed: Why there is no second engine.
    """

    remedies: tuple[str, ...]
    change: tuple[PathText, ...] = ()
    promised_ms: tuple[float, float] | None = None
    withheld: str | None = None
    before_ms: Spread | None = None
    after_ms: Spread | None = None
    gained_ms: tuple[float, float, float] | None = None
    plan_before_ms: float | None = None
    plan_after_ms: float | None = None
    fp16_before: float | None = None
    fp16_after: float | None = None
    held: bool | None = None
    worth: bool | None = None
    verdict: str = ""
    outputs: str | None = None
    failed: str | None = None
