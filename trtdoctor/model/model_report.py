"""An ONNX model in the report: what it is, which precision its parts get, what FP16 does to it."""

from __future__ import annotations

from .base import Frozen, PathText
from .cause import Cause
from .conversion_plan import ConversionPlan
from .engine import Precision
from .finding import Confidence
from .hazard import Hazard
from .typing import Typing
from .value_range import ValueRange
from .weight_numbers import StoredTensor


class ModelTensor(Frozen, frozen=True, kw_only=True):
    """A network input or output. An extent of null in ``shape`` is dynamic; no shape is unknown."""

    name: str
    mode: str
    dtype: str | None = None
    shape: tuple[int | None, ...] | None = None


class OperatorCount(Frozen, frozen=True, kw_only=True):
    """How many nodes have one operator. ``domain`` is empty for ONNX's own operators."""

    op: str
    domain: str = ""
    nodes: int


class ModelIdentity(Frozen, frozen=True, kw_only=True):
    """What an ONNX file says of itself.

    ``opsets`` are versions by domain. ``nodes`` are counted with subgraphs and functions laid open.
    ``weights`` are elements of stored tensors by type, ``external`` how many of them lie in other
    files.
    """

    producer: str | None = None
    ir_version: int | None = None
    opsets: dict[str, int] = {}
    nodes: int = 0
    weights: dict[str, int] = {}
    external: int = 0
    io: tuple[ModelTensor, ...] = ()
    operators: tuple[OperatorCount, ...] = ()


class Work(Frozen, frozen=True, kw_only=True):
    """How much some nodes do: floating-point operations, and bytes read and written.

    Both are null where the shape of any of them is not known.
    """

    nodes: int = 0
    flops: int | None = None
    bytes: int | None = None


class Region(Frozen, frozen=True, kw_only=True):
    """Computing nodes that hang together and get the same type.

    ``precisions`` has one where it is decided, and several where the builder will choose. ``cause``
    is why it is not FP16 in a strongly typed build; ``places`` are what decides it. ``nodes`` are
    labels, in the model's order, as many as ``named`` tells; ``work`` counts all of them.
    """

    precisions: tuple[Precision, ...]
    cause: Cause | None = None
    because: str | None = None
    confidence: Confidence | None = None
    places: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    operators: dict[str, int] = {}
    work: Work = Work()


class PrecisionMap(Frozen, frozen=True, kw_only=True):
    """Which precision a model's nodes get where the model's types decide, or where the builder does.

    ``shares`` and ``counted`` are of compute nodes, by the words of ``Region.precisions`` joined
    with " or ". ``releases`` names the releases that it is true of.
    """

    typing: Typing
    releases: str
    regions: tuple[Region, ...] = ()
    shares: dict[str, Work] = {}
    counted: Work = Work()
    fp16_share: float | None = None
    unknown_share: float | None = None


class OtherNodes(Frozen, frozen=True, kw_only=True):
    """What is no floating-point arithmetic: how many nodes move data, fold away, handle integers.

    ``conversions`` change a floating type or quantise, and are not among those that move.
    """

    movement: int = 0
    constants: int = 0
    integers: int = 0
    conversions: int = 0


class Refusal(Frozen, frozen=True, kw_only=True):
    """A node that some TensorRT does not take, and what it says or would have to have."""

    node: str
    op: str
    kind: str
    what: str


class ConvertedNode(Frozen, frozen=True, kw_only=True):
    """A node that a converter's own log says it kept in FP32: by which rule, in the log's words."""

    node: str
    rule: str
    text: str
    line: int


class Measured(Frozen, frozen=True, kw_only=True):
    """What a model's values were over ``samples`` inputs, by the words that the user gave for them.

    ``values`` is how many have a range; ``ranges`` are those that matter in FP16.
    """

    inputs: str
    samples: int
    values: int = 0
    ranges: dict[str, ValueRange] = {}


class ModelReport(Frozen, frozen=True, kw_only=True):
    """One ONNX model. ``answer`` is what there is to say of it, in at most two sentences.

    ``size`` is the file's, in bytes, without data that lie in other files. ``hazards`` are null where
    nobody looked for them; ``hazards_count`` is how many there are, of which a large model's report
    names the first. ``stored`` are those tensors whose numbers FP16 would change; null where
    no numbers were read. ``measured`` is null where the model was not run, ``plan`` where none was
    asked for.
    """

    path: PathText
    size: int | None = None
    answer: str | None = None
    identity: ModelIdentity | None = None
    maps: tuple[PrecisionMap, ...] = ()
    others: OtherNodes | None = None
    refusals: tuple[Refusal, ...] = ()
    hazards: tuple[Hazard, ...] | None = None
    hazards_count: int = 0
    stored: tuple[StoredTensor, ...] | None = None
    measured: Measured | None = None
    kept_by_converter: tuple[ConvertedNode, ...] = ()
    notes: tuple[str, ...] = ()
    plan: ConversionPlan | None = None
