"""How much of an engine is FP16, and what its type conversions cost: the report's ``summary``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from trtdoctor.model.engine import Layer, Precision, Role

from .roles import FLOATS, QUANTISED


def summarize(layers: Iterable[Layer], *, profile: int = 0) -> dict[str, Any]:
    """The summary of one optimisation profile's classified layers.

    Shares count compute layers alone, unknown ones included. By weights, layers that tell their
    weights count; by time, layers that were timed. A share of nothing is None.

    Args:
        layers: Classified layers, with times where a profile was given.
        profile: The optimisation profile that counts; the others repeat its layers.

    Returns:
        ``layers_by_precision``, ``fp16_share`` and ``unknown_share`` (each by ``layers``, ``time``
        and ``weights``), ``conversions`` (``count``, ``time_ms``, ``share_of_time`` of all timed
        layers, ``undecided`` for moving layers that may convert but do not tell), and ``counted``
        (how many compute layers stand behind each share).
    """
    chosen = [layer for layer in layers if layer.profile == profile]
    compute = [layer for layer in chosen if layer.role is Role.COMPUTE]
    timed = [layer for layer in compute if layer.time_ms is not None]
    weighted = [layer for layer in compute if layer.weights is not None]
    counts = Counter(layer.precision.value for layer in compute)
    bases: dict[str, tuple[list[Layer], Callable[[Layer], float]]] = {
        "layers": (compute, lambda layer: 1.0),
        "time": (timed, lambda layer: layer.time_ms or 0.0),
        "weights": (weighted, lambda layer: float(layer.weights.count if layer.weights else 0)),
    }
    return {
        "layers_by_precision": {p.value: counts[p.value] for p in Precision if counts.get(p.value)},
        "fp16_share": {
            name: _share(group, size, Precision.FP16) for name, (group, size) in bases.items()
        },
        "unknown_share": {
            name: _share(group, size, Precision.UNKNOWN) for name, (group, size) in bases.items()
        },
        "counted": {name: len(group) for name, (group, _) in bases.items()},
        "conversions": _conversions(chosen),
    }


def converts(layer: Layer) -> bool | None:
    """Whether a moving layer changes the data type; None where its tensors do not tell.

    Casts among integers and booleans are index arithmetic, not conversions.
    """
    if layer.role is not Role.DATA_MOVEMENT:
        return False
    if layer.precision is Precision.UNKNOWN:
        return None if _may_convert(layer) else False
    if layer.precision is not Precision.MIXED:
        return False
    before = {t.dtype for t in layer.inputs}
    after = {t.dtype for t in layer.outputs}
    told = (before | after) - {None}
    return not told or bool(told & (FLOATS | QUANTISED))


def _may_convert(layer: Layer) -> bool:
    kind = (layer.type or "").lower()
    return any(word in kind for word in ("reformat", "cast", "quantize", "kgen"))


def _conversions(layers: list[Layer]) -> dict[str, Any]:
    found = [layer for layer in layers if converts(layer)]
    times = [layer.time_ms for layer in layers if layer.time_ms is not None]
    spent = [layer.time_ms for layer in found if layer.time_ms is not None]
    total = sum(times)
    return {
        "count": len(found),
        "time_ms": sum(spent, 0.0) if times else None,
        "share_of_time": sum(spent) / total if total > 0 else None,
        "undecided": sum(1 for layer in layers if converts(layer) is None),
    }


def _share(
    layers: list[Layer], size: Callable[[Layer], float], precision: Precision
) -> float | None:
    whole = sum(size(layer) for layer in layers)
    part = sum(size(layer) for layer in layers if layer.precision is precision)
    return part / whole if whole > 0 else None
