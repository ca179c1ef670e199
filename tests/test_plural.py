"""How many of something, in words."""

from __future__ import annotations

import pytest

from trtdoctor.model.plural import count


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "layer", "0 layers"),
        (1, "layer", "1 layer"),
        (2, "compute layer", "2 compute layers"),
        (1200, "entry", "1,200 entries"),
        (2, "delay", "2 delays"),
        (2, "process", "2 processes"),
        (2, "patch", "2 patches"),
        (1, "library", "1 library"),
        (3, "more node", "3 more nodes"),
    ],
)
def test_a_noun_follows_its_number(number: int, noun: str, said: str) -> None:
    assert count(number, noun) == said


def test_english_has_its_own_plurals() -> None:
    assert count(2, "analysis", "analyses") == "2 analyses"
    assert count(1, "analysis", "analyses") == "1 analysis"
