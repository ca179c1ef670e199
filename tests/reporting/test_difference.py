"""What two reports say of a measurement that was made twice."""

from __future__ import annotations

from typing import Any

import pytest

from trtdoctor.checking.judge import verdict
from trtdoctor.model.difference import FactChange
from trtdoctor.model.report import Report, Tool
from trtdoctor.reporting.difference import difference
from trtdoctor.testing import snapshot_of


def report(median: float, low: float, high: float, mhz: float = 1700.0) -> Report:
    rate = {"median": median, "low": low, "high": high, "samples": 9}
    device: dict[str, Any] = {
        "ordinal": 0,
        "rates": [{"kind": "fp16", "rate": rate, "sm_mhz": mhz, "per_clock": median}],
    }
    return Report(
        created="2026-01-01T00:00:00Z",
        tool=Tool(name="trtdoctor", version="0", knowledge="2026-01-01"),
        command="check",
        verdict=verdict((), ()),
        snapshot=snapshot_of({"cuda.arithmetic": {"devices": [device]}}),
    )


@pytest.mark.parametrize(
    "again",
    [report(100.0, 99.0, 101.0, 1650.0), report(95.0, 94.9, 95.1), report(150.0, 80.0, 160.0)],
    ids=["the same", "a little apart", "far apart with overlap"],
)
def test_a_measurement_that_was_made_again_is_no_difference(again: Report) -> None:
    assert difference(report(100.0, 99.0, 101.0), again).none


def test_half_the_rate_is_one() -> None:
    told = difference(report(100.0, 99.0, 101.0), report(50.0, 49.0, 51.0))
    assert FactChange(
        fact="cuda.arithmetic",
        path=".value.devices[0].rates[0].rate.median",
        before=100.0,
        after=50.0,
    ) in (told.facts)
    assert not any("sm_mhz" in each.path or "per_clock" in each.path for each in told.facts)
