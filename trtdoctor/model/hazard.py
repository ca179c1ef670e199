"""What FP16 would do to the numbers of some nodes, and what helps."""

from __future__ import annotations

from enum import Enum

from .base import Frozen
from .finding import Confidence, Evidence


class HazardKind(str, Enum):
    """What the nodes are, by what they mean."""

    NORMALIZATION = "normalization"
    SOFTMAX = "softmax"
    POWER = "power"
    EXPONENTIAL = "exponential"
    REDUCTION = "reduction"
    EPSILON = "epsilon"
    MASK = "mask"
    CONSTANT = "constant"
    WEIGHTS = "weights"
    PRODUCT = "long-product"
    INTEGERS = "whole-numbers"
    POSITIONS = "positions"
    BOXES = "boxes"
    VALUES = "values"


class Effect(str, Enum):
    """What happens to a number."""

    OVERFLOW = "overflow"
    FLUSH = "flush"
    LOST_INTEGER = "lost-integer"
    PRECISION = "precision"
    HARMLESS = "harmless"


class Cure(str, Enum):
    """What helps."""

    KEEP = "keep"
    CHANGE_CONSTANT = "change-constant"
    NONE = "none"


class Hazard(Frozen, frozen=True, kw_only=True):
    """One place of a model where FP16 changes more than the last digits.

    Attributes:
        kind: What the nodes are.
        nodes: Their labels, in the model's order.
        value: The value or stored tensor that leaves FP16's range, where it is one.
        type: ONNX's name of the type that the nodes have now; FLOAT where they are not FP16 yet.
        what: One sentence: what they are, and what happens in FP16.
        effect: What happens to the numbers.
        cure: What helps.
        advice: One sentence: what to do.
        evidence: What shows it: constants, shapes, measured ranges.
        confidence: Certain where constants, stored numbers or measured ranges show that it happens.
    """

    kind: HazardKind
    nodes: tuple[str, ...]
    value: str | None = None
    type: str = "FLOAT"
    what: str
    effect: Effect
    cure: Cure
    advice: str
    evidence: tuple[Evidence, ...] = ()
    confidence: Confidence = Confidence.LIKELY
