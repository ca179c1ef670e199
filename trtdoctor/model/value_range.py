"""What the numbers of one value were, over all samples that a model was run with."""

from __future__ import annotations

from .base import Frozen


class ValueRange(Frozen, frozen=True, kw_only=True):
    """Of finite elements; ``smallest`` is the smallest magnitude that is not zero, null for none.

    ``nan`` and ``infinite`` count elements that are no number and that are infinite; ``constant`` is
    true where all elements were the same.
    """

    minimum: float
    maximum: float
    smallest: float | None = None
    nan: int = 0
    infinite: int = 0
    constant: bool = False
