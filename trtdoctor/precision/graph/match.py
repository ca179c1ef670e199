"""Which ONNX nodes a layer comes from."""

from __future__ import annotations

import re

from ...model.base import Frozen
from ...model.engine import Layer
from ...readers.onnxmodel import OnnxFacts, OnnxNode

_MYELIN_SUFFIX = re.compile(r"_myl\d{1,6}_\d{1,9}$")
_PROFILE = re.compile(r" \[profile \d{1,6}\]")


class Match(Frozen, frozen=True, kw_only=True):
    """A layer's nodes; ``told`` when its metadata names each, and each names one node alone."""

    nodes: tuple[OnnxNode, ...]
    told: bool


class Nodes:
    """The nodes of one model by what TensorRT's parser calls them.

    It says where a node of an If's branch or of a local function stands, and of a loop's body not.
    """

    def __init__(self, model: OnnxFacts) -> None:
        self._by_label: dict[str, list[OnnxNode]] = {}
        self._inside: dict[str, list[OnnxNode]] = {}
        for node in model.nodes:
            self._by_label.setdefault(node.label, []).append(node)
            own, inside, _ = node.label.partition(" | ")
            if inside:
                self._inside.setdefault(own, []).append(node)

    def _called(self, label: str) -> list[OnnxNode]:
        found = self._by_label.get(label)
        return self._inside.get(label, []) if found is None else found

    def of(self, layer: Layer) -> Match:
        """The nodes that a layer's metadata names, else those that its own name consists of."""
        if layer.onnx_nodes:
            groups = [self._called(label) for label in layer.onnx_nodes]
            told = all(len(group) == 1 for group in groups)
        else:
            name = _PROFILE.sub("", _MYELIN_SUFFIX.sub("", layer.name))
            groups = [self._by_label.get(part, []) for part in name.split(" + ")]
            told = False
        return Match(nodes=tuple(node for group in groups for node in group), told=told)
