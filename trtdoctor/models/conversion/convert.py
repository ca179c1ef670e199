"""Rewrites a model with its nodes in the types that were decided for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.conversion_plan import ChangedConstant, Conversion
from ...model.weight_numbers import StoredTensor, WeightNumbers
from ...precision.numbers.hazards import find_hazards
from ...readers.errors import naming
from ...readers.onnxmodel import FormatError, OnnxFacts, OnnxNode, TensorType
from ...readers.onnxmodel.bounds import Allowance
from ...readers.onnxmodel.flatten import Flattener, text
from ...readers.onnxmodel.types import OperatorTypes
from .decide import SUBGRAPHS, Decision, decide, fits_as_scale, narrow_inputs, narrow_outputs
from .load import load_model
from .numbers import array_of, narrowed, overflows
from .operands import Schemas

_T = TensorType
_SUFFIX = {_T.FLOAT16: "fp16", _T.BFLOAT16: "bf16"}
# Models are in memory as a whole here, so what is read of their graph needs no bound of its own.
_SIZE = 1 << 40


@dataclass(frozen=True)
class Converted:
    """A converted model, a ``ModelProto``, and what was done to it."""

    model: Any
    conversion: Conversion


def facts_of(model: Any, name: str = "model") -> OnnxFacts:
    """What is known of a model that is in memory.

    Raises:
        FormatError: its graphs lie too deep inside each other.
    """
    onnx = import_module("onnx")
    return Flattener(model, OperatorTypes(onnx), Allowance(_SIZE)).facts(name)


def main_nodes(model: Any, facts: OnnxFacts) -> list[OnnxNode]:
    """The facts of each node of a model's main graph, in its order."""
    inner = iter(facts.nodes)
    found = []
    for node in model.graph.node:
        outputs = tuple(map(text, node.output))
        fact = next(
            (each for each in inner if each.op == node.op_type and each.outputs == outputs), None
        )
        if fact is None:
            raise FormatError("Two of its values have one name. Export the model again.")
        found.append(fact)
    return found


def convert(
    given: Path | Any,
    *,
    keep: Collection[str] = (),
    to: TensorType = TensorType.FLOAT16,
    keep_io: bool = False,
) -> Converted:
    """A model with all nodes that can be in a 16-bit type, but those to keep.

    Args:
        given: A file, or a ``ModelProto`` without local functions, which is not changed.
        keep: Labels of nodes that stay in FP32.
        to: FLOAT16 or BFLOAT16.
        keep_io: Whether network inputs and outputs stay as they are, with Casts inside.

    Raises:
        InputError: external data are missing or lie outside the model's folder, or ONNX refuses it.
        FormatError: the file is no ONNX model, or a damaged one.
        OSError: it cannot be read.
    """
    if not isinstance(given, Path):
        return _convert(given, keep, to, keep_io=keep_io)
    original = load_model(given)
    with naming(str(given)):
        try:
            return _convert(original, keep, to, keep_io=keep_io)
        except FormatError:
            raise
        except (AttributeError, LookupError, StopIteration, TypeError, ValueError) as error:
            # What breaks the rules of ONNX can break anything: onnx says which rule it was.
            complaint = _complaint(original)
            if complaint is None:
                raise
            raise FormatError(f"It is no valid ONNX model: {complaint} Export it again.") from error


def _complaint(model: Any) -> str | None:
    """Which rule of ONNX's a model breaks, in one line; None where none is known."""
    checker = import_module("onnx.checker")
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        return " ".join(str(error).split())[:300]
    return None


def _convert(original: Any, keep: Collection[str], to: TensorType, *, keep_io: bool) -> Converted:
    facts = facts_of(original)
    nodes = main_nodes(original, facts)
    schemas = Schemas(import_module("onnx"), facts.opsets, to)
    arrays = stored_floats(original)
    decision = decide_for(facts, nodes, schemas, arrays, keep=keep, to=to, keep_io=keep_io)
    rewriter = _Rewriter(original, facts, nodes, decision, schemas, arrays, to, keep_io=keep_io)
    model = rewriter.model()
    return Converted(
        model,
        Conversion(
            type=to.value,
            nodes=len(decision.narrow),
            kept=tuple(n.label for n in nodes if n.label in set(keep)),
            casts=_casts(model) - _casts(original),
            constants=tuple(rewriter.changes),
            forced=tuple(decision.forced.items()),
            notes=tuple(_notes(facts, nodes)),
        ),
    )


def stored_floats(model: Any) -> dict[str, Any]:
    """The FLOAT tensors that a model's main graph stores, as numpy arrays."""
    return {name: array_of(tensor) for name, tensor in _stored(model.graph)}


def decide_for(
    facts: OnnxFacts,
    nodes: list[OnnxNode],
    schemas: Schemas,
    arrays: dict[str, Any],
    *,
    keep: Collection[str],
    to: TensorType,
    keep_io: bool,
) -> Decision:
    """Which nodes become 16-bit, by the model's own numbers."""
    return Decider(facts, nodes, schemas, arrays, to=to, keep_io=keep_io).decide(keep)


class Decider:
    """Decides for one model again and again, with other nodes kept; what does not change is found once."""

    def __init__(
        self,
        facts: OnnxFacts,
        nodes: list[OnnxNode],
        schemas: Schemas,
        arrays: dict[str, Any],
        *,
        to: TensorType,
        keep_io: bool,
    ) -> None:
        self._facts, self._nodes, self._schemas = facts, nodes, schemas
        self._to, self._keep_io = to, keep_io
        self._overflowing = _overflowing(arrays, to)
        self._unsound = {n for n, array in arrays.items() if not fits_as_scale(array, to)}
        self._hazards = find_hazards(facts, self._overflowing)

    def decide(self, keep: Collection[str]) -> Decision:
        """Which nodes become 16-bit, with these kept."""
        return decide(
            self._facts,
            self._nodes,
            self._schemas,
            keep=keep,
            to=self._to,
            keep_io=self._keep_io,
            overflowing=self._overflowing,
            unsound_scales=self._unsound,
            hazards=self._hazards,
        )


def _overflowing(arrays: dict[str, Any], to: TensorType) -> WeightNumbers:
    """The stored tensors with numbers that a type does not hold, as the hazards ask for them."""
    return WeightNumbers(
        tensors=tuple(
            StoredTensor(
                name=name, elements=int(array.size), read=True, largest=_most(array), overflow=1
            )
            for name, array in arrays.items()
            if overflows(array, to)
        )
    )


def _most(array: Any) -> float:
    numpy = import_module("numpy")
    return float(numpy.abs(array[numpy.isfinite(array)]).max(initial=0))


def _casts(model: Any) -> int:
    return sum(node.op_type == "Cast" for node in model.graph.node)


def _notes(facts: OnnxFacts, nodes: list[OnnxNode]) -> Iterator[str]:
    subgraphs = [node.label for node in nodes if node.op in SUBGRAPHS]
    if subgraphs:
        yield f"What is inside {_few(subgraphs)} stays in FP32, with Casts around."
    foreign = sorted({node.domain for node in nodes if node.domain not in ("", "ai.onnx")})
    if foreign:
        yield f"Operators of {_few(foreign)} stay as they are: which types they take is not known."
    if _T.DOUBLE in facts.types.values():
        yield "Values of DOUBLE stay as they are; TensorRT computes them in FP32."


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _stored(graph: Any) -> Iterator[tuple[str, Any]]:
    """Stored FLOAT tensors of the main graph, those of Constant nodes among them."""
    for tensor in graph.initializer:
        if tensor.data_type == 1:
            yield text(tensor.name), tensor
    helper = import_module("onnx.helper")
    for node in graph.node:
        if node.op_type != "Constant":
            continue
        for attribute in node.attribute:
            if attribute.name == "value" and attribute.t.data_type == 1:
                yield text(node.output[0]), attribute.t
            elif attribute.name == "value_float":
                yield text(node.output[0]), helper.make_tensor("", 1, [], [attribute.f])
            elif attribute.name == "value_floats":
                floats = list(attribute.floats)
                yield text(node.output[0]), helper.make_tensor("", 1, [len(floats)], floats)


@dataclass
class _Rewriter:
    original: Any
    facts: OnnxFacts
    nodes: list[OnnxNode]
    decision: Decision
    schemas: Schemas
    arrays: dict[str, Any]
    to: TensorType
    keep_io: bool
    changes: list[ChangedConstant] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.helper = import_module("onnx.helper")
        self.number = getattr(import_module("onnx").TensorProto, self.to.value)
        self.used = self._all_names()
        self.narrow_reads = [self._reads(i, node) for i, node in enumerate(self.nodes)]
        self.wants_full = self._wants_full()
        self.wants_half = {
            node.inputs[position]
            for node, reads in zip(self.nodes, self.narrow_reads, strict=True)
            for position in reads
        }
        self.half: dict[str, str] = {}
        for name in sorted(self.wants_half | self.decision.native):
            shared = name in self.wants_full or name not in self.decision.native
            if name in self.arrays:
                shared = name in self.wants_full
            self.half[name] = self._fresh(name) if shared else name
        self.renamed: dict[str, str] = {}
        self.made: list[Any] = []

    def _all_names(self) -> set[str]:
        names = set(self.facts.types) | {name for node in self.nodes for name in node.outputs}
        names |= {name for node in self.original.graph.node for name in captured(node)}
        return names | {value.name for value in (*self.facts.inputs, *self.facts.outputs)}

    def _fresh(self, name: str) -> str:
        made = f"{name}_{_SUFFIX[self.to]}"
        while made in self.used:
            made += "_"
        self.used.add(made)
        return made

    def _reads(self, index: int, node: OnnxNode) -> tuple[int, ...]:
        """Positions at which a node reads the 16-bit version of a value."""
        native = self.decision.native
        if index in self.decision.narrow and node.op not in ("Cast", "ConstantOfShape"):
            return tuple(narrow_inputs(self.facts.types, self.schemas, node))
        if node.op in ("Cast", "Shape", "Size") and node.inputs and node.inputs[0] in native:
            return (0,)
        # A Cast of stored numbers to the type is one copy of them.
        folds = node.op == "Cast" and node.inputs[0] in self.arrays
        return (0,) if folds and self.facts.types.get(node.outputs[0]) is self.to else ()

    def _wants_full(self) -> set[str]:
        wanted: set[str] = set()
        for node, proto, reads in zip(
            self.nodes, self.original.graph.node, self.narrow_reads, strict=True
        ):
            wanted.update(n for at, n in enumerate(proto.input) if at not in reads)
            if node.op in SUBGRAPHS:
                wanted.update(captured(proto))
        wanted.update(v.name for v in self.facts.outputs if not self._narrow_output(v.name))
        return wanted

    def _narrow_output(self, name: str) -> bool:
        from ...precision.numbers import wide_tensors

        if self.keep_io or name not in self.decision.native:
            return False
        if not hasattr(self, "_wide"):
            self._wide = {each for each, _ in wide_tensors(self.facts)}
        return name not in self._wide

    def model(self) -> Any:
        """The whole model, rewritten."""
        model = import_module("onnx").ModelProto()
        model.CopyFrom(self.original)
        graph = model.graph
        self._constants(graph)
        self._inputs(graph)
        for index, (proto, node) in enumerate(
            zip(self.original.graph.node, self.nodes, strict=True)
        ):
            self._node(index, proto, node)
        self._outputs(graph)
        del graph.node[:]
        graph.node.extend(_needed(self.made, graph, self._types()))
        self._value_info(graph)
        return model

    def _types(self) -> dict[str, int]:
        """The types of the values that were there before, by number."""
        numbers = import_module("onnx").TensorProto
        types = {
            name: int(getattr(numbers, kind.value))
            for name, kind in self.facts.types.items()
            if hasattr(numbers, kind.value)
        }
        return types | dict.fromkeys(self.half.values(), int(self.number))

    def _constants(self, graph: Any) -> None:
        """Stored tensors in the types that they are read in; beside each other where in both."""
        kept = []
        for tensor in graph.initializer:
            name = text(tensor.name)
            if name not in self.arrays or name in self.wants_full or name not in self.half:
                kept.append(tensor)
        made = [self._narrowed(name) for name in self.arrays if name in self.wants_half]
        del graph.initializer[:]
        graph.initializer.extend([*kept, *made])

    def _narrowed(self, name: str) -> Any:
        readers = [
            node.label
            for node, reads in zip(self.nodes, self.narrow_reads, strict=True)
            if any(node.inputs[position] == name for position in reads)
        ]
        found = narrowed(
            self.half[name],
            self.arrays[name],
            self.to,
            tuple(readers),
            mask=name in self.decision.masks,
        )
        if found.change is not None:
            import msgspec

            self.changes.append(msgspec.structs.replace(found.change, name=name))
        return found.tensor

    def _inputs(self, graph: Any) -> None:
        for value in graph.input:
            name = text(value.name)
            if name in self.arrays:
                if self.half.get(name) == name:
                    value.type.tensor_type.elem_type = self.number
            elif name in self.decision.native:
                if name in self.wants_full and self.half[name] != name:
                    # The network's own name stays with the network's own tensor.
                    full = self._fresh_full(name)
                    self.half[name] = name
                    self._cast(name, full, 1)
                    self.renamed[name] = full
                value.type.tensor_type.elem_type = self.number
            elif name in self.wants_half:
                self._cast(name, self.half[name], self.number)

    def _fresh_full(self, name: str) -> str:
        made = f"{name}_fp32"
        while made in self.used:
            made += "_"
        self.used.add(made)
        return made

    def _cast(self, source: str, target: str, number: int) -> None:
        node = self.helper.make_node("Cast", [source], [target], name=f"{target}_cast", to=number)
        self.made.append(node)

    def _node(self, index: int, proto: Any, node: OnnxNode) -> None:
        narrow = index in self.decision.narrow
        if proto.op_type == "Constant" and text(proto.output[0]) in self.arrays:
            if text(proto.output[0]) in self.wants_full:
                self.made.append(proto)
            return
        made = import_module("onnx").NodeProto()
        made.CopyFrom(proto)
        reads = self.narrow_reads[index]
        for position, name in enumerate(map(text, proto.input)):
            if position in reads:
                made.input[position] = self.half[name]
            elif name in self.renamed:
                made.input[position] = self.renamed[name]
        if node.op in SUBGRAPHS and self.renamed:
            _rename_captured(made, self.renamed)
        outputs = narrow_outputs(self.facts.types, self.schemas, node) if narrow else []
        for position, name in enumerate(node.outputs):
            if name in outputs:
                made.output[position] = self.half[name]
        if narrow and proto.op_type in ("Cast", "ConstantOfShape"):
            self._retype(made)
        self.made.append(made)
        for name in dict.fromkeys(n for n in node.outputs if n):
            if name in outputs and self.half[name] != name:
                self._cast(self.half[name], name, 1)
            elif name not in outputs and self._casts_down(name):
                self._cast(name, self.half[name], self.number)

    def _casts_down(self, name: str) -> bool:
        wanted = name in self.wants_half and name not in self.arrays
        return wanted and self.facts.types.get(name) is _T.FLOAT

    def _retype(self, made: Any) -> None:
        """A Cast to FLOAT, or a constant of a shape, in the 16-bit type."""
        if made.op_type == "Cast":
            for attribute in made.attribute:
                if attribute.name == "to":
                    attribute.i = self.number
            return
        value = next((a for a in made.attribute if a.name == "value"), None)
        import numpy

        array = numpy.zeros(1, numpy.float32) if value is None else array_of(value.t)
        found = narrowed("", array, self.to, (text(made.name),))
        if found.change is not None:
            import msgspec

            self.changes.append(msgspec.structs.replace(found.change, name=text(made.output[0])))
        if value is None:
            value = made.attribute.add()
            value.name, value.type = "value", 4
        value.t.CopyFrom(found.tensor)

    def _outputs(self, graph: Any) -> None:
        for value in graph.output:
            name = text(value.name)
            if not self._narrow_output(name):
                if name in self.renamed:
                    # A network output that is a network input, wanted in FP32.
                    self._cast(self.renamed[name], name, 1)
                continue
            value.type.tensor_type.elem_type = self.number
            if self.half[name] != name:
                self._swap(name)

    def _swap(self, name: str) -> None:
        """The network's own name goes to the 16-bit version of one of its outputs."""
        half, full = self.half[name], self._fresh_full(name)
        for node in self.made:
            for names in (node.input, node.output):
                for position, each in enumerate(names):
                    if each == name:
                        names[position] = full
                    elif each == half:
                        names[position] = name
            _rename_captured(node, {name: full, half: name})
        self.half[name] = name

    def _value_info(self, graph: Any) -> None:
        half = set(self.half.values())
        kept = []
        made = {name for node in graph.node for name in node.output}
        for value in graph.value_info:
            if text(value.name) not in made:
                continue
            if text(value.name) in half and value.type.tensor_type.elem_type == 1:
                value.type.tensor_type.elem_type = self.number
            kept.append(value)
        copies = []
        for value in kept:
            copy = type(value)()
            copy.CopyFrom(value)
            copies.append(copy)
        del graph.value_info[:]
        graph.value_info.extend(copies)


def captured(node: Any) -> Iterator[str]:
    """Every name that the subgraphs of a node use; those of values outside are among them."""
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                yield from map(text, inner.input)
                yield from captured(inner)
            yield from (text(value.name) for value in graph.output)


def _rename_captured(node: Any, names: dict[str, str]) -> None:
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            own = {text(v.name) for v in (*graph.input, *graph.initializer)}
            own |= {text(name) for inner in graph.node for name in inner.output}
            outer = {old: new for old, new in names.items() if old not in own}
            for inner in graph.node:
                for position, name in enumerate(map(text, inner.input)):
                    if name in outer:
                        inner.input[position] = outer[name]
                _rename_captured(inner, outer)
            for value in graph.output:
                if text(value.name) in outer:
                    # A body gives a value of outside back: it needs a node of its own for that.
                    identity = graph.node.add()
                    identity.op_type, identity.name = "Identity", f"{value.name}_back"
                    identity.input.append(outer[text(value.name)])
                    identity.output.append(value.name)


def _needed(nodes: list[Any], graph: Any, types: dict[str, int]) -> list[Any]:
    """The nodes without Casts that nobody reads, and past Casts that change nothing."""
    wanted = {text(value.name) for value in graph.output}
    wanted |= {name for node in nodes for name in captured(node)}
    kept: list[Any] = []
    for node in reversed(nodes):
        idle = node.op_type in ("Cast", "Constant") and not any(n in wanted for n in node.output)
        if idle:
            continue
        wanted.update(node.input)
        kept.append(node)
    return _without_idle_casts(kept[::-1], graph, types)


def _without_idle_casts(nodes: list[Any], graph: Any, types: dict[str, int]) -> list[Any]:
    """Past Casts whose operand is of their type already: what reads them reads that."""
    fixed = {text(value.name) for value in graph.output}
    fixed |= {name for node in nodes for name in captured(node)}
    instead: dict[str, str] = {}
    kept = []
    for node in nodes:
        for position, name in enumerate(node.input):
            if name in instead:
                node.input[position] = instead[name]
        if node.op_type == "Cast":
            to = next((a.i for a in node.attribute if a.name == "to"), 0)
            if types.get(node.input[0]) == to and node.output[0] not in fixed:
                instead[node.output[0]] = node.input[0]
                continue
            types[node.output[0]] = to
        kept.append(node)
    return kept
