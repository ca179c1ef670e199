"""Lays open a model's subgraphs and local functions, and follows types from value to value.

Names get the places where they stand appended as TensorRT's parser writes them into a layer's
metadata: ``/softmax | then (then_branch) | /choose (If)``, ``/norm | /block (Block)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..errors import FormatError
from .bounds import Allowance
from .onnx_facts import (
    MOST_VALUES,
    Number,
    OnnxFacts,
    OnnxInitializer,
    OnnxNode,
    OnnxValue,
    Shape,
    TensorType,
)
from .small_values import small_values
from .types import OperatorTypes, by_number, stash_type

_DEEPEST = 32
_SUBGRAPH_OPS = frozenset({"If", "Loop", "Scan"})
_EXTERNAL = 1
_MOST_ELEMENTS = 1 << 63
_MOST_DIMS = 64


@dataclass
class _Scope:
    """Names visible at one place, and what stands behind them."""

    suffix: str
    opsets: Mapping[str, int]
    outer: _Scope | None = None
    names: dict[str, str] = field(default_factory=dict)
    declared: dict[str, TensorType | None] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def find(self, name: str) -> str:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return name


class Flattener:
    """Walks one parsed model."""

    def __init__(
        self,
        model: Any,
        operators: OperatorTypes,
        allowed: Allowance,
        shapes: Mapping[str, Shape] | None = None,
    ) -> None:
        self._model = model
        self._inferred = shapes or {}
        self._shapes: dict[str, Shape] = {}
        self._values: dict[str, tuple[Number, ...]] = {}
        self._operators = operators
        self._allowed = allowed
        self._functions = {
            (text(f.domain), text(f.name), text(getattr(f, "overload", ""))): f
            for f in model.functions
        }
        self._types: dict[str, TensorType] = {}
        self._used: dict[str, int] = {}
        self._initializers: list[OnnxInitializer] = []
        self._nodes: list[OnnxNode] = []

    def facts(self, source: str) -> OnnxFacts:
        """Everything that is known of the model."""
        model, graph = self._model, self._model.graph
        opsets = {_domain(o.domain): o.version for o in model.opset_import}
        top = _Scope(suffix="", opsets=opsets)
        stored = {text(t.name) for t in graph.initializer}
        inputs = []
        for value in graph.input:
            if text(value.name) in stored:
                continue
            key = self._define(top, text(value.name), _declared(value))
            shape = shape_of(value)
            if shape is not None:
                self._shapes.setdefault(key, shape)
            inputs.append(OnnxValue(name=key, type=self._types.get(key), shape=shape))
        self._graph(graph, top, 0)
        outputs = [
            OnnxValue(name=key, type=self._types.get(key), shape=shape_of(value))
            for key, value in ((top.find(text(value.name)), value) for value in graph.output)
        ]
        producer = " ".join(filter(None, map(text, (model.producer_name, model.producer_version))))
        return OnnxFacts(
            source=source,
            producer=producer or None,
            ir_version=model.ir_version or None,
            opsets=opsets,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            initializers=tuple(self._initializers),
            nodes=tuple(self._nodes),
            types=self._types,
            shapes=self._shapes,
            values=self._values,
        )

    def _define(self, scope: _Scope, name: str, known: TensorType | None) -> str:
        self._allowed.nodes(0, len(name) + len(scope.suffix))
        plain = key = name + scope.suffix
        number = self._used.get(plain, 1)
        while key in self._used:
            number += 1
            key = f"{plain} #{number}"
        # The next of the name goes on from here: very many may have one name.
        self._used[plain] = number
        self._used.setdefault(key, 1)
        scope.names[name] = key
        inferred = None if scope.suffix else self._inferred.get(name)
        shape = scope.shapes.get(name) if inferred is None else inferred
        if shape is not None:
            self._shapes[key] = shape
        told = known or scope.declared.get(name)
        if told is not None:
            self._types[key] = told
        return key

    def _graph(self, graph: Any, scope: _Scope, depth: int) -> None:
        if depth > _DEEPEST:
            raise FormatError(
                f"Its graphs and functions lie more than {_DEEPEST} deep inside each other: "
                "no such model is read."
            )
        self._allowed.nodes(depth and len(graph.value_info) + len(graph.initializer), 0)
        for value in (*graph.value_info, *graph.output):
            scope.declared[text(value.name)] = _declared(value)
            shape = shape_of(value)
            if shape is not None:
                scope.shapes[text(value.name)] = shape
        for tensor in graph.initializer:
            self._initializer(text(tensor.name), tensor, scope)
        for sparse in graph.sparse_initializer:
            self._initializer(text(sparse.values.name), sparse.values, scope)
        for node in graph.node:
            self._node(node, scope, depth)

    def _initializer(self, name: str, tensor: Any, scope: _Scope) -> None:
        kind = by_number(tensor.data_type)
        key = self._define(scope, name, kind)
        sound = len(tensor.dims) <= _MOST_DIMS and all(extent >= 0 for extent in tensor.dims)
        self._initializers.append(
            OnnxInitializer(
                name=key,
                type=kind,
                elements=_elements(tensor.dims) if sound else None,
                external=tensor.data_location == _EXTERNAL,
            )
        )
        if sound:
            self._stored(key, tensor)

    def _stored(self, key: str, tensor: Any) -> None:
        """Keeps the shape of a stored tensor, and the values of a small one."""
        self._shapes[key] = tuple(tensor.dims)
        values = small_values(tensor)
        if values is not None:
            self._values[key] = values

    def _node(self, node: Any, scope: _Scope, depth: int) -> None:
        domain, op, given = _domain(node.domain), text(node.op_type), text(node.name)
        # What lies deep costs more: its names are long, and are looked for in every scope around.
        self._allowed.nodes(1 + depth // 4, len(given) + len(scope.suffix))
        inputs = [scope.find(text(name)) if name else "" for name in node.input]
        made = [text(name) for name in node.output]
        own = given or (f"node_of_{made[0]}" if made else op)
        attributes = _attributes(node, scope.arguments)
        key = (text(node.domain), op, text(getattr(node, "overload", "")))
        function = self._functions.get(key)
        if function is not None:
            self._call(function, node, own, inputs, attributes, scope, depth)
            return
        back: list[str] = []
        if op in _SUBGRAPH_OPS:
            back = self._subgraphs(node, own, inputs, attributes, scope, depth)
        types = [self._types.get(name) for name in inputs]
        if op in _SUBGRAPH_OPS:
            found = self._given_back(node, back)
        else:
            found = self._operators.outputs(
                op,
                domain,
                scope.opsets.get(domain, 0),
                types,
                len(made),
                attributes.get,
            )
        outputs = [
            self._define(scope, name, kind) if name else ""
            for name, kind in zip(made, found, strict=True)
        ]
        if op == "Constant" and outputs[:1] != [""]:
            self._constant(outputs[0], attributes)
        self._nodes.append(
            OnnxNode(
                label=own + scope.suffix,
                name=given,
                op=op,
                domain=domain,
                inputs=(*inputs, *back),
                outputs=tuple(outputs),
                stash_type=stash_type(op, attributes.get),
                float_only=self._operators.float_only(op, domain, scope.opsets.get(domain, 0)),
                numbers=_numbers(attributes),
            )
        )

    def _constant(self, key: str, attributes: Mapping[str, Any]) -> None:
        tensor = attributes.get("value")
        if tensor is not None and hasattr(tensor, "dims"):
            if len(tensor.dims) <= _MOST_DIMS and all(extent >= 0 for extent in tensor.dims):
                self._stored(key, tensor)
            return
        for name in ("value_float", "value_int", "value_floats", "value_ints"):
            told = attributes.get(name)
            if isinstance(told, tuple):
                self._shapes[key] = (len(told),)
                self._values[key] = told
            elif isinstance(told, (int, float)) and not isinstance(told, bool):
                self._shapes[key], self._values[key] = (), (told,)

    def _call(
        self,
        function: Any,
        node: Any,
        own: str,
        inputs: list[str],
        attributes: Mapping[str, Any],
        scope: _Scope,
        depth: int,
    ) -> None:
        """Puts a local function's body in the place of the call."""
        defaults = {text(a.name): _value(a) for a in function.attribute_proto}
        inner = _Scope(
            suffix=f" | {own} ({text(node.op_type)}){scope.suffix}",
            opsets={_domain(o.domain): o.version for o in function.opset_import} or scope.opsets,
            names=dict(zip(map(text, function.input), inputs, strict=False)),
            arguments={**defaults, **attributes},
        )
        if depth >= _DEEPEST:
            raise FormatError(f"Its functions call each other more than {_DEEPEST} deep.")
        for value in getattr(function, "value_info", ()):
            inner.declared[text(value.name)] = _declared(value)
        for part in function.node:
            self._node(part, inner, depth + 1)
        for formal, name in zip(function.output, node.output, strict=False):
            scope.names[text(name)] = inner.find(text(formal))

    def _subgraphs(
        self,
        node: Any,
        own: str,
        inputs: list[str],
        attributes: Mapping[str, Any],
        scope: _Scope,
        depth: int,
    ) -> list[str]:
        """Lays open the subgraphs of a node; what they give back, in the order of its outputs."""
        back: list[str] = []
        for name, graph in attributes.items():
            if not hasattr(graph, "node"):
                continue
            inner = _Scope(
                suffix=f" | {text(graph.name)} ({name}) | {own} ({text(node.op_type)}){scope.suffix}",
                opsets=scope.opsets,
                outer=scope,
                arguments=scope.arguments,
            )
            # A Loop hands a number of iterations, a condition and its state in, a Scan its state
            # and slices: of the same type as the node's own inputs.
            for index, formal in enumerate(graph.input):
                outer = inputs[index] if index < len(inputs) else ""
                if outer:
                    inner.names[text(formal.name)] = outer
                else:
                    self._define(inner, text(formal.name), _declared(formal))
            self._graph(graph, inner, depth + 1)
            given = [inner.find(text(value.name)) for value in graph.output]
            back += given[1:] if node.op_type == "Loop" else given
        return back

    def _given_back(self, node: Any, back: list[str]) -> list[TensorType | None]:
        count = len(node.output)
        answer: list[TensorType | None] = []
        for index in range(count):
            told = {self._types.get(name) for name in back[index::count]}
            answer.append(told.pop() if len(told) == 1 else None)
        return answer


def _attributes(node: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name; inside a function some come from the call."""
    found = {}
    for attribute in node.attribute:
        name, reference = text(attribute.name), text(attribute.ref_attr_name)
        if not reference:
            found[name] = _value(attribute)
        elif reference in arguments:
            found[name] = arguments[reference]
    return found


def _value(attribute: Any) -> Any:
    """An attribute's value as far as anything depends on it: numbers, a tensor or a graph."""
    for name in ("t", "g", "sparse_tensor", "f", "i", "s"):
        if attribute.HasField(name):
            return getattr(attribute, name)
    for several in (attribute.ints, attribute.floats):
        if 0 < len(several) <= MOST_VALUES:
            return tuple(several)
    return True


def _numbers(attributes: Mapping[str, Any]) -> dict[str, Number | tuple[Number, ...]]:
    return {
        name: value
        for name, value in attributes.items()
        if isinstance(value, (int, float, tuple)) and value is not True
    }


def shape_of(value: Any) -> Shape | None:
    """The shape that a value is declared with; None where its rank is not told."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or len(tensor.shape.dim) > _MOST_DIMS:
        return None
    return tuple(
        extent.dim_value if extent.HasField("dim_value") and extent.dim_value >= 0 else None
        for extent in tensor.shape.dim
    )


def _declared(value: Any) -> TensorType | None:
    return by_number(value.type.tensor_type.elem_type)


def _elements(dims: Any) -> int | None:
    """How many elements a shape has; None where no tensor could."""
    count = prod(dims)
    return count if count < _MOST_ELEMENTS else None


def _domain(name: Any) -> str:
    return "" if text(name) == "ai.onnx" else text(name)


def text(name: Any) -> str:
    """A name; protobuf gives the bytes of those that are no UTF-8."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
