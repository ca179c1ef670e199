"""Whether nodes may compute in FP16, by the operators around them and by what is known of numbers.

A written-out LayerNormalization whose squares were rounded to FP16 gave zero in 106 of 197 rows,
without an infinity or a NaN in the output: x * x passed 65504, and c / inf is 0. So nothing is
cleared because it mostly goes well: a value must be bounded by what was FP16 before, or go straight
back to FP16, and a constant must be one that FP16 holds. A hazard that the model's own constants,
shapes and measured values show keeps what a pattern alone would clear; a measured range by itself
clears nothing here, for other inputs may go beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from struct import pack, unpack
from typing import TypeAlias

from ...model.base import Frozen
from ...model.hazard import Cure, Hazard, HazardKind
from ...model.value_range import ValueRange
from ...model.weight_numbers import WeightNumbers
from ...readers.onnxmodel import OnnxFacts, OnnxNode
from ..graph import operators
from .hazards import LARGEST, SUBNORMAL, Net, find_hazards

_SUMS = frozenset(
    {"ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceProd"}
    | {"ReduceLogSum", "ReduceLogSumExp", "CumSum", "CumProd"}
)
_POWERS = frozenset({"Pow", "Exp"})
# What stands between a sum of squares and the quotient that brings its values back.
_AFTER_SUMS = frozenset({"Add", "Sub", "Mul", "Sqrt", "Rsqrt", "Reciprocal", "Div", "Max", "Clip"})
_QUOTIENTS = frozenset({"Div", "Reciprocal", "Rsqrt"})
# Computed in FP32 by TensorRT, inside a kernel with FP16 tensors.
_WIDE_INSIDE = frozenset(
    {"LayerNormalization", "RMSNormalization", "InstanceNormalization", "GroupNormalization"}
)
# Their results are no larger than their operands, or than one.
_BOUNDED = frozenset(
    {"Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Tanh", "Erf", "Sin", "Cos", "Sqrt", "Relu"}
    | {"LeakyRelu", "Gelu", "Neg", "Abs", "Sign", "Max", "Min", "Clip", "MaxPool", "AveragePool"}
    | {"GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMin", "TopK", "ArgMax", "ArgMin"}
    | {"Greater", "Less", "Equal", "GreaterOrEqual", "LessOrEqual", "Where", "Floor", "Round"}
)
# They multiply by a scale, however little else they do.
_SCALED = frozenset({"DequantizeLinear"})
# They decide by a hair: a constant that rounding moves decides otherwise.
_DECIDES = frozenset({"Greater", "Less", "Equal", "GreaterOrEqual", "LessOrEqual"})


class Cleared(Frozen, frozen=True, kw_only=True):
    """These nodes may compute in FP16: no value in them can leave its range. ``nodes``: which."""

    nodes: tuple[str, ...]


class Kept(Frozen, frozen=True, kw_only=True):
    """These nodes stay as they are.

    ``reason`` is half a sentence that follows "because"; ``norm`` is true where they are, or end,
    a normalisation that is written out.
    """

    reason: str
    norm: bool = False


Verdict: TypeAlias = "Cleared | Kept"


class Gate:
    """The gate for one model; what is known of the whole of it is found once.

    Args:
        model: the model as it is now; None where it is not at hand, and then nothing is cleared.
        weights: the numbers that it stores; without them only small constants are known.
        ranges: what its values were over samples.
    """

    def __init__(
        self,
        model: OnnxFacts | None,
        weights: WeightNumbers | None = None,
        ranges: Mapping[str, ValueRange] | None = None,
    ) -> None:
        self._model = model
        self._weights = weights
        self._ranges = ranges

    def verdict(self, labels: Iterable[str]) -> Verdict:
        """Whether a remedy may have these nodes computed in FP16.

        Args:
            labels: of nodes; those that are not FP32 and Casts among them do not count.
        """
        model = self._model
        if model is None:
            return Kept(
                reason="the model is not at hand, so nothing shows that its values fit FP16"
            )
        nodes = self._nodes(labels)
        island = [
            node
            for node in nodes
            if node.op not in operators.CASTS
            and operators.type_of(node, model.types) in operators.FLOAT32
        ]
        if not island:
            return Kept(reason="which of the model's nodes it comes from is not known")
        alone = next((node.op for node in island if node.float_only), None)
        if alone is not None:
            return Kept(reason=f"ONNX defines {alone} for FLOAT and not for FLOAT16")
        found = next((why for node in island if (why := _fragile(node))), None)
        if found is not None:
            norm = operators.writes_out_a_norm(nodes)
            return Kept(reason=found, norm=norm or any(node.op in _SUMS for node in island))
        hazard = next((h for n in island for h in self._hazards.get(n.label, ())), None)
        if hazard is not None:
            return _kept(hazard)
        unbounded = self._unbounded(model, island)
        if unbounded:
            return Kept(reason=unbounded)
        return Cleared(nodes=tuple(node.label for node in island))

    def guarded(self, labels: Iterable[str]) -> Kept | None:
        """Why somebody who keeps these nodes out of FP16 does well; None where no pattern says so.

        For pins of a network whose own types are FP32, where the range of every value is unknown
        and `verdict` would clear nothing. Without the model nothing is said.
        """
        kept = self._nodes(labels)
        reason = next((why for node in kept if (why := _fragile(node))), None)
        if reason is None:
            return None
        norm = any(n.op in _SUMS or n.op in operators.NORMALIZATIONS for n in kept)
        return Kept(reason=reason, norm=norm)

    def _nodes(self, labels: Iterable[str]) -> list[OnnxNode]:
        """The nodes that have one of these labels, in the model's order."""
        if self._model is None:
            return []
        places = {place for label in labels for place in self._places.get(label, ())}
        return [self._model.nodes[place] for place in sorted(places)]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where in the model the nodes of each label stand."""
        found: dict[str, list[int]] = {}
        for place, node in enumerate(self._model.nodes if self._model is not None else ()):
            found.setdefault(node.label, []).append(place)
        return found

    @cached_property
    def _net(self) -> Net | None:
        model = self._model
        return None if model is None else Net(model, self._weights, self._ranges)

    @cached_property
    def _hazards(self) -> dict[str, list[Hazard]]:
        """What FP16 would do to the numbers of each node, where something is to be done about it."""
        found: dict[str, list[Hazard]] = {}
        if self._model is not None:
            for hazard in find_hazards(self._model, self._weights, self._ranges):
                for label in hazard.nodes if hazard.cure is not Cure.NONE else ():
                    found.setdefault(label, []).append(hazard)
        return found

    def _held(self, name: str, node: OnnxNode) -> bool:
        """Whether a value is stored, and FP16 holds all of its numbers as this node needs them."""
        net = self._net
        if net is None or name not in net.constants:
            return False
        values = net.model.values.get(name)
        if values is not None:
            return all(_fits(float(each), exactly=node.op in _DECIDES) for each in values)
        stored = net.stored(name)
        lost = stored is None or bool(
            stored.nan or stored.infinite or stored.overflow or stored.flushed or stored.subnormal
        )
        return not lost and node.op not in _DECIDES

    @cached_property
    def _makers(self) -> dict[str, OnnxNode]:
        """The node that makes each value."""
        nodes = self._model.nodes if self._model is not None else ()
        return {name: node for node in nodes for name in node.outputs}

    @cached_property
    def _used(self) -> frozenset[str]:
        """Values that are used as what they are, not brought back to 16 bits first."""
        model = self._model
        if model is None:
            return frozenset()
        used = {value.name for value in model.outputs}
        for node in model.nodes:
            down = (
                node.op in operators.CASTS
                and bool(node.outputs)
                and model.types.get(node.outputs[0]) in operators.SIXTEEN_BIT
            )
            if not down:
                used.update(node.inputs)
        return frozenset(used)

    def _unbounded(self, model: OnnxFacts, island: list[OnnxNode]) -> str | None:
        """Why a value that enters or stays inside may not fit FP16."""
        types = model.types
        inside = {name for node in island for name in node.outputs}
        for node in island:
            for name in node.inputs:
                if types.get(name) not in operators.FLOAT32 or name in inside:
                    continue
                maker = self._makers.get(name)
                narrow = (
                    maker is not None
                    and maker.op in operators.CASTS
                    and types.get(maker.inputs[0]) in operators.SIXTEEN_BIT
                )
                if not narrow and not self._held(name, node):
                    return f"it reads {name}, which is FP32 and of a range that is not known"
            moves = operators.moves(node) and node.op not in _SCALED
            larger = node.op not in _BOUNDED and not moves
            if larger and any(name in self._used for name in node.outputs):
                return (
                    f"the result of {node.op} is used before it returns to FP16, and may not fit it"
                )
        return None


def _kept(hazard: Hazard) -> Kept:
    """Why nodes of a hazard stay, and what is better; what is better than a norm its reader says."""
    norm = hazard.kind is HazardKind.NORMALIZATION
    told = hazard.what if norm else f"{hazard.what} {hazard.advice}"
    return Kept(reason=f"FP16 would change its numbers: {told}".rstrip("."), norm=norm)


def _fits(value: float, *, exactly: bool) -> bool:
    """Whether FP16 holds a number with all of its eleven binary digits, or unchanged."""
    if value != 0 and not SUBNORMAL <= abs(value) <= LARGEST:
        return False
    return not exactly or unpack("<e", pack("<e", value))[0] == value


def fragile(model: OnnxFacts) -> tuple[OnnxNode, ...]:
    """The FP32 nodes that a conversion of the whole model has to leave in FP32.

    Powers, exponentials and deep sums, what stands between them and the quotient that brings their
    values back, and normalisations that TensorRT does not compute in FP32 by itself.
    """
    after: set[str] = set()
    found = []
    for node in model.nodes:
        if operators.type_of(node, model.types) not in operators.FLOAT32:
            continue
        begins = _fragile(node) is not None and node.op not in _WIDE_INSIDE
        follows = any(name in after for name in node.inputs)
        if begins or (follows and node.op in _AFTER_SUMS):
            found.append(node)
            if node.op not in _QUOTIENTS:
                after.update(node.outputs)
        elif follows and operators.moves(node):
            after.update(node.outputs)
    return tuple(found)


def grows(node: OnnxNode) -> str | None:
    """Why a node's result itself may pass FP16's largest value; a normalisation's does not."""
    return None if node.op in operators.NORMALIZATIONS else _fragile(node)


def _fragile(node: OnnxNode) -> str | None:
    """Why a node's arithmetic overflows or loses too much in FP16, whatever comes in."""
    if node.op in operators.NORMALIZATIONS:
        return f"{node.op} sums squares, which pass FP16's largest value (65504) easily"
    squares = node.op == "Mul" and len(node.inputs) == 2 and node.inputs[0] == node.inputs[1]
    if node.op in _POWERS or squares:
        return f"the result of {node.op} passes FP16's largest value (65504) easily"
    if node.op in _SUMS:
        return f"{node.op} adds up more terms than FP16's range and digits may hold"
    return None
