"""Rewrites a graph with its nodes in the types that were decided for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ...model.conversion_plan import ChangedConstant
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ...readers.onnxmodel.flatten import text
from .decide import SUBGRAPHS, Decision, narrow_inputs, narrow_outputs
from .numbers import array_of, narrowed
from .operands import Schemas
from .subgraphs import captured, rename_captured
from .tidy import needed

_T = TensorType
_SUFFIX = {_T.FLOAT16: "fp16", _T.BFLOAT16: "bf16"}


@dataclass
class Rewriter:
    """Rewrites one model; ``changes`` are the stored tensors that changed beyond rounding."""

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
        graph.node.extend(needed(self.made, graph, self._types()))
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
            rename_captured(made, self.renamed)
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
            rename_captured(node, {name: full, half: name})
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
