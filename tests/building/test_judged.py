"""Whether following a remedy was worth it, by two measurements."""

from __future__ import annotations

import pytest
from buildworld import measured

from trtdoctor.model.build import Measurement, Proof
from trtdoctor.run.verifying import judged

BEFORE = measured(graph_ms=1.0, events_ms=2.0, wall_ms=3.0)


def proof(promised: tuple[float, float] | None = None) -> Proof:
    return Proof(remedies=("allow FP16",), promised_ms=promised)


@pytest.mark.parametrize(
    ("after", "promised", "held", "said"),
    [
        (0.5, None, None, "Worth it: an inference as a CUDA graph takes 500"),
        (0.5, (0.4, 0.6), True, "as promised."),
        (0.5, (0.6, 0.9), False, "which is less than was promised."),
        (0.5, (0.1, 0.2), False, "which is more than was promised."),
        (1.5, None, None, "Not worth it: an inference as a CUDA graph takes 500"),
        (1.5, (0.1, 0.2), False, "which is less than was promised."),
        (1.0, None, None, "No difference that can be told from noise"),
        (0.985, (0.1, 0.2), False, "No difference that can be told from noise"),
    ],
)
def test_verdicts(
    after: float, promised: tuple[float, float] | None, held: bool | None, said: str
) -> None:
    found = judged(proof(promised), BEFORE, measured(graph_ms=after, wall_ms=9.0))
    assert found.held is held and said in found.verdict
    assert found.gained_ms == pytest.approx((1.0 - after, 0.98 - after, 1.02 - after))
    assert found.before_ms == BEFORE.graph_ms


def test_only_clocks_that_both_have_are_compared() -> None:
    found = judged(proof(), BEFORE, measured(events_ms=1.0))
    assert found.before_ms == BEFORE.events_ms
    assert "Worth it" in found.verdict and "graph" not in found.verdict
    found = judged(proof(), BEFORE, measured(wall_ms=3.5))
    assert found.before_ms == BEFORE.wall_ms and "Not worth it" in found.verdict


def test_without_a_clock_nothing_is_proven() -> None:
    found = judged(proof((0.1, 0.2)), Measurement(), measured(wall_ms=1.0))
    assert found.gained_ms is None and found.held is None
    assert found.verdict == "Nothing could be timed, so nothing is proven."
