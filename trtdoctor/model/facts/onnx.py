"""Facts of ONNX models: what the checks of a model go by, without its nodes."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText
from ..hazard import Hazard
from ..weight_numbers import StoredTensor


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


class OnnxModel(Frozen, frozen=True, kw_only=True):
    """One ONNX model.

    ``opsets`` are versions by domain. ``product`` and ``version`` are the TensorRT that was asked
    about; null where none was. ``compute`` counts nodes of floating-point arithmetic, and
    ``by_type`` the same by the type that the model gives them. ``wide_io`` are network inputs and
    outputs in FP32, ``casts_at_io`` what the Casts right behind them do. ``hazards`` are the first
    of them, null where nobody looked, and ``hazards_count`` how many are not harmless; ``stored``
    are those tensors that FP16 would change, null where their numbers were not read, and
    ``not_read`` says why that is so of some. ``measured`` is how many values have a range over
    ``samples`` inputs; null where nothing was run, and ``not_measured`` says why.
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
    hazards: tuple[Hazard, ...] | None = None
    hazards_count: int = 0
    stored: tuple[StoredTensor, ...] | None = None
    not_read: str | None = None
    measured: int | None = None
    samples: int = 0
    not_measured: str | None = None


class OnnxPlan(Frozen, frozen=True, kw_only=True):
    """How the plan of one model ended.

    ``met`` tells whether its outputs have the signal to noise of ``budget``, in dB, and the user's own
    check, where there was one, accepts it; ``reached`` is what they have, null where nothing is lost.
    ``check`` is how that check ended. ``measured`` of ``nodes`` were measured before the time was over.
    """

    path: PathText
    met: bool
    budget: float
    reached: float | None = None
    check: str | None = None
    nodes: int = 0
    measured: int = 0


class OnnxPlans(FactValue, frozen=True, kw_only=True):
    """Every plan that was made."""

    FACT: ClassVar[str] = "onnx.plans"
    NOT_GIVEN: ClassVar[str] = "no conversion was planned"

    plans: tuple[OnnxPlan, ...]


class OnnxModels(FactValue, frozen=True, kw_only=True):
    """Every ONNX model that was given, read without TensorRT and without a GPU."""

    FACT: ClassVar[str] = "onnx.models"
    NOT_GIVEN: ClassVar[str] = "no ONNX model was given"

    models: tuple[OnnxModel, ...]
