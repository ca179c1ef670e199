"""What is known of one engine: its file's identity, its layers' precisions and their explanations."""

from __future__ import annotations

from typing import Any

from .base import Frozen, Vocabulary
from .build import BuildRecord, Measurement, Proof
from .cause import Cause, DecidedAgain
from .engine_shapes import ShapeRange as ShapeRange
from .finding import Command, Confidence, Evidence, Remedy
from .recorded import ApiCapture, TuningRecord
from .typing import Typing


class Precision(Vocabulary):
    """The type a layer computes in. TF32 is its own class: a tensor-core kernel, not FP32."""

    FP32 = "FP32"
    TF32 = "TF32"
    FP16 = "FP16"
    BF16 = "BF16"
    FP8 = "FP8"
    FP4 = "FP4"
    INT8 = "INT8"
    INT4 = "INT4"
    INT32 = "INT32"
    INT64 = "INT64"
    BOOL = "BOOL"
    UINT8 = "UINT8"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class Role(Vocabulary):
    """What a layer is for; only ``compute`` layers are counted in the shares."""

    COMPUTE = "compute"
    DATA_MOVEMENT = "data-movement"
    CONSTANT = "constant"
    SHAPE = "shape"


class LayersSource(Vocabulary):
    """Where an engine's layers were read: the inspector here or elsewhere, a log, the plan's bytes.

    ``model`` means that there is no engine: each layer is a node of the ONNX model.
    """

    LIVE = "live"
    LAYERS_FILE = "layers-file"
    BUILD_LOG = "build-log"
    STATIC = "static"
    MODEL = "model"


class IOTensor(Frozen, frozen=True, kw_only=True):
    """A network input or output. A negative extent in ``shape`` is dynamic."""

    name: str
    mode: str
    dtype: str
    shape: tuple[int, ...] | None = None


class EngineIdentity(Frozen, frozen=True, kw_only=True):
    """What the file says of itself; what it does not say is null."""

    container: str
    product: str | None = None
    tensorrt_version: str | None = None
    compute_capabilities: tuple[str, ...] | None = None
    platform: str | None = None
    profiling_verbosity: str | None = None
    io: tuple[IOTensor, ...] | None = None
    profiles: tuple[dict[str, ShapeRange], ...] | None = None
    built_on: dict[str, Any] | None = None
    version_compatible: bool | None = None
    hardware_compatibility: str | None = None
    refittable: bool | None = None
    tf32_allowed: bool | None = None
    weights_bytes: int | None = None
    weight_streaming: bool | None = None
    sparse_weights: bool | None = None
    implicit_batch: bool | None = None
    max_batch_size: int | None = None
    myelin_version: str | None = None
    metadata: dict[str, Any] = {}
    confidence: dict[str, Confidence] = {}


class LayerTensor(Frozen, frozen=True, kw_only=True):
    """A layer's input or output tensor."""

    name: str
    dtype: str | None = None
    format: str | None = None
    shape: tuple[int, ...] | None = None
    location: str | None = None


class LayerWeights(Frozen, frozen=True, kw_only=True):
    """A layer's weights; ``count`` is in elements."""

    dtype: str
    count: int


class Layer(Frozen, frozen=True, kw_only=True):
    """One layer. ``time_ms`` is in milliseconds, null where no profile was given.

    ``constants`` are the constant operands that TensorRT 11 and TensorRT-RTX list apart;
    ``tactic_id`` is the tactic's number where its name is not told; ``origin`` says why a
    ``Reformat`` exists; ``profile`` is the optimisation profile that the layer belongs to.
    """

    name: str
    type: str | None = None
    onnx_nodes: tuple[str, ...] = ()
    inputs: tuple[LayerTensor, ...] = ()
    outputs: tuple[LayerTensor, ...] = ()
    constants: tuple[LayerTensor, ...] = ()
    weights: LayerWeights | None = None
    tactic: str | None = None
    tactic_id: str | None = None
    origin: str | None = None
    profile: int = 0
    precision: Precision = Precision.UNKNOWN
    precision_confidence: Confidence | None = None
    precision_evidence: tuple[str, ...] = ()
    role: Role = Role.COMPUTE
    time_ms: float | None = None


class EngineBlock(Frozen, frozen=True, kw_only=True):
    """The operations inside a fused block, as the plan's own text lists them."""

    name: str
    layers: tuple[Layer, ...]


class ReasonTold(Frozen, frozen=True, kw_only=True):
    """Another cause that may hold for a layer."""

    cause: Cause
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()


class CostTold(Frozen, frozen=True, kw_only=True):
    """What FP16 would cost the layer's region, and the whole plan's time; in milliseconds."""

    margin_ms: float
    kernels_ms: float
    conversions_ms: float
    plan_ms: float


class Explanation(Frozen, frozen=True, kw_only=True):
    """Why one layer is not FP16. ``cause`` is ``unknown`` where nothing is proven.

    ``region`` names what decides together with it; ``decided_again`` says whether another build
    would decide the same.
    """

    layer: str
    precision: Precision
    cause: Cause
    confidence: Confidence | None = None
    region: str | None = None
    decided_again: DecidedAgain | None = None
    other_causes: tuple[ReasonTold, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    cost: CostTold | None = None
    remedy: Remedy | None = None


class ChoiceTold(Frozen, frozen=True, kw_only=True):
    """Solving the builder's problem again: pairs of how many agree, and the plan's time.

    ``alternative_ms`` is the least total with any of the layers that are not FP16 forced to it, and
    ``alternative_kernels_ms`` and ``alternative_conversions_ms`` how it differs from the plan;
    ``network_io_ms`` is the predicted total with the network tensors as in ``network_io``, and
    ``network_io_gain_ms`` how much less another build's would be than that of another build without
    them: 19 of 20 lie between the two numbers, of which the first may be below zero. Null where
    there is none.
    """

    log: str
    build: int
    profile: int
    reproduced: bool
    layers: tuple[int, int]
    conversions: tuple[int, int]
    plan_ms: float
    alternative_ms: float | None = None
    alternative_kernels_ms: float | None = None
    alternative_conversions_ms: float | None = None
    network_io_ms: float | None = None
    network_io_gain_ms: tuple[float, float] | None = None
    network_io: tuple[str, ...] = ()


class Shares(Frozen, frozen=True, kw_only=True):
    """A share of the compute layers, 0 to 1, by three measures; null where there is nothing to share.

    By ``time`` the layers that were timed count, by ``weights`` those that tell their weights.
    """

    layers: float | None = None
    time: float | None = None
    weights: float | None = None


class Counted(Frozen, frozen=True, kw_only=True):
    """How many compute layers stand behind each share."""

    layers: int = 0
    time: int = 0
    weights: int = 0


class Conversions(Frozen, frozen=True, kw_only=True):
    """Layers that change the data type, and what they cost.

    ``time_ms`` is null without a profile; ``share_of_time`` is of all timed layers; ``undecided``
    counts moving layers that may convert and do not tell.
    """

    count: int = 0
    time_ms: float | None = None
    share_of_time: float | None = None
    undecided: int = 0


class Summary(Frozen, frozen=True, kw_only=True):
    """How much of an engine is FP16: compute layers of one optimisation profile alone."""

    layers_by_precision: dict[Precision, int] = {}
    fp16_share: Shares = Shares()
    unknown_share: Shares = Shares()
    counted: Counted = Counted()
    conversions: Conversions = Conversions()


class BuildFailure(Frozen, frozen=True, kw_only=True):
    """The error that ended a build, in the log's own words, by its line.

    ``meaning`` and ``next_step`` are null where the error is none that is known. ``error`` is the
    name that ``trtdoctor why`` explains, ``often`` its most frequent cause. Where a warning before the
    error may have led to it, ``before`` is its line and text, and the next step is about that.
    """

    line: int
    text: str
    meaning: str | None = None
    next_step: str | None = None
    error: str | None = None
    often: str | None = None
    commands: tuple[Command, ...] = ()
    before: tuple[int, str] | None = None


class EngineReport(Frozen, frozen=True, kw_only=True):
    """One engine. ``size`` is in bytes; ``sha256`` only where it was asked for.

    ``typing`` is who decided precision when it was built; never ``both``, which only releases are.

    ``what`` and ``to_do`` say in a sentence each what the file is and what to do about it; ``notes``
    what else a reader should know; ``blocks`` what is inside fused blocks; ``answer`` says in two
    sentences why it is not all FP16; ``advice`` is what would make the engine faster although no
    layer's cause asks for it; ``missing`` names evidence that would tell more; ``log`` is the build
    log that was heard, and ``failure`` what ended its build where that made no engine; ``build`` is
    how it was built, ``measured`` how fast it ran, and ``proofs`` what following its remedies did.
    ``tuning`` is what trtexec's tuner tried, and ``capture`` which calls of the API built a network, of
    a file that records that and is no engine.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    what: str | None = None
    to_do: str | None = None
    identity: EngineIdentity | None = None
    typing: Typing = Typing.UNKNOWN
    layers_source: LayersSource | None = None
    layers: tuple[Layer, ...] = ()
    blocks: tuple[EngineBlock, ...] = ()
    notes: tuple[str, ...] = ()
    choice: ChoiceTold | None = None
    summary: Summary | None = None
    answer: str | None = None
    explanations: tuple[Explanation, ...] = ()
    advice: tuple[Remedy, ...] = ()
    missing: tuple[Remedy, ...] = ()
    log: str | None = None
    failure: BuildFailure | None = None
    build: BuildRecord | None = None
    measured: Measurement | None = None
    proofs: tuple[Proof, ...] = ()
    tuning: TuningRecord | None = None
    capture: ApiCapture | None = None
