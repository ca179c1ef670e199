"""Whether layers and a model that were given are those of the engine at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from trtdoctor.model.engine import Layer, Role
from trtdoctor.readers.onnxmodel import OnnxFacts

PROFILE = re.compile(r" \[profile \d+\]")
# Of a fused region one source tells the region and another the kernels inside.
FUSED = re.compile(r"^\{ForeignNode\[|^__my[el]|_myl\d")

# What TensorRT calls layers itself, whatever the model calls their nodes.
_OWN_NAMES = ("(Unnamed Layer", "PWN(", "Reformatting CopyNode")


def are_strangers(layers: Iterable[Layer], others: Iterable[Layer]) -> bool:
    """Whether two lists of layers, both told, have no name in common: those of two networks."""
    here, there = _by_name(layers), _by_name(others)
    fused = all(FUSED.search(name) for name in here) or all(FUSED.search(name) for name in there)
    return bool(here) and bool(there) and not fused and not here.keys() & there.keys()


def unrelated(layers: Iterable[Layer], model: OnnxFacts) -> str | None:
    """What shows that no layer comes from this model; None where its nodes' names cannot tell.

    TensorRT's parser names layers after nodes, and fused layers after all of theirs. Regions that
    Myelin fused keep other names, so only layers whose every node is told can speak.
    """
    known = {node.label for node in model.nodes} | {node.name for node in model.nodes}
    told: set[str] = set()
    for layer in layers:
        if layer.onnx_nodes:
            told.update(layer.onnx_nodes)
        elif layer.role is Role.COMPUTE and " + " in layer.name and not FUSED.search(layer.name):
            told.update(PROFILE.sub("", layer.name).split(" + "))
    told = {name for name in told if not name.startswith(_OWN_NAMES)}
    if not told or told & known:
        return None
    return f"the engine's layers are made of nodes that it does not have, such as {min(told)}"


def _by_name(layers: Iterable[Layer]) -> dict[str, Layer]:
    return {PROFILE.sub("", layer.name): layer for layer in layers if layer.profile == 0}
