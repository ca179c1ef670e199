"""Which nodes of a model stay in FP32, and what that costs and saves."""

from __future__ import annotations

from .base import Frozen


class ConversionPlan(Frozen, frozen=True, kw_only=True):
    """``keep`` are the labels of the nodes that stay in FP32."""

    keep: tuple[str, ...] = ()
