"""Evidence in the words of the graph and of the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...model.engine import Layer, LayerTensor
from ...model.report import Evidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode
from ..reasons import Place, PlaceKind
from . import operators
from .type_flow import Flow

_MOST_NODES = 3
# PrecisionConverter of ModelOpt's modelopt/onnx/autocast names each Cast after its tensor.
_BY_AUTOCAST = re.compile(r"_cast_to_(?:fp32|fp16|bf16)(?: \||$)")


class GraphWitness:
    """Makes evidence out of one model."""

    def __init__(self, model: OnnxFacts) -> None:
        self._model = model
        self._elements = {constant.name: constant.elements for constant in model.initializers}

    def says(self, where: str, value: str) -> Evidence:
        """What is seen at one place of the model."""
        return Evidence(source=f"{self._model.source}: {where}", value=value)

    def at(self, place: Place) -> Evidence:
        """The type that begins or ends at a place."""
        if place.kind is PlaceKind.CAST:
            by = ", named as AutoCast names its own" if _BY_AUTOCAST.search(place.name) else ""
            return self.says(f"node {place.name}", f"Cast to {place.type}{by}")
        if place.kind is PlaceKind.NODE:
            return self.says(f"node {place.name}", f"its result is {place.type}")
        count = self._elements.get(place.name)
        told = f", {count} elements" if count and place.kind is PlaceKind.INITIALIZER else ""
        return self.says(f"{place.kind.value} {place.name}", f"{place.type}{told}")

    def lifts(self, number: Place) -> Evidence:
        """That a single number's type may be why its neighbours were cast."""
        return self.says(
            f"{number.kind.value} {number.name}",
            f"{number.type}, one number, beside data that a Cast widens: operands must be of one "
            "type",
        )

    def scale(self, place: Place, flow: Flow) -> Evidence:
        """The scale whose type a DequantizeLinear's result has."""
        name = flow.scale(place)
        kind = self._model.types[name] if name else None
        told = f"scale {name} is {kind.value}" if kind else "its scale"
        return self.says(f"node {place.name}", f"DequantizeLinear: {told}, and so is its result")

    def for_fp32_alone(self, node: OnnxNode) -> Evidence:
        """That ONNX has no FP16 form of a node's operator."""
        opset = self._model.opsets.get("")
        at = f" at opset {opset}" if opset else ""
        return self.says(
            f"node {node.label}", f"{node.op}: ONNX{at} defines it for FLOAT and not for FLOAT16"
        )

    def computes(self, nodes: Iterable[OnnxNode], flow: Flow) -> list[Evidence]:
        """The first tensor of each node that is of the flow's type."""
        return [self._computes(node, flow) for node in tuple(nodes)[:_MOST_NODES]]

    def _computes(self, node: OnnxNode, flow: Flow) -> Evidence:
        types = self._model.types
        for word, names in (("input", node.inputs), ("output", node.outputs)):
            for name in names:
                if types.get(name) in flow.wide:
                    return self.says(
                        f"node {node.label}", f"{node.op}: {word} {name} is {types[name].value}"
                    )
        return self.says(f"node {node.label}", node.op)

    def norms(self, nodes: Iterable[OnnxNode]) -> list[Evidence]:
        """The type of each normalisation's tensors, and the one it says it computes in."""
        found = []
        for node in tuple(nodes)[:_MOST_NODES]:
            kind = operators.type_of(node, self._model.types)
            told = f"{node.op} of {kind.value if kind else 'unknown'}"
            if node.stash_type is not None:
                told += f", computed in {node.stash_type.value} (stash_type)"
            found.append(self.says(f"node {node.label}", told))
        return found


def engine(layer: Layer, value: str) -> Evidence:
    """What is seen of one layer."""
    return Evidence(source=f"engine: layer {layer.name}", value=value)


def shown(layer: Layer) -> Evidence:
    """What a layer was classified as, and why."""
    return engine(layer, "; ".join((layer.precision.value, *layer.precision_evidence)))


def types_of(tensors: Iterable[LayerTensor]) -> str:
    """The types of some tensors, each once."""
    return " and ".join(dict.fromkeys(tensor.dtype or "unknown" for tensor in tensors)) or "none"
