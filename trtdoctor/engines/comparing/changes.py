"""Which groups of aligned layers changed, and what of each is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trtdoctor.model.comparison import AlignedLayer
from trtdoctor.model.engine import Layer, Precision, Role

from .alignment import Group

# Between two builds a kernel's time differs by 5 % for nothing; what is told is well beyond.
_SLOWER = 0.2
# Of the whole engine's time; less is no reason to look.
_MATTERS = 0.01


def changed_layers(groups: Sequence[Group]) -> tuple[tuple[AlignedLayer, ...], int]:
    """What differs between the engines, the dearest first, and how many groups do not differ."""
    whole = max(
        (_total(layer for g in groups for layer in side(g)) for side in (_a, _b)), default=0.0
    )
    least = whole * _MATTERS
    changed: list[tuple[float, float, AlignedLayer]] = []
    alike = 0
    for group in groups:
        if not _differs(group, least):
            alike += bool(group.a and group.b)
            continue
        weight = max(_weights(group.a), _weights(group.b))
        changed.append((max(_total(group.a), _total(group.b)), weight, _told(group)))
    changed.sort(key=lambda each: each[:2], reverse=True)
    return tuple(told for _, _, told in changed), alike


def _a(group: Group) -> tuple[Layer, ...]:
    return group.a


def _b(group: Group) -> tuple[Layer, ...]:
    return group.b


def computing(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those that compute."""
    return tuple(layer for layer in layers if layer.role is Role.COMPUTE)


def precisions(layers: Iterable[Layer]) -> tuple[Precision, ...]:
    """What they compute in, each once, in execution order."""
    return tuple(dict.fromkeys(layer.precision for layer in computing(layers)))


def _differs(group: Group, least: float) -> bool:
    ours, theirs = computing(group.a), computing(group.b)
    if bool(ours) != bool(theirs):
        # A layer that only moves data and takes no time is none that anybody misses.
        return True
    before, after = _total(group.a), _total(group.b)
    if _timed(group.a) and _timed(group.b) and abs(after - before) > least:
        if abs(after - before) > _SLOWER * max(before, after):
            return True
    elif not (group.a and group.b) and max(before, after) > least > 0:
        return True
    if len(ours) != len(theirs):
        return True
    told = set(precisions(group.a)), set(precisions(group.b))
    return Precision.UNKNOWN not in told[0] | told[1] and told[0] != told[1]


def _told(group: Group) -> AlignedLayer:
    return AlignedLayer(
        nodes=group.nodes,
        a=tuple(layer.name for layer in group.a),
        b=tuple(layer.name for layer in group.b),
        a_precision=precisions(group.a),
        b_precision=precisions(group.b),
        a_ms=_total(group.a) if _timed(group.a) else None,
        b_ms=_total(group.b) if _timed(group.b) else None,
    )


def _timed(layers: Iterable[Layer]) -> bool:
    return any(layer.time_ms is not None for layer in layers)


def _total(layers: Iterable[Layer]) -> float:
    return sum(layer.time_ms or 0.0 for layer in layers)


def _weights(layers: Iterable[Layer]) -> float:
    return sum(layer.weights.count for layer in layers if layer.weights is not None)
