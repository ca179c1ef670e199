"""How much of an engine is FP16, and what its type conversions cost: the report's ``summary``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from trtdoctor.model.engine import (
    Conversions,
    Counted,
    Layer,
    Precision,
    Role,
    Shares,
    Summary,
)

from .roles import FLOATS, QUANTISED


def summarize(layers: Iterable[Layer], *, profile: int = 0) -> Summary:
    """The summary of one optimisation profile's classified layers.

    Shares count compute layers alone, unknown ones included. By weights, layers that tell their
    weights count; by time, layers that were timed. A share of nothing is None, and so is the share
    of FP16 where layers are told by name alone.

    Args:
        layers: Classified layers, with times where a profile was given.
        profile: The optimisation profile that counts; the others repeat its layers.
    """
    chosen = [layer for layer in layers if layer.profile == profile]
    compute = [layer for layer in chosen if layer.role is Role.COMPUTE]
    timed = [layer for layer in compute if layer.time_ms is not None]
    weighted = [layer for layer in compute if layer.weights is not None]
    counts = Counter(layer.precision for layer in compute)
    bases: dict[str, tuple[list[Layer], Callable[[Layer], float]]] = {
        "layers": (compute, lambda layer: 1.0),
        "time": (timed, lambda layer: layer.time_ms or 0.0),
        "weights": (weighted, lambda layer: float(layer.weights.count if layer.weights else 0)),
    }

    def shares(precision: Precision) -> Shares:
        return Shares(
            **{name: _share(group, size, precision) for name, (group, size) in bases.items()}
        )

    return Summary(
        layers_by_precision={p: counts[p] for p in Precision if counts.get(p)},
        fp16_share=Shares() if named_alone(chosen) else shares(Precision.FP16),
        unknown_share=shares(Precision.UNKNOWN),
        counted=Counted(layers=len(compute), time=len(timed), weights=len(weighted)),
        conversions=_conversions(chosen),
    )


def named_alone(layers: Iterable[Layer]) -> bool:
    """Whether there are layers, and no more is told of them than their names.

    So the inspector tells them at profiling verbosity LAYER_NAMES_ONLY, the builder's default.
    """
    layers = tuple(layers)
    return bool(layers) and not any(
        layer.type
        or layer.inputs
        or layer.outputs
        or layer.weights
        or layer.tactic
        or layer.precision not in (None, Precision.UNKNOWN)
        for layer in layers
    )


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
    return not kind or any(word in kind for word in ("reformat", "cast", "quantize", "kgen"))


def _conversions(layers: list[Layer]) -> Conversions:
    found = [layer for layer in layers if converts(layer)]
    times = [layer.time_ms for layer in layers if layer.time_ms is not None]
    spent = [layer.time_ms for layer in found if layer.time_ms is not None]
    total = sum(times)
    return Conversions(
        count=len(found),
        time_ms=sum(spent, 0.0) if times else None,
        share_of_time=sum(spent) / total if total > 0 else None,
        undecided=sum(1 for layer in layers if converts(layer) is None),
    )


def _share(
    layers: list[Layer], size: Callable[[Layer], float], precision: Precision
) -> float | None:
    whole = sum(size(layer) for layer in layers)
    part = sum(size(layer) for layer in layers if layer.precision is precision)
    return part / whole if whole > 0 else None
