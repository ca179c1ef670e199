"""The extents that an optimisation profile gives one input."""

from __future__ import annotations

from .base import Frozen


class ShapeRange(Frozen, frozen=True, kw_only=True):
    """One optimisation profile's extents for one input."""

    min: tuple[int, ...]
    opt: tuple[int, ...]
    max: tuple[int, ...]
