"""The interval of a median, by the order of the samples alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.order_statistics import median_interval

FINITE = st.floats(min_value=-1e9, max_value=1e9)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Ranks from tables of the binomial distribution: 8 of 9 leaves out one on either side.
    [(1, 1, 1), (5, 1, 5), (6, 1, 6), (8, 1, 8), (9, 2, 8), (12, 3, 10), (20, 6, 15), (25, 8, 18)],
)
def test_the_ranks(count: int, low: int, high: int) -> None:
    samples = list(range(1, count + 1))
    random.Random(count).shuffle(samples)
    assert median_interval(samples)[1:] == (low, high)


def test_the_median_of_few() -> None:
    assert median_interval([3.0]) == (3.0, 3.0, 3.0)
    assert median_interval([1.0, 2.0]) == (1.5, 1.0, 2.0)


def test_no_samples() -> None:
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


@given(st.lists(FINITE, min_size=1, max_size=60))
def test_the_median_is_inside_and_the_interval_is_of_samples(samples: list[float]) -> None:
    median, low, high = median_interval(samples)
    assert low <= median <= high
    assert low in samples and high in samples


def test_the_interval_holds_the_true_median_as_often_as_it_promises() -> None:
    source, held = random.Random(1), 0
    for _ in range(2000):
        _, low, high = median_interval([source.random() ** 3 for _ in range(9)])
        held += low <= 0.125 <= high
    assert held / 2000 > 0.94
