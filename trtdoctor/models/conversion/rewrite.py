"""Puts a model together again, with its nodes in the types that the survey found."""

from __future__ import annotations

from typing import Any

import onnx

from ...readers.onnxmodel import TensorType
from ...readers.onnxmodel.types import by_number
from .result import Change
from .stored import examples, masked, narrow, tensor_of
from .survey import FLOAT, Survey
from .tree import Graph, Node

_TYPED_BY = {
    "Cast": "to",
    "BlackmanWindow": "output_datatype",
    "HammingWindow": "output_datatype",
    "HannWindow": "output_datatype",
    "MelWeightMatrix": "output_datatype",
    "DequantizeLinear": "output_dtype",
}
_FLOAT_BY_DEFAULT = frozenset({"RandomNormal", "RandomUniform"}) | frozenset(
    op for op, name in _TYPED_BY.items() if name == "output_datatype"
)
_DTYPE = frozenset({"EyeLike", "RandomNormalLike", "RandomUniformLike", "Bernoulli"})


class Rewriter:
    """Writes one model.

    Attributes:
        changes: Every stored value that the new type does not hold.
        casts: The names of the Casts that were put in.
    """

    def __init__(self, survey: Survey, names: set[str], to: TensorType, *, keep_io: bool) -> None:
        self._survey = survey
        self._names = names
        self._to = to
        self._keep_io = keep_io
        self._number = int(getattr(onnx.TensorProto, to.value))
        self._now: dict[str, TensorType | None] = dict(survey.types)
        self._called: dict[str, str] = {}
        self._copies: dict[tuple[str, TensorType], str] = {}
        self._homes: dict[str, Graph] = {}
        self._made: dict[int, list[Any]] = {}
        self._results: set[str] = set()
        self._promised: set[str] = set()
        self._pending: list[tuple[Any, str, Graph]] = []
        self.changes: list[Change] = []
        self.casts: list[str] = []

    def write(self, graph: Graph) -> Any:
        """The graph, as ``onnx.GraphProto``."""
        if self._keep_io:
            self._promised = {v.name for v in graph.proto.output if self._wide(v.name)}
        for value in graph.proto.input:
            name = value.name
            stays = self._keep_io or name in self._survey.constants
            if self._wide(name) and not stays and self._survey.read_narrow(name):
                self._now[name] = self._to
                value.type.tensor_type.elem_type = self._number
        self._fill(graph)
        for value in graph.proto.output:
            if value.name in self._promised:
                self._as(value.name, FLOAT)
            elif self._wide(value.name):
                self._declare(value)
        self._prune(graph, _used(graph, self._made))
        return self._close(graph)

    def _wide(self, name: str) -> bool:
        return self._survey.types.get(name) is FLOAT

    def _fresh(self, name: str) -> str:
        plain, number = name, 1
        while name in self._names:
            number += 1
            name = f"{plain}_{number}"
        self._names.add(name)
        return name

    def _as(self, name: str, kind: TensorType | None) -> str:
        """What a value is called in a type; a Cast or a copy is made where there is none yet."""
        called = self._called.get(name, name)
        if not name or kind is None or not self._wide(name) or self._now[name] is kind:
            return called
        if (name, kind) not in self._copies:
            home = self._homes[name]
            if name in self._survey.constants and kind is self._to:
                copy = self._fresh(f"{name}_{kind.value.lower()}")
                values = masked(self._survey.held(name))
                home.proto.initializer.append(tensor_of(copy, values))
                self._tell(name)
            else:
                copy = self._cast(home, name, kind)
            self._copies[name, kind] = copy
        return self._copies[name, kind]

    def _cast(self, home: Graph, name: str, kind: TensorType) -> str:
        called = self._called.get(name, name)
        promised = name in self._promised and kind is FLOAT and called != name
        copy = name if promised else self._fresh(f"{name}_{kind.value.lower()}")
        label = f"{name}/cast_to_{kind.value.lower()}"
        number = getattr(onnx.TensorProto, kind.value)
        cast = onnx.helper.make_node("Cast", [called], [copy], name=label, to=number)
        self._made[id(home)].append(cast)
        self.casts.append(label)
        return copy

    def _tell(self, name: str) -> None:
        """List what of a constant the new type does not hold."""
        found = self._survey.held(name)
        values = masked(found)
        reader = next((n.label for n in self._survey.readers(name) if self._survey.narrow(n)), "")
        for effect, which in (("masked", found.overflow), ("flushed", found.flushed)):
            if which is not None:
                self.changes.append(
                    Change(
                        name=name,
                        node=reader,
                        effect=effect,
                        count=int(which.sum()),
                        elements=int(which.size),
                        examples=examples(found, which, values),
                    )
                )

    def _fill(self, graph: Graph) -> None:
        self._made[id(graph)] = []
        self._results.update(value.name for value in graph.proto.output)
        for value in graph.proto.input:
            self._homes[value.name] = graph
        for tensor in graph.proto.initializer:
            self._homes[tensor.name] = graph
        for sparse in graph.proto.sparse_initializer:
            self._homes[sparse.values.name] = graph
        for node in graph.nodes:
            for name in node.proto.output:
                self._homes[name] = graph
            if node.subgraphs:
                self._control(node, graph)
            else:
                self._node(node, graph)

    def _node(self, node: Node, graph: Graph) -> None:
        proto, survey = node.proto, self._survey
        given = list(proto.input)
        for index, name in enumerate(given):
            proto.input[index] = self._as(name, survey.wanted(node, index))
        types = [
            survey.wanted(node, at) or self._now.get(name)
            if self._wide(name)
            else self._now.get(name)
            for at, name in enumerate(given)
        ]
        if survey.narrow(node):
            self._retype(node)
        if node.op == "Cast" and self._drop(node, given[0], types[0]):
            return
        if node.op != "Constant":
            found = survey.outputs(node, types, proto)
            for at, name in enumerate(list(proto.output)):
                if self._wide(name):
                    default = self._to if survey.narrow(node) else FLOAT
                    self._define(proto, at, name, found[at] or default)
        self._made[id(graph)].append(proto)
        if node.op == "Cast" and self._wide(given[0]):
            kind = by_number(proto.attribute[0].i)
            if kind in (FLOAT, self._to):
                self._copies.setdefault((given[0], kind), proto.output[0])

    def _define(self, proto: Any, at: int, name: str, kind: TensorType) -> None:
        self._now[name] = kind
        if name in self._promised and kind is not FLOAT:
            self._called[name] = proto.output[at] = self._fresh(f"{name}_{kind.value.lower()}")

    def _drop(self, node: Node, source: str, kind: TensorType | None) -> bool:
        """Leave out a Cast of a value to the type that it has."""
        to = next((by_number(a.i) for a in node.proto.attribute if a.name == "to"), None)
        made = node.proto.output[0]
        if kind is None or to is not kind:
            return False
        if made in self._results:
            del node.proto.attribute[:]
            node.proto.op_type = "Identity"
            self._now[made] = kind
            if made in self._promised and kind is not FLOAT:
                node.proto.op_type = "Cast"
                node.proto.attribute.append(onnx.helper.make_attribute("to", 1))
                self._now[made] = FLOAT
            self._made[id(self._homes[made])].append(node.proto)
            return True
        self._called[made] = self._called.get(source, source)
        self._now[made] = kind
        self._homes[made] = self._homes.get(source, self._homes[made])
        return True

    def _retype(self, node: Node) -> None:
        """Change the attributes that say FLOAT."""
        proto, op = node.proto, node.op
        wanted = _TYPED_BY.get(op, "dtype" if op in _DTYPE | _FLOAT_BY_DEFAULT else "")
        told = next((a for a in proto.attribute if a.name == wanted), None) if wanted else None
        if told is not None and told.i == onnx.TensorProto.FLOAT:
            told.i = self._number
        elif told is None and op in _FLOAT_BY_DEFAULT:
            proto.attribute.append(onnx.helper.make_attribute(wanted, self._number))
        if op == "ConstantOfShape":
            held = next((a.t for a in proto.attribute if a.name == "value"), None)
            if held is None:
                held = onnx.helper.make_tensor("value", onnx.TensorProto.FLOAT, [1], [0.0])
            del proto.attribute[:]
            values = tensor_of(held.name, narrow(held, self._to).values)
            proto.attribute.append(onnx.helper.make_attribute("value", values))

    def _control(self, node: Node, graph: Graph) -> None:
        """If, Loop and Scan: what goes in and comes out has one type, whichever way it goes."""
        kind = self._to if self._survey.narrow(node) else FLOAT
        proto = node.proto
        given = list(proto.input)
        inner = list(node.subgraphs.values())
        for body in inner:
            count = len(body.proto.input)
            for at, formal in enumerate(body.proto.input):
                if self._wide(formal.name):
                    self._now[formal.name] = self._survey.handed_in(node, at - count)
                    self._declare(formal)
        for index, name in enumerate(given):
            proto.input[index] = self._as(name, self._survey.wanted(node, index))
        for body in inner:
            self._fill(body)
        skipped = 1 if node.op == "Loop" else 0
        carried = _carried(node)
        for at, name in enumerate(list(proto.output)):
            if not self._wide(name):
                continue
            backs = [body.proto.output[at + skipped] for body in inner]
            if node.op == "If":
                narrow_all = all(self._may(back.name) for back in backs)
                result = self._to if narrow_all and kind is self._to else FLOAT
            elif at < carried:
                result = self._now[inner[0].proto.input[at + 2 * skipped].name] or FLOAT
            else:
                result = self._now.get(backs[0].name) or kind
            for body, back in zip(inner, backs, strict=True):
                self._give(body, back, result)
            self._define(proto, at, name, result)
        for body in inner:
            for value in body.proto.output:
                if self._wide(value.name):
                    self._declare(value)
        for key, body in node.subgraphs.items():
            self._pending.append((proto, key, body))
        self._made[id(graph)].append(proto)

    def _may(self, name: str) -> bool:
        return self._now.get(name) is self._to or name in self._survey.constants

    def _give(self, body: Graph, value: Any, kind: TensorType) -> None:
        name = value.name
        if self._now.get(name) is not kind:
            at_home = self._homes.get(name) is body
            value.name = self._as(name, kind) if at_home else self._cast(body, name, kind)
            self._now[value.name] = kind
            self._survey.types[value.name] = FLOAT
        elif self._called.get(name, name) != name:
            copy = self._fresh(f"{name}_out")
            passed = onnx.helper.make_node("Identity", [self._called[name]], [copy])
            self._made[id(body)].append(passed)
            value.name = copy
            self._now[copy], self._survey.types[copy] = kind, FLOAT
        value.type.tensor_type.elem_type = getattr(onnx.TensorProto, kind.value)

    def _declare(self, value: Any) -> None:
        kind = self._now.get(value.name)
        if kind is not None:
            value.type.tensor_type.elem_type = getattr(onnx.TensorProto, kind.value)

    def _prune(self, graph: Graph, used: set[str]) -> None:
        """Take out constants that only converted copies of are read."""
        for home in [graph, *(body for _, _, body in self._pending)]:
            gone = {
                name
                for name, kind in self._copies
                if kind is self._to
                and name in self._survey.constants
                and name not in used
                and self._homes[name] is home
            }
            made = self._made[id(home)]
            made[:] = [n for n in made if n.op_type != "Constant" or n.output[0] not in gone]
            for field in (home.proto.initializer, home.proto.input):
                for at in reversed(range(len(field))):
                    if field[at].name in gone:
                        del field[at]

    def _close(self, graph: Graph) -> Any:
        """Put nodes and subgraphs into their messages, the innermost first."""
        for proto, key, body in reversed(self._pending):
            self._finish(body)
            proto.attribute.append(onnx.helper.make_attribute(key, body.proto))
        self._finish(graph)
        return graph.proto

    def _finish(self, graph: Graph) -> None:
        infos = graph.proto.value_info
        for at in reversed(range(len(infos))):
            name = infos[at].name
            if name in self._called or name not in self._homes:
                del infos[at]
            elif self._wide(name):
                self._declare(infos[at])
        graph.proto.node.extend(self._made[id(graph)])


def _carried(node: Node) -> int:
    """How many values go from one turn of a Loop or a Scan to the next."""
    formals = len(next(iter(node.subgraphs.values())).proto.input)
    if node.op == "Loop":
        return formals - 2
    scanned = sum(a.i for a in node.proto.attribute if a.name == "num_scan_inputs")
    return formals - int(scanned)


def _used(graph: Graph, made: dict[int, list[Any]]) -> set[str]:
    used: set[str] = set()
    waiting = [graph]
    while waiting:
        at = waiting.pop()
        used.update(value.name for value in at.proto.output)
        used.update(name for node in made[id(at)] for name in node.input)
        waiting += [inner for node in at.nodes for inner in node.subgraphs.values()]
    return used
