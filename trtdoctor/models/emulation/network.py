"""A model as nodes that can be run one by one, each rounded or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias

from ...model.errors import InputError
from ...model.watch import UNHURRIED, Watch
from ...precision.graph import operators
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ..conversion.decide import narrow_inputs
from ..conversion.in_memory import facts_of, main_nodes
from ..conversion.operands import Schemas
from ..conversion.subgraphs import captured
from .backends import Backend, Kernel, Reference, element_type
from .rounding import Rounding

Values: TypeAlias = "dict[str, Any]"
_SMALL = 64
# Their results go to one; as a network's output less than a thousandth is told as none.
_SHARES_OF_ONE = frozenset({"Sigmoid", "HardSigmoid", "Softmax"})
_NOTHING = 1e-3


@dataclass
class Step:
    """One node of the main graph: what it reads, subgraphs included, and what it makes.

    ``rounds`` are the values among those that it reads which become 16-bit with it.
    """

    index: int
    node: OnnxNode
    proto: Any
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    rounds: frozenset[str] = frozenset()
    kernel: Kernel | None = None


@dataclass
class Network:
    """One model.

    Args:
        model: A ``ModelProto`` with its weights, without local functions.
        backend: What computes its nodes.
        clampable: Stored tensors whose too large numbers are clamped when they are rounded.
    """

    model: Any
    backend: Backend
    clampable: Collection[str] = ()
    facts: OnnxFacts = field(init=False)
    steps: list[Step] = field(init=False)
    constants: Values = field(init=False)

    def __post_init__(self) -> None:
        self.facts = facts_of(self.model)
        nodes = main_nodes(self.model, self.facts)
        helper = import_module("onnx.numpy_helper")
        schemas = Schemas(import_module("onnx"), self.facts.opsets, TensorType.FLOAT16)
        self.constants = {t.name: helper.to_array(t) for t in self.model.graph.initializer}
        self._rounded: dict[str, Any] = {}
        self.steps = []
        for proto, node in zip(self.model.graph.node, nodes, strict=True):
            inner = [name for name in dict.fromkeys(captured(proto)) if self._outer(name)]
            reads = tuple(dict.fromkeys([*(name for name in proto.input if name), *inner]))
            makes = tuple(name for name in proto.output if name)
            taken = narrow_inputs(self.facts.types, schemas, node)
            rounds = frozenset(node.inputs[position] for position in taken)
            step = Step(len(self.steps), node, proto, reads, makes, rounds)
            if node.op == "Constant":
                self.constants[makes[0]] = self._compute(step, {})[0]
            self.steps.append(step)
        self.makers = {name: step for step in self.steps for name in step.makes}
        self.readers: dict[str, list[Step]] = {}
        for step in self.steps:
            for name in step.reads:
                self.readers.setdefault(name, []).append(step)
        self.outputs = [value.name for value in self.model.graph.output]

    def floors(self) -> dict[str, float]:
        """Outputs of the network that are shares of one, and what of one is nothing."""
        found = {}
        for name in self.outputs:
            step = self.makers.get(name)
            while step is not None and operators.moves(step.node) and step.node.inputs:
                step = self.makers.get(step.node.inputs[0])
            if step is not None and step.node.op in _SHARES_OF_ONE:
                found[name] = _NOTHING
        return found

    def _outer(self, name: str) -> bool:
        return name in self.facts.types or name in self.facts.shapes

    def run(
        self,
        inputs: Mapping[str, Any],
        *,
        narrow: Collection[int] = (),
        rounding: Rounding | None = None,
        otherwise: Mapping[int, Rounding] | None = None,
        watch: Watch = UNHURRIED,
        see: Callable[[str, Any], None] | None = None,
    ) -> Values:
        """Run the whole model; what it gives back.

        Args:
            inputs: Arrays by the names of its inputs.
            narrow: Indices of the steps that are rounded.
            rounding: How.
            otherwise: Steps that are rounded in another way.
            watch: Ends it.
            see: Is shown every value when it is made, and keeps what it wants.

        Raises:
            InputError: a node cannot be run, or an input is missing.
            OutOfTime: the time was over.
        """
        last = self._last_uses()
        values: Values = dict(inputs)
        wanted = set(narrow)
        for step in self.steps:
            watch.check()
            if step.node.op == "Constant":
                continue
            how = rounding if step.index in wanted else None
            made = self.step(step, values, (otherwise or {}).get(step.index, how))
            for name, value in zip(step.makes, made, strict=False):
                values[name] = value
                if see is not None:
                    see(name, value)
            for name in last[step.index]:
                values.pop(name, None)
        return {name: self.value(name, values) for name in self.outputs}

    def _last_uses(self) -> list[list[str]]:
        if not hasattr(self, "_last"):
            last: dict[str, int] = {}
            for step in self.steps:
                last.update(dict.fromkeys((*step.reads, *step.makes), step.index))
            self._last: list[list[str]] = [[] for _ in self.steps]
            for name, index in last.items():
                if name not in self.outputs:
                    self._last[index].append(name)
        return self._last

    def value(self, name: str, values: Mapping[str, Any]) -> Any:
        """A value, wherever it stands.

        Raises:
            InputError: it is an input that was not given.
        """
        if name in values:
            return values[name]
        if name in self.constants:
            return self.constants[name]
        if any(value.name == name for value in self.facts.inputs):
            raise InputError(f"its input {name} was not given")
        raise InputError(
            f"nothing makes its value {name!r} before it is read: it is not a valid ONNX model"
        )

    def step(self, step: Step, values: Mapping[str, Any], rounding: Rounding | None) -> list[Any]:
        """Run one node on values; rounded where a rounding is given.

        Raises:
            InputError: it cannot be run.
        """
        operands = {}
        for name in step.reads:
            operands[name] = self.value(name, values)
            if rounding is not None and name in step.rounds:
                operands[name] = self._round(name, operands[name], rounding)
        made = self._compute(step, operands)
        return made if rounding is None else [rounding(each) for each in made]

    def _round(self, name: str, value: Any, rounding: Rounding) -> Any:
        if name not in self.constants:
            return rounding(value)
        key = f"{rounding.to.value} {name}"
        if key not in self._rounded:
            self._rounded[key] = rounding(value, clamp=name in self.clampable)
        return self._rounded[key]

    def _compute(self, step: Step, operands: Mapping[str, Any]) -> list[Any]:
        # Small constants that are never rounded lie in the kernel's model: some operators take them
        # only so.
        fixed = {
            name
            for name in step.reads
            if name in self.constants
            and name not in step.rounds
            and self.constants[name].size <= _SMALL
        }
        moving = [name for name in step.reads if name not in fixed]
        try:
            if step.kernel is None:
                step.kernel = self._made(step, operands, sorted(fixed), moving)
            return step.kernel([operands[name] for name in moving])
        except InputError:
            raise
        except Exception as error:
            raise InputError(_cannot(step, self.backend, error)) from error

    def _made(
        self, step: Step, operands: Mapping[str, Any], fixed: Sequence[str], moving: Sequence[str]
    ) -> Kernel:
        helper = import_module("onnx.helper")
        numpy_helper = import_module("onnx.numpy_helper")
        inputs = [
            helper.make_tensor_value_info(name, element_type(operands[name]), None)
            for name in moving
        ]
        graph = helper.make_graph(
            [step.proto],
            "one node",
            inputs,
            [helper.make_empty_tensor_value_info(name) for name in step.makes],
            [numpy_helper.from_array(self.constants[name], name) for name in fixed],
        )
        model = helper.make_model(
            graph, opset_imports=list(self.model.opset_import), ir_version=self.model.ir_version
        )
        try:
            return self.backend.kernel(model, moving)
        except Exception as error:
            if isinstance(self.backend, Reference):
                raise InputError(_cannot(step, self.backend, error)) from error
        try:
            return Reference().kernel(model, moving)
        except Exception as error:
            raise InputError(_cannot(step, self.backend, error)) from error

    def after(self, changed: Collection[str]) -> Iterator[Step]:
        """The steps that read any of these values, or what is made of them, in order."""
        dirty = set(changed)
        start = min(
            (step.index for name in changed for step in self.readers.get(name, ())),
            default=len(self.steps),
        )
        for step in self.steps[start:]:
            if any(name in dirty for name in step.reads):
                dirty.update(step.makes)
                yield step


def _cannot(step: Step, backend: Backend, error: Exception) -> str:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
    return f"{backend.name} cannot run node {step.node.label} ({step.node.op}): {said[:300]}"
