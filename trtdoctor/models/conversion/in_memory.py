"""What is known of a model that is in memory: its nodes, and the FLOAT tensors that it stores."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ...readers.onnxmodel import FormatError, OnnxFacts, OnnxNode
from ...readers.onnxmodel.bounds import Allowance
from ...readers.onnxmodel.flatten import Flattener, text
from ...readers.onnxmodel.types import OperatorTypes
from .numbers import array_of

# Models are in memory as a whole here, so what is read of their graph needs no bound of its own.
_SIZE = 1 << 40


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


def stored_floats(model: Any) -> dict[str, Any]:
    """The FLOAT tensors that a model's main graph stores, as numpy arrays."""
    return {name: array_of(tensor) for name, tensor in _stored(model.graph)}


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
