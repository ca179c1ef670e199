"""The median of samples and the interval that holds the true one, by the samples' order alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .build import Spread

FEWEST = 6
"""Of fewer samples not even the least and the greatest hold the median 19 times of 20."""

_EXACT_UP_TO = 1000
_NORMAL_QUANTILE = 1.959964


def spread(samples: Sequence[float]) -> Spread | None:
    """The spread of independent samples; None of fewer than :data:`FEWEST`.

    The interval is that of order statistics: how many of the samples lie below the true median is
    binomial with probability one half, whatever they are distributed like. (David and Nagaraja,
    *Order Statistics*, 3rd edition, 7.1.)
    """
    count = len(samples)
    if count < FEWEST:
        return None
    ordered = sorted(samples)
    below = _rank(count)
    middle = ordered[(count - 1) // 2], ordered[count // 2]
    return Spread(
        median=middle[0] + (middle[1] - middle[0]) / 2,
        low=ordered[below],
        high=ordered[count - 1 - below],
        samples=count,
    )


def _rank(count: int) -> int:
    """How many samples lie outside the interval on each side: as many as leave 95 % inside."""
    if count > _EXACT_UP_TO:
        return max(0, math.floor(count / 2 - _NORMAL_QUANTILE * math.sqrt(count) / 2) - 1)
    rank, tail, limit = 0, 0, 2**count // 40
    for k in range(count):
        tail += math.comb(count, k)
        if tail > limit:
            break
        rank = k
    return rank
