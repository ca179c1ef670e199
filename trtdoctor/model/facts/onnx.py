"""Facts of ONNX models: what the checks of a model go by, without its nodes."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText


class Named(Frozen, frozen=True, kw_only=True):
    """Some things of one kind: how many, and the names of the first of them."""

    count: int = 0
    names: tuple[str, ...] = ()


class RefusedNode(Frozen, frozen=True, kw_only=True):
    """A node with operands that TensorRT wants of one type; ``what`` says which types they have."""

    node: str
    op: str
    what: str


class OperatorUse(Frozen, frozen=True, kw_only=True):
    """How often a model uses an operator; ``domain`` is empty for ONNX's own, ``node`` the first."""

    op: str
    domain: str = ""
    nodes: int
    node: str = ""


class WeightNumbers(Frozen, frozen=True, kw_only=True):
    """What FP16 would make of one stored tensor of FP32 values.

    ``overflow`` of its ``elements`` become infinite, ``flushed`` ones become zero, ``subnormal`` ones
    keep fewer digits; ``largest`` is the largest finite magnitude, ``smallest`` the smallest that is
    not zero. ``harmless`` says why nothing of it matters, null where that is not known. ``node`` is
    the first node that reads it.
    """

    name: str
    type: str
    elements: int
    overflow: int = 0
    nan: int = 0
    infinite: int = 0
    flushed: int = 0
    subnormal: int = 0
    largest: float | None = None
    smallest: float | None = None
    node: str | None = None
    harmless: str | None = None


class ActivationRange(Frozen, frozen=True, kw_only=True):
    """The range of one value over all samples; infinities and NaN are in the counts, not in it."""

    name: str
    node: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    nan: bool = False
    infinite: bool = False


class HazardFound(Frozen, frozen=True, kw_only=True):
    """A place where FP16 changes results, by what the nodes there mean.

    ``kind``, ``effect``, ``cure`` and ``confidence`` are words of the report's hazards.
    """

    kind: str
    what: str
    effect: str
    cure: str
    nodes: tuple[str, ...] = ()
    value: str | None = None
    numbers: tuple[str, ...] = ()
    confidence: str = "likely"


class OnnxModel(Frozen, frozen=True, kw_only=True):
    """One ONNX model.

    ``opsets`` are versions by domain. ``product`` and ``version`` are the TensorRT that was asked
    about; null where none was. ``compute`` counts nodes of floating-point arithmetic, and
    ``by_type`` the same by the type that the model gives them. ``wide_io`` are network inputs and
    outputs in FP32, ``casts_at_io`` those of them that nothing but a Cast stands behind.
    ``weights`` are those stored tensors that FP16 would change, ``constants`` those of them that are
    small; both null where no numbers were read, and ``weights_reason`` says why. ``ranges`` are those
    that do not fit FP16; null where nothing was measured.
    """

    path: PathText
    opsets: dict[str, int] = {}
    ir_version: int | None = None
    product: str | None = None
    version: str | None = None
    compute: int = 0
    by_type: dict[str, int] = {}
    refused: tuple[RefusedNode, ...] = ()
    refused_count: int = 0
    islands: tuple[Named, ...] = ()
    islands_count: int = 0
    dq_scales: Named = Named()
    fp32_only: Named = Named()
    wide_io: Named = Named()
    casts_at_io: str | None = None
    double: Named = Named()
    int64_io: Named = Named()
    operators: tuple[OperatorUse, ...] = ()
    weights: tuple[WeightNumbers, ...] | None = None
    constants: tuple[WeightNumbers, ...] | None = None
    weights_reason: str | None = None
    hazards: tuple[HazardFound, ...] | None = None
    ranges: tuple[ActivationRange, ...] | None = None
    samples: int = 0


class OnnxModels(FactValue, frozen=True, kw_only=True):
    """Every ONNX model that was given, read without TensorRT and without a GPU."""

    FACT: ClassVar[str] = "onnx.models"

    models: tuple[OnnxModel, ...]
