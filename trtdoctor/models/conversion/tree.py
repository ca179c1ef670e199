"""A model as a tree of graphs without functions, in which every value has a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx

from ...readers.onnxmodel import FormatError

_DEEPEST = 32
_MOST_NODES = 2_000_000
# Among the names of a graph, where it stands; a value's name is never empty.
_PLACE = ""
_GRAPH = onnx.AttributeProto.GRAPH


@dataclass
class Node:
    """One operation; its subgraphs are taken out of ``proto``."""

    proto: Any
    label: str
    opset: int
    subgraphs: dict[str, Graph] = field(default_factory=dict)

    @property
    def op(self) -> str:
        """The operator."""
        return str(self.proto.op_type)

    @property
    def standard(self) -> bool:
        """Whether it is ONNX's own."""
        return self.proto.domain in ("", "ai.onnx")


@dataclass
class Graph:
    """One graph; its nodes are taken out of ``proto``."""

    proto: Any
    nodes: list[Node] = field(default_factory=list)


def grow(model: Any) -> tuple[Graph, set[str]]:
    """The tree of a model, and all names in it.

    Raises:
        FormatError: Its graphs or functions lie too deep inside each other, or a value is used
            before it is made.
    """
    return _Grower(model).grow()


class _Grower:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._functions = {
            (f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions
        }
        self._names: set[str] = set()
        self._count = 0

    def grow(self) -> tuple[Graph, set[str]]:
        opsets = {_domain(o.domain): o.version for o in self._model.opset_import}
        for value in (*self._model.graph.input, *self._model.graph.initializer):
            self._names.add(value.name)
        names = {_PLACE: "", **{name: name for name in self._names}}
        graph = self._graph(self._model.graph, names, "", opsets, {}, 0, top=True)
        return graph, self._names

    def _fresh(self, name: str, suffix: str) -> str:
        if name in self._names:
            plain = name = name + suffix
            number = 1
            while name in self._names:
                number += 1
                name = f"{plain} #{number}"
        self._names.add(name)
        return name

    def _graph(
        self,
        proto: Any,
        names: dict[str, str],
        suffix: str,
        opsets: Mapping[str, int],
        arguments: Mapping[str, Any],
        depth: int,
        top: bool = False,
    ) -> Graph:
        if depth > _DEEPEST:
            raise FormatError(f"Its graphs lie more than {_DEEPEST} deep inside each other.")
        copy = onnx.GraphProto()
        copy.CopyFrom(proto)
        nodes = list(proto.node)
        del copy.node[:]
        if not top:
            for value in (*copy.input, *copy.initializer):
                names[value.name] = self._fresh(value.name, suffix)
                value.name = names[value.name]
            for sparse in copy.sparse_initializer:
                names[sparse.values.name] = self._fresh(sparse.values.name, suffix)
                sparse.values.name = names[sparse.values.name]
        graph = Graph(copy)
        for node in nodes:
            self._node(node, graph, names, suffix, opsets, arguments, depth)
        for value in (*copy.output, *copy.value_info):
            value.name = names.get(value.name, value.name) if value.name else ""
        return graph

    def _node(
        self,
        proto: Any,
        graph: Graph,
        names: dict[str, str],
        suffix: str,
        opsets: Mapping[str, int],
        arguments: Mapping[str, Any],
        depth: int,
        results: Mapping[str, str] | None = None,
    ) -> None:
        self._count += 1
        if self._count > _MOST_NODES or depth > _DEEPEST:
            raise FormatError("Its functions unfold to more nodes than any real model has.")
        own = proto.name or (f"node_of_{proto.output[0]}" if proto.output else proto.op_type)
        function = self._functions.get(
            (proto.domain, proto.op_type, getattr(proto, "overload", ""))
        )
        inputs = []
        for name in proto.input:
            if name and name not in names:
                raise FormatError(
                    f"Its node {own + suffix!r} reads {name!r}, which no node before it makes. "
                    "Export the model again."
                )
            inputs.append(names[name] if name else "")
        attributes = _attributes(proto, arguments)
        place = f" | {own} ({proto.op_type}){suffix}"
        if function is not None:
            defaults = {a.name: a for a in function.attribute_proto}
            inner = dict(zip(function.input, inputs, strict=False))
            inner[_PLACE] = names[_PLACE]
            inner.update((name, "") for name in function.input[len(inputs) :])
            versions = {_domain(o.domain): o.version for o in function.opset_import} or opsets
            given = {**defaults, **{a.name: a for a in attributes}}
            # What the function gives back is called at once what the call calls it.
            called = {name: self._name(name, suffix, results) for name in proto.output if name}
            results_inside = {
                formal: called[name]
                for formal, name in zip(function.output, proto.output, strict=False)
                if name and formal not in inner
            }
            for part in function.node:
                self._node(part, graph, inner, place, versions, given, depth + 1, results_inside)
            for formal, name in zip(function.output, proto.output, strict=False):
                if name:
                    names[name] = called[name]
                    self._hand_through(graph, inner[formal], called[name])
            return
        copy = onnx.NodeProto()
        copy.CopyFrom(proto)
        # Where a subgraph stands, whoever reads the model appends; where a function stood, nobody.
        within = suffix[: len(suffix) - len(names[_PLACE])]
        if within:
            copy.name = own + within
        del copy.attribute[:]
        node = Node(copy, own + suffix, opsets.get(_domain(proto.domain), 0))
        for attribute in attributes:
            if attribute.type == _GRAPH or attribute.HasField("g"):
                where = f" | {attribute.g.name} ({attribute.name}){place}"
                node.subgraphs[attribute.name] = self._graph(
                    attribute.g, {**names, _PLACE: where}, where, opsets, arguments, depth + 1
                )
            else:
                copy.attribute.append(attribute)
        del copy.input[:]
        copy.input.extend(inputs)
        for index, name in enumerate(proto.output):
            if name:
                names[name] = self._name(name, suffix, results)
                copy.output[index] = names[name]
        graph.nodes.append(node)

    def _name(self, name: str, suffix: str, results: Mapping[str, str] | None) -> str:
        return results[name] if results and name in results else self._fresh(name, suffix)

    def _hand_through(self, graph: Graph, made: str, name: str) -> None:
        """Give a name to a function's result that it does not make, or gives back twice."""
        if made != name:
            copy = onnx.helper.make_node("Identity", [made], [name])
            graph.nodes.append(Node(copy, f"node_of_{name}", 1))


def _attributes(proto: Any, arguments: Mapping[str, Any]) -> list[Any]:
    found = []
    for attribute in proto.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name not in arguments:
                continue
            given = onnx.AttributeProto()
            given.CopyFrom(arguments[attribute.ref_attr_name])
            given.name = attribute.name
            attribute = given
        found.append(attribute)
    return found


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name
