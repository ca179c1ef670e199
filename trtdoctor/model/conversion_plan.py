"""Which nodes of a model stay in FP32, and what that costs and saves."""

from __future__ import annotations

from .base import Frozen, PathText
from .finding import Remedy


class ChangedConstant(Frozen, frozen=True, kw_only=True):
    """A stored tensor of which a conversion changed more than the last digits.

    Attributes:
        name: What the model calls it.
        nodes: Labels of the nodes that read the converted one.
        elements: How many it has.
        clamped: How many were too large and became the largest number of the type, or in a mask
            before Softmax -16384.
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


class KeptNode(Frozen, frozen=True, kw_only=True):
    """A node that stays in FP32.

    Attributes:
        label: What TensorRT's parser calls it.
        op: Its operator.
        reason: Why, in half a sentence.
        alone: What its outputs' signal to noise would be with it alone in the 16-bit type, in dB; null
            where it was not measured or is infinite either way.
        sick: Whether values behind it break or die then.
        bfloat16: Whether BF16 would do for it; null where that was not tried.
    """

    label: str
    op: str
    reason: str
    alone: float | None = None
    sick: bool = False
    bfloat16: bool | None = None


class Arm(Frozen, frozen=True, kw_only=True):
    """One set of nodes in FP32, and what the model is with it.

    Attributes:
        name: Whose set it is.
        kept: How many nodes stay in FP32.
        sqnr: The worst output's signal to noise over all samples, in dB; null where it is infinite.
        sick: How many values break or die.
        share_flops: The share of the floating-point work that is in the 16-bit type.
        share_bytes: The share of the bytes that FP32 would move that is.
        saved_ms: What 16 bits save there by times that were given, in milliseconds; null without any.
        casts: How many Casts the model has.
        meets: Whether it meets the budget.
    """

    name: str
    kept: int
    sqnr: float | None = None
    sick: int = 0
    share_flops: float | None = None
    share_bytes: float | None = None
    saved_ms: float | None = None
    casts: int | None = None
    meets: bool = False


class ConversionPlan(Frozen, frozen=True, kw_only=True):
    """Which nodes stay in FP32, and what was measured to say so.

    Attributes:
        type: ONNX's name of the 16-bit type of all others.
        budget: The signal to noise that the outputs are to have, in dB.
        met: Whether they have it, on all samples.
        keep: The nodes that stay in FP32, in the model's order.
        conversion: What the converted model is; null where it was not made.
        arms: This plan beside other sets.
        nodes: How many nodes could be in the type.
        measured: How many of them were measured before the time was over.
        samples: How many samples were run.
        inputs: What they were, half a sentence.
        weak: Whether they are random numbers, which tell little of the ranges of real data.
        backend: What ran the model.
        check: How the user's own check ended; null where there was none.
        remedies: For tools that convert or build by themselves, in the order to try them.
        notes: What else somebody should know, in sentences.
    """

    type: str = "FLOAT16"
    budget: float = 40.0
    met: bool = False
    keep: tuple[KeptNode, ...] = ()
    conversion: Conversion | None = None
    arms: tuple[Arm, ...] = ()
    nodes: int = 0
    measured: int = 0
    samples: int = 0
    inputs: str = ""
    weak: bool = False
    backend: str = ""
    check: str | None = None
    remedies: tuple[Remedy, ...] = ()
    notes: tuple[str, ...] = ()
