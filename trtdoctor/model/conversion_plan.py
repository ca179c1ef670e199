"""Which nodes of a model stay in FP32, and what that costs and saves."""

from __future__ import annotations

from .base import Frozen, PathText


class ChangedConstant(Frozen, frozen=True, kw_only=True):
    """A stored tensor of which a conversion changed more than the last digits.

    Attributes:
        name: What the model calls it.
        nodes: Labels of the nodes that read the converted one.
        elements: How many it has.
        clamped: How many were too large and became the largest number of the type.
        flushed: How many that were not zero became zero.
        examples: Up to four numbers, before and after.
    """

    name: str
    nodes: tuple[str, ...] = ()
    elements: int = 0
    clamped: int = 0
    flushed: int = 0
    examples: tuple[tuple[float, float], ...] = ()


class Conversion(Frozen, frozen=True, kw_only=True):
    """What a conversion did to a model.

    Attributes:
        type: ONNX's name of the type that nodes were converted to.
        path: Where the converted model was written; null where it was not.
        nodes: How many nodes compute in the type now.
        kept: Labels of those that were to stay in FP32.
        casts: How many Casts it has more or, negative, fewer.
        constants: What changed in it beyond rounding.
        forced: Labels of nodes that stay in FP32 for a reason other than being asked for, each with it.
        notes: What else somebody should know, in sentences.
    """

    type: str
    path: PathText | None = None
    nodes: int = 0
    kept: tuple[str, ...] = ()
    casts: int = 0
    constants: tuple[ChangedConstant, ...] = ()
    forced: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class ConversionPlan(Frozen, frozen=True, kw_only=True):
    """``keep`` are the labels of the nodes that stay in FP32."""

    keep: tuple[str, ...] = ()
