"""Layers where a difference of the outputs may come from: a suspicion, never more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from trtdoctor.model.engine import Layer, Precision

from .alignment import Group
from .changes import computing

_MOST = 10
_NARROW = frozenset(
    {Precision.FP16, Precision.BF16, Precision.FP8, Precision.INT8, Precision.MIXED}
)


def suspects(
    groups: Sequence[Group],
    layers: Sequence[Layer],
    outputs: Collection[str],
    hazards: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """Names of B's layers that compute in a narrower type than A's, in execution order.

    Where the model's hazards are known and some of these layers have one, only these, with what it
    is; and only layers that the outputs depend on, where the tensors tell.

    Args:
        groups: Aligned layers.
        layers: All of B's, in execution order.
        outputs: The outputs that differ.
        hazards: What FP16 does to a node, by its label; None where no model was given.
    """
    fallen = {layer.name: group.nodes for group in groups for layer in _fallen(group)}
    behind = _behind(layers, outputs)
    names = [
        layer.name
        for layer in layers
        if layer.name in fallen and (not behind or layer.name in behind)
    ]
    known = hazards or {}
    dangerous = {
        name: next(known[node] for node in fallen[name] if node in known)
        for name in names
        if any(node in known for node in fallen[name])
    }
    told = [f"{name}: {what}" for name, what in dangerous.items()]
    return tuple(told or dict.fromkeys(names))[:_MOST]


def _fallen(group: Group) -> Iterator[Layer]:
    """B's layers that are narrower than anything that computes the same nodes in A."""
    before = {layer.precision for layer in computing(group.a)}
    if not before or before & _NARROW or Precision.UNKNOWN in before:
        return
    yield from (layer for layer in computing(group.b) if layer.precision in _NARROW)


def _behind(layers: Iterable[Layer], outputs: Collection[str]) -> set[str]:
    """Names of the layers that any of these outputs depends on; none where nothing makes one."""
    makers: dict[str, list[Layer]] = {}
    for layer in layers:
        for tensor in layer.outputs:
            makers.setdefault(tensor.name, []).append(layer)
    found: set[str] = set()
    if not all(name in makers for name in outputs):
        return found
    tensors, seen = list(outputs), set(outputs)
    while tensors:
        for layer in makers.get(tensors.pop(), ()):
            if layer.name in found:
                continue
            found.add(layer.name)
            more = [tensor.name for tensor in layer.inputs if tensor.name not in seen]
            seen.update(more)
            tensors += more
    return found
