"""Two engines side by side, and what speaks for the second."""

from __future__ import annotations

from .base import Frozen, PathText
from .build import Spread
from .engine import Precision
from .finding import Command


class OutputDifference(Frozen, frozen=True, kw_only=True):
    """How far one output of ``of`` is from the same output of ``to``.

    ``absolute`` and ``relative`` are the greatest over all elements, the latter of elements that are
    not tiny beside the output's own range; ``sqnr`` is signal to noise in dB, null where they are
    equal or nothing is finite; ``elements`` is how many were compared; ``nan`` and ``inf`` count
    elements of ``of`` that are none in ``to``; ``differing`` counts those of whole numbers and
    booleans that are not equal, null for other types. ``note`` says why nothing was compared, or
    what else is odd.
    """

    name: str
    of: str
    to: str
    elements: int
    absolute: float | None = None
    relative: float | None = None
    sqnr: float | None = None
    nan: int = 0
    inf: int = 0
    equal: bool = False
    differing: int | None = None
    note: str | None = None


class AlignedLayer(Frozen, frozen=True, kw_only=True):
    """What computes the same ONNX nodes in both engines; null where one of them has nothing alike.

    Names are of layers; times are in milliseconds.
    """

    nodes: tuple[str, ...] = ()
    a: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    a_precision: tuple[Precision, ...] = ()
    b_precision: tuple[Precision, ...] = ()
    a_ms: float | None = None
    b_ms: float | None = None


class SideBySide(Frozen, frozen=True, kw_only=True):
    """One property that both engines tell, as text; ``same`` whether they agree."""

    what: str
    a: str | None = None
    b: str | None = None
    same: bool = False


class Comparison(Frozen, frozen=True, kw_only=True):
    """Engine ``b`` beside engine ``a``, which it would replace.

    Attributes:
        a: The path of the engine that is there, ``b`` of the other.
        facts: What both tell, side by side: release, GPU, size, FP16 shares, conversions.
        a_ms: The time of one inference of ``a``, by ``clock``; ``b_ms`` that of ``b``.
        clock: Which of a measurement's times both are, ``graph_ms`` say.
        gain: By what factor ``b`` is faster: the ratio of medians and its interval.
        conversions_added: Conversions that ``b`` has and ``a`` has not, by what they convert.
        conversions_removed: The other way around.
        layers: What changed, layer by layer, the dearest first; only those that differ.
        alike: How many aligned pairs do not differ.
        outputs: Outputs of both against each other and against the reference.
        reference: What the reference is, ``onnxruntime in FP32``; null where there was none.
        inputs: What the outputs were made with, half a sentence.
        suspects: Layers where a difference may come from, the first in execution order first.
        worth: Whether ``b`` is worth it; null where that cannot be told.
        verdict: Why, in one sentence.
        commands: What would tell, where that is not known.
        notes: What limits the comparison, a sentence each.
    """

    a: PathText
    b: PathText
    facts: tuple[SideBySide, ...] = ()
    a_ms: Spread | None = None
    b_ms: Spread | None = None
    clock: str | None = None
    gain: tuple[float, float, float] | None = None
    conversions_added: tuple[str, ...] = ()
    conversions_removed: tuple[str, ...] = ()
    layers: tuple[AlignedLayer, ...] = ()
    alike: int = 0
    outputs: tuple[OutputDifference, ...] = ()
    reference: str | None = None
    inputs: str | None = None
    suspects: tuple[str, ...] = ()
    worth: bool | None = None
    verdict: str = ""
    commands: tuple[Command, ...] = ()
    notes: tuple[str, ...] = ()
