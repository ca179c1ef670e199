"""Which nodes of a model compute in the 16-bit type, and which values have it from the start."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...model.hazard import Cure, Effect, Hazard, HazardKind
from ...model.weight_numbers import WeightNumbers
from ...precision.graph import operators
from ...precision.numbers import wide_tensors
from ...precision.numbers.hazards import find_hazards
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from .operands import STANDARD, Schemas

_T = TensorType
SUBGRAPHS = frozenset({"If", "Loop", "Scan", "SequenceMap"})
READS_ANY = frozenset({"Shape", "Size"})
# What they make has a type of its own, or is no tensor.
_LEFT = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}
    | {"Bernoulli", "EyeLike", "CastLike", "SequenceConstruct", "SequenceAt", "SplitToSequence"}
    | {"ConcatFromSequence", "SequenceInsert", "SequenceErase", "SequenceEmpty", "SequenceLength"}
    | {"Optional", "OptionalGetElement", "OptionalHasElement", "Range", "DynamicQuantizeLinear"}
)
_QUANTIZERS = operators.QUANTIZERS | operators.DEQUANTIZERS


@dataclass
class Decision:
    """What was decided for one model.

    Attributes:
        narrow: Places among the nodes of those that compute in, or pass on, the 16-bit type.
        native: FLOAT values that are of the 16-bit type from the start.
        forced: Why nodes stay in FP32 that were not asked to, by label.
        clampable: Stored tensors whose too large numbers may become the largest number.
        masks: Those of them that are masks before a Softmax.
    """

    narrow: set[int] = field(default_factory=set)
    native: set[str] = field(default_factory=set)
    forced: dict[str, str] = field(default_factory=dict)
    clampable: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)


def decide(
    facts: OnnxFacts,
    nodes: Sequence[OnnxNode],
    schemas: Schemas,
    *,
    keep: Collection[str],
    to: TensorType,
    keep_io: bool,
    overflowing: WeightNumbers,
    unsound_scales: Collection[str],
    hazards: tuple[Hazard, ...] | None = None,
) -> Decision:
    """Which nodes become 16-bit.

    Args:
        facts: The model.
        nodes: Those of its main graph: inside of a subgraph nothing is converted.
        schemas: Of its operators.
        keep: Labels of nodes that stay in FP32.
        to: The 16-bit type.
        keep_io: Whether network inputs and outputs stay FP32.
        overflowing: Stored tensors with numbers that the type does not hold.
        unsound_scales: Stored tensors that may not be a quantisation's scale in the type.
        hazards: The model's, where they are known already.
    """
    made = Decision()
    if not schemas.makes("Cast"):
        # At so early an opset nothing leads into the type, as into BF16 before 13.
        return made
    if hazards is None:
        hazards = find_hazards(facts, overflowing)
    made.masks = {h.value for h in hazards if h.value is not None and h.kind is HazardKind.MASK}
    made.clampable = {
        hazard.value
        for hazard in hazards
        if hazard.value is not None
        and (
            hazard.kind is HazardKind.MASK
            or (hazard.effect is Effect.HARMLESS and hazard.cure is Cure.NONE)
        )
    }
    too_large = {tensor.name for tensor in overflowing.tensors}
    wide = {name for name, _ in wide_tensors(facts)}
    if not keep_io:
        made.native = {v.name for v in facts.inputs if v.type is _T.FLOAT and v.name not in wide}
    stored = {each.name for each in facts.initializers}
    for index, node in enumerate(nodes):
        if node.op == "Constant":
            stored.update(node.outputs)
            continue
        if node.label in keep or not _narrows(facts, schemas, node, made, stored):
            continue
        reason = _forced(node, made, too_large, unsound_scales)
        if reason is not None:
            made.forced[node.label] = reason
            continue
        made.narrow.add(index)
        made.native.update(narrow_outputs(facts.types, schemas, node))
    return made


def _narrows(
    facts: OnnxFacts, schemas: Schemas, node: OnnxNode, made: Decision, stored: Collection[str]
) -> bool:
    if node.op in SUBGRAPHS or node.op in _LEFT or node.op in READS_ANY:
        return False
    if node.domain not in STANDARD:
        return False
    types = facts.types
    if node.op == "Cast":
        source = types.get(node.inputs[0]) if node.inputs else None
        makes = types.get(node.outputs[0]) if node.outputs else None
        if makes is not _T.FLOAT:
            return False
        return source not in (_T.FLOAT, _T.DOUBLE) or node.inputs[0] in made.native
    if node.op == "ConstantOfShape":
        return types.get(node.outputs[0]) is _T.FLOAT and schemas.makes(node.op)
    floats = [name for name in node.inputs if name and types.get(name) is _T.FLOAT]
    if not floats or not narrow_inputs(types, schemas, node):
        return False
    first = node.inputs[0]
    if types.get(first) is _T.FLOAT and 0 not in narrow_inputs(types, schemas, node):
        return False
    if operators.moves(node) and node.op not in _QUANTIZERS:
        # What only moves data follows them: no Cast is put for its sake.
        data = [name for name in floats if name not in stored]
        return all(name in made.native for name in data) if data else True
    return True


def _forced(
    node: OnnxNode, made: Decision, overflowing: Collection[str], unsound: Collection[str]
) -> str | None:
    """Why a node stays in FP32 although it was not asked to."""
    for name in node.inputs:
        if name in overflowing and name not in made.clampable:
            return f"it reads {name}, which holds numbers that the type does not"
    if node.op in _QUANTIZERS and len(node.inputs) > 1 and node.inputs[1] in unsound:
        return f"its scale {node.inputs[1]} would become zero or lose digits"
    return None


def narrow_inputs(
    types: Mapping[str, TensorType], schemas: Schemas, node: OnnxNode
) -> dict[int, str]:
    """The FLOAT operands of a node that become 16-bit with it: type parameters by position."""
    operands = schemas.operands(node.op, node.domain)
    found = {}
    for position, name in enumerate(node.inputs):
        parameter = operands.input(position)
        if name and parameter is not None and types.get(name) is _T.FLOAT:
            found[position] = parameter
    return found


def narrow_outputs(types: Mapping[str, TensorType], schemas: Schemas, node: OnnxNode) -> list[str]:
    """The FLOAT results of a node that are 16-bit once it is."""
    if node.op in ("Cast", "ConstantOfShape"):
        return [name for name in node.outputs if name]
    operands = schemas.operands(node.op, node.domain)
    parameters = set(narrow_inputs(types, schemas, node).values())
    return [
        name
        for position, name in enumerate(node.outputs)
        if name and types.get(name) is _T.FLOAT and operands.output(position) in parameters
    ]


def fits_as_scale(array: Any, to: TensorType) -> bool:
    """Whether numbers stay normal numbers of the type."""
    from importlib import import_module

    numpy = import_module("numpy")
    least = 2.0**-14 if to is _T.FLOAT16 else 2.0**-126
    magnitudes = numpy.abs(array)
    return bool((magnitudes >= least).all()) if magnitudes.size else True
