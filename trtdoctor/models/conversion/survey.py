"""Which nodes compute in the new type, decided before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import onnx

from ...readers.onnxmodel import TensorType
from ...readers.onnxmodel.types import OperatorTypes, by_number
from .result import LeftWide
from .schemas import makes, operands
from .stored import Narrow, constant_tensor, narrow
from .tree import Graph, Node

FLOAT = TensorType.FLOAT
AS_IS = frozenset({"Cast", "Shape", "Size"})
"""Operators that take a value in whichever type it has."""

_MOVES = frozenset(
    {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Gather"}
    | {"Split", "Concat", "Expand", "Tile", "DepthToSpace", "SpaceToDepth"}
)
_MASKING = frozenset({"Add", "Where", "Mul"})
_TO_SOFTMAX = _MOVES | _MASKING | {"Cast", "Sub", "Max", "Min"}
_FURTHEST = 64


class Survey:
    """What is known of a model before its conversion.

    Attributes:
        types: Element types of values as they are.
        constants: FLOAT tensors by value.
        left: Nodes that stay in FP32 without having been asked for.
        order: All nodes, each before those of its subgraphs and before those that read it.
    """

    def __init__(
        self, graph: Graph, keep: Collection[str], to: TensorType, *, keep_io: bool
    ) -> None:
        self._keep = frozenset(keep)
        self._to = to
        self._operators = OperatorTypes(onnx)
        self._readers: dict[str, list[tuple[Node, int]]] = {}
        self._makers: dict[str, Node] = {}
        self._held: dict[str, Narrow] = {}
        self._narrow: set[int] = set()
        self._outside: set[str] = set()
        self.types: dict[str, TensorType | None] = {}
        self.constants: dict[str, Any] = {}
        self.left: list[LeftWide] = []
        self.order: list[Node] = []
        self._look(graph)
        if keep_io:
            self._outside = {value.name for value in graph.proto.output}
        self._inputs = {value.name for value in graph.proto.input} if keep_io else set()
        for node in self.order:
            if self._computes_narrow(node):
                self._narrow.add(id(node))
        self._settle()

    def narrow(self, node: Node) -> bool:
        """Whether a node computes in the new type."""
        return id(node) in self._narrow

    def wanted(self, node: Node, index: int) -> TensorType | None:
        """In which type a node takes an operand that is FLOAT; None for the one it has."""
        if node.standard and node.op in AS_IS:
            return None
        if not self.narrow(node):
            return FLOAT
        if node.subgraphs:
            return self.handed_in(node, index - len(node.proto.input))
        formals = operands(node.op, node.opset, self._to) or ()
        may = bool(formals) and formals[min(index, len(formals) - 1)][1]
        return self._to if may else FLOAT

    def held(self, name: str) -> Narrow:
        """A constant in the new type."""
        if name not in self._held:
            self._held[name] = narrow(self.constants[name], self._to)
        return self._held[name]

    def read_narrow(self, name: str) -> bool:
        """Whether any node takes a value in the new type."""
        return any(
            self.wanted(node, index) is self._to for node, index in self._readers.get(name, ())
        )

    def handed_in(self, node: Node, at: int) -> TensorType:
        """The type of what a Loop or a Scan hands into its body, counted from the last operand."""
        formals = [list(body.proto.input) for body in node.subgraphs.values()]
        reads = (self.read_narrow(each[at].name) for each in formals if -at <= len(each))
        return self._to if self.narrow(node) and any(reads) else FLOAT

    def readers(self, name: str) -> Iterator[Node]:
        """The nodes that read a value."""
        return (node for node, _ in self._readers.get(name, ()))

    def _look(self, graph: Graph) -> None:
        declared = {
            value.name: by_number(value.type.tensor_type.elem_type)
            for value in (*graph.proto.value_info, *graph.proto.input, *graph.proto.output)
        }
        for value in graph.proto.input:
            self.types.setdefault(value.name, declared[value.name])
        for tensor in graph.proto.initializer:
            self.types[tensor.name] = by_number(tensor.data_type)
            if tensor.data_type == onnx.TensorProto.FLOAT:
                self.constants[tensor.name] = tensor
        for sparse in graph.proto.sparse_initializer:
            self.types[sparse.values.name] = by_number(sparse.values.data_type)
        for node in graph.nodes:
            self.order.append(node)
            for index, name in enumerate(node.proto.input):
                self._readers.setdefault(name, []).append((node, index))
            for name in node.proto.output:
                self._makers[name] = node
            for inner in node.subgraphs.values():
                self._hand_in(node, inner)
                self._look(inner)
            for name, kind in zip(node.proto.output, self._made(node), strict=False):
                self.types[name] = kind or declared.get(name)
            tensor = constant_tensor(node.proto) if node.op == "Constant" else None
            if tensor is not None:
                self.constants[node.proto.output[0]] = tensor

    def _hand_in(self, node: Node, inner: Graph) -> None:
        formals = inner.proto.input
        given = list(node.proto.input)[-len(formals) :] if formals else []
        for formal, name in zip(formals, given, strict=False):
            self.types[formal.name] = by_number(
                formal.type.tensor_type.elem_type
            ) or self.types.get(name)

    def _made(self, node: Node) -> list[TensorType | None]:
        count = len(node.proto.output)
        if node.subgraphs:
            found: list[TensorType | None] = [None] * count
            for inner in node.subgraphs.values():
                back = [self.types.get(value.name) for value in inner.proto.output]
                back = back[1:] if node.op == "Loop" else back
                found = [old or new for old, new in zip(found, back, strict=False)] or found
            return found
        return self.outputs(node, [self.types.get(name) for name in node.proto.input], node.proto)

    def outputs(
        self, node: Node, types: list[TensorType | None], proto: Any
    ) -> list[TensorType | None]:
        """The types of a node's outputs, given those of its operands."""
        given = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        domain = "" if node.standard else proto.domain
        return self._operators.outputs(
            node.op, domain, node.opset, types, len(proto.output), given.get
        )

    def _computes_narrow(self, node: Node) -> bool:
        floats = [
            (at, name) for at, name in enumerate(node.proto.input) if self.types.get(name) is FLOAT
        ]
        gives = any(self.types.get(name) is FLOAT for name in node.proto.output)
        again = node.op == "Cast" and self.types.get(node.proto.input[0]) is self._to
        kept = node.label in self._keep and not again
        if kept or not (floats or gives) or node.op == "Constant":
            return False
        if node.subgraphs:
            return True
        reason = self._reason(node, floats)
        if reason is not None:
            self.left.append(LeftWide(node=node.label, op=node.op, reason=reason))
        return reason is None

    def _reason(self, node: Node, floats: list[tuple[int, str]]) -> str | None:
        """Why a node cannot compute in the new type."""
        kind = self._to.value
        if not node.standard:
            return f"{node.proto.domain} is not ONNX's own domain, and what it takes is not known"
        formals = operands(node.op, node.opset, self._to)
        if formals is None:
            return f"this version of onnx does not know {node.op} at opset {node.opset}"
        if any(word in node.op for word in ("Sequence", "Optional")):
            return f"{node.op} handles sequences, whose types are not followed"
        may = [at for at, _ in floats if formals and formals[min(at, len(formals) - 1)][1]]
        if node.op not in AS_IS and floats and not may:
            return f"ONNX defines {node.op} at opset {node.opset} without {kind}"
        if not floats and not makes(node.op, node.opset, self._to):
            return f"ONNX defines {node.op} at opset {node.opset} without {kind}"
        shared = {formals[min(at, len(formals) - 1)][0] for at in may}
        for at, name in enumerate(node.proto.input):
            formal = formals[min(at, len(formals) - 1)][0] if formals else ""
            if name and formal and formal in shared and self.types.get(name) is not FLOAT:
                known = self.types.get(name)
                return f"its operand {name!r} is " + (known.value if known else "of unknown type")
        return self._too_large(node, [name for at, name in floats if at in may])

    def _too_large(self, node: Node, names: list[str]) -> str | None:
        for name in names:
            if name not in self.constants or node.op in AS_IS:
                continue
            found = self.held(name)
            if found.overflow is None:
                continue
            if found.masks and node.op in _MASKING and self._before_softmax(node):
                continue
            count, largest = int(found.overflow.sum()), float(abs(found.wide[found.overflow]).max())
            return (
                f"its constant {name!r} holds {count:,} values of up to {largest:.4g}, "
                f"which {self._to.value} does not hold"
            )
        value = next((a.t for a in node.proto.attribute if a.name == "value"), None)
        made = value if node.op == "ConstantOfShape" else None
        if made is not None and narrow(made, self._to).overflow is not None:
            return f"its value does not fit {self._to.value}"
        return None

    def _before_softmax(self, node: Node) -> bool:
        """Whether all that is made of a node's result ends in a Softmax, where a mask's numbers act."""
        waiting, seen = [node], {id(node)}
        while waiting:
            at = waiting.pop()
            readers = [r for name in at.proto.output for r in self.readers(name)]
            if not readers or len(seen) > _FURTHEST:
                return False
            for reader in readers:
                if reader.op in ("Softmax", "LogSoftmax", "Shape"):
                    continue
                if reader.op not in _TO_SOFTMAX:
                    return False
                if id(reader) not in seen:
                    seen.add(id(reader))
                    waiting.append(reader)
        return True

    def _settle(self) -> None:
        """Leave nodes that compute nothing in FP32 where that saves Casts or digits."""
        beside: set[int] = set()
        for node in self.order:
            if not self.narrow(node) or node.op not in _MOVES:
                continue
            sources = [
                name
                for name in node.proto.input
                if self.types.get(name) is FLOAT and name not in self.constants
            ]
            if sources and all(self._comes_wide(name, beside) for name in sources):
                beside.add(id(node))
        for node in reversed(self.order):
            if not self.narrow(node) or node.subgraphs:
                continue
            goes = [self._goes_wide(name) for name in node.proto.output]
            reads = [self.types.get(name) for name in node.proto.input]
            if id(node) in beside and all(goes):
                self._narrow.discard(id(node))
            elif FLOAT not in reads and (all(goes) if self._to in reads else any(goes)):
                # Whole numbers, for one, keep their digits for whoever reads them in FP32.
                self._narrow.discard(id(node))

    def _comes_wide(self, name: str, beside: set[int]) -> bool:
        maker = self._makers.get(name)
        if maker is None:
            return name in self._inputs
        if all(self.types.get(name) is not FLOAT for name in maker.proto.input):
            return True
        return not self.narrow(maker) or id(maker) in beside

    def _goes_wide(self, name: str) -> bool:
        wants = [self.wanted(node, index) for node, index in self._readers.get(name, ())]
        known = [want for want in wants if want is not None]
        return (bool(known) or name in self._outside) and self._to not in known
