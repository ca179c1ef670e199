"""Types of tensors that the inspector leaves out for dynamic shapes, as other layers tell them.

A tensor has one type, whoever writes or reads it. So a kernel that stores FP16 makes its output
FP16, and layers that only relabel or move data hand their input's type on. ``Reformat`` and casts
may change it and hand nothing on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trtdoctor.model.engine import IOTensor, Layer

from . import kinds
from .tactics import read_tactic

_MAY_CHANGE_TYPE = frozenset(
    {"reformat", "myelinreformat", "cast", "quantize", "quantizev2", "dequantize", "dequantizev2"}
    | {"dynamicquantize", "signal", "wait", "event", "gather", "gatherv2", "gatherelements"}
    | {"gathernd", "scatter", "scatterelements", "scatternd", "memset", "reversesequence"}
)
_MAX_ROUNDS = 64


def tensor_types(
    layers: Iterable[Layer], io: Iterable[IOTensor] = ()
) -> Mapping[tuple[int, str], str]:
    """Types by optimisation profile and tensor name, for tensors whose layers do not tell them.

    A tensor for which the clues disagree is left out.
    """
    layers = tuple(layers)
    found: dict[tuple[int, str], set[str]] = {}
    for network in io:
        if network.dtype != "unknown":
            found.setdefault((0, network.name), set()).add(network.dtype)
    for layer in layers:
        for tensor in (*layer.inputs, *layer.outputs):
            if tensor.dtype:
                found.setdefault((layer.profile, tensor.name), set()).add(tensor.dtype)
        reading = read_tactic(layer.tactic)
        for told, tensors in ((reading.stored, layer.inputs), (reading.output, layer.outputs)):
            if told is not None and tensors and tensors[0].dtype is None:
                found.setdefault((layer.profile, tensors[0].name), set()).add(told.value)
    _hand_on([layer for layer in layers if _keeps_type(layer)], found)
    return {key: next(iter(types)) for key, types in found.items() if len(types) == 1}


def _keeps_type(layer: Layer) -> bool:
    kind = kinds.kind_of(layer)
    return kind in kinds.MOVEMENT_TYPES and kind not in _MAY_CHANGE_TYPE


def _hand_on(movers: list[Layer], found: dict[tuple[int, str], set[str]]) -> None:
    for _ in range(_MAX_ROUNDS):
        changed = False
        for layer in movers:
            names = [(layer.profile, t.name) for t in (*layer.inputs[:1], *layer.outputs)]
            types = set().union(*(found.get(name, set()) for name in names))
            for name in names:
                if not types <= found.get(name, set()):
                    found.setdefault(name, set()).update(types)
                    changed = True
        if not changed:
            return
