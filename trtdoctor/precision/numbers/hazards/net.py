"""A model's graph as the hazards ask for it: who makes a value, who reads it, what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isfinite, prod

from ....model.report import Evidence
from ....model.value_range import ValueRange
from ....model.weight_numbers import StoredTensor, WeightNumbers
from ....readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ...graph import operators

LARGEST = 65504.0
"""The largest finite FP16 number (IEEE 754 binary16)."""
OVERFLOWS = 65520.0
"""This and more is rounded to infinity."""
VANISHES = 2.0**-25
"""This and less is rounded to zero."""
SUBNORMAL = 2.0**-14
"""Less than this has fewer than eleven digits of a binary number."""
WHOLE = 2048
"""Up to here FP16 holds each whole number."""

_MOST_STEPS = 64
_FLOATS = operators.FLOAT32 | {TensorType.FLOAT16}


class Net:
    """One model, and what is known of its numbers.

    Args:
        model: The model.
        weights: The numbers that it stores, where they were read.
        ranges: What its values were over samples, where they were measured.
    """

    def __init__(
        self,
        model: OnnxFacts,
        weights: WeightNumbers | None = None,
        ranges: Mapping[str, ValueRange] | None = None,
    ) -> None:
        self.model = model
        self.ranges = ranges or {}
        # What makes nothing does nothing.
        self.nodes = tuple(node for node in model.nodes if node.outputs[:1] not in ((), ("",)))
        self.makers = {name: node for node in self.nodes for name in node.outputs if name}
        self.places = {id(node): place for place, node in enumerate(model.nodes)}
        self._stored = {t.name: t for t in (weights.tensors if weights else ()) if not t.where}
        self.constants = {stored.name for stored in model.initializers} | {
            node.outputs[0] for node in model.nodes if node.op == "Constant" and node.outputs
        }

    @cached_property
    def users(self) -> dict[str, list[OnnxNode]]:
        """The nodes that read each value."""
        found: dict[str, list[OnnxNode]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _floats(self) -> tuple[OnnxNode, ...]:
        found = []
        for node in self.nodes:
            whole = node.inputs[:1] not in ((), ("",)) and node.outputs[:1] not in ((), ("",))
            if whole and self.type(node) is not None:
                found.append(node)
        return tuple(found)

    def floats(self) -> tuple[OnnxNode, ...]:
        """The nodes that compute in FP32 or FP16, in the model's order, on something and to something."""
        return self._floats

    def type(self, node: OnnxNode) -> TensorType | None:
        """FP32's or FP16's type that a node computes in; None where it computes in another."""
        kind = operators.type_of(node, self.model.types)
        return kind if kind in _FLOATS else None

    def type_name(self, node: OnnxNode) -> str:
        """ONNX's name of that type."""
        kind = self.type(node)
        return kind.value if kind is not None else TensorType.FLOAT.value

    def maker(self, name: str) -> OnnxNode | None:
        """The node that makes a value, past those that only move data or change its type."""
        node = self.makers.get(self.source(name))
        return node if node is not None and node.inputs and node.inputs[0] else None

    def source(self, name: str) -> str:
        """The value that a value is, past nodes that only move data or change its type."""
        for _ in range(_MOST_STEPS):
            node = self.makers.get(name)
            if node is None or node.op == "Constant" or not operators.moves(node):
                return name
            if not node.inputs or not node.inputs[0]:
                return name
            name = node.inputs[0]
        return name

    def readers(self, name: str) -> Iterator[tuple[OnnxNode, str]]:
        """The nodes that use a value past those that move it, each with what it reads there."""
        seen, waiting = {name}, [name]
        while waiting and len(seen) <= _MOST_STEPS:
            at = waiting.pop()
            for node in self.users.get(at, ()):
                if operators.moves(node):
                    fresh = [made for made in node.outputs if made and made not in seen]
                    seen.update(fresh)
                    waiting += fresh
                else:
                    yield node, at

    def is_constant(self, name: str) -> bool:
        """Whether a value is stored, past nodes that only move it."""
        return self.source(name) in self.constants

    def number(self, name: str) -> float | None:
        """The one number that all elements of a small constant are; None where it is none."""
        values = self.model.values.get(self.source(name), ())
        return float(values[0]) if values and len(set(values)) == 1 else None

    def stored(self, name: str) -> StoredTensor | None:
        """The numbers of a stored tensor, where they were read."""
        found = self._stored.get(name)
        return found if found is not None and found.read else None

    def operand(self, node: OnnxNode) -> tuple[str, float] | None:
        """The operand of a node that is a constant number, and that number."""
        for name in node.inputs:
            value = self.number(name) if name else None
            if value is not None:
                return name, value
        return None

    def other(self, node: OnnxNode, name: str) -> str:
        """The operand of a node of two that is not this one."""
        return next((each for each in node.inputs if each != name), name)

    def range(self, name: str) -> ValueRange | None:
        """What a value was over all samples."""
        return self.ranges.get(name)

    def largest(self, name: str) -> float | None:
        """The largest magnitude that was measured of a value."""
        found = self.ranges.get(name)
        return None if found is None else max(abs(found.minimum), abs(found.maximum))

    def extent(self, name: str, axes: tuple[int, ...] | None) -> int | None:
        """How many elements lie along these axes of a value; along all where none are given."""
        shape = self.model.shapes.get(name)
        if shape is None:
            return None
        if axes is None:
            axes = tuple(range(len(shape)))
        if any(not -len(shape) <= axis < len(shape) for axis in axes):
            return None
        extents = [shape[axis] for axis in axes]
        return (
            None if any(e is None for e in extents) else prod(e for e in extents if e is not None)
        )

    def axes(self, node: OnnxNode) -> tuple[int, ...] | None:
        """Along which axes a node reduces; None for all, and where it is not told."""
        told = node.numbers.get("axes", node.numbers.get("axis"))
        if told is None and len(node.inputs) > 1 and node.inputs[1]:
            told = self.model.values.get(self.source(node.inputs[1]))
        if told is None:
            return None
        axes = told if isinstance(told, tuple) else (told,)
        # A damaged model has anything for an axis, also what is not a number.
        return None if any(axis % 1 != 0 for axis in axes) else tuple(map(int, axes))

    def labels(self, nodes: Iterator[OnnxNode] | list[OnnxNode]) -> tuple[str, ...]:
        """The labels of nodes, each once, in the model's order."""
        several = {id(node): node for node in nodes}
        ordered = sorted(several.values(), key=lambda node: self.places[id(node)])
        return tuple(dict.fromkeys(node.label for node in ordered))

    def measured(self, name: str) -> tuple[Evidence, ...]:
        """What was measured of a value, as evidence."""
        found = self.ranges.get(name)
        if found is None:
            return ()
        return (
            Evidence(
                source=f"measured {name}", value=f"{found.minimum:.6g} to {found.maximum:.6g}"
            ),
        )


def constant(name: str, value: float) -> Evidence:
    """A constant, as evidence."""
    return Evidence(source=f"constant {name}", value=f"{value:.6g}")


def leaves(value: float) -> bool:
    """Whether FP16 makes an infinity of a finite number."""
    return isfinite(value) and abs(value) >= OVERFLOWS
