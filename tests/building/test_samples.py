"""Samples made into a median, its interval, and what bears on them."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from trtdoctor.builder.samples import measurement
from trtdoctor.model.spreads import spread


def answered(clock: dict[str, Any] | None = None, **samples: list[float]) -> dict[str, Any]:
    return {"engines": [{"samples": samples, "shapes": {"x": [1, 8]}, **(clock or {})}]}


def test_few_samples_have_no_interval_and_six_have_their_range() -> None:
    assert spread([]) is None and spread([3.0, 1.0, 2.0]) is None
    found = spread([3.0, 1.0, 2.0, 2.0, 2.5, 1.5])
    assert found is not None
    assert (found.median, found.low, found.high, found.samples) == (2.0, 1.0, 3.0, 6)


@pytest.mark.parametrize("number", [7, 20, 101])
def test_the_interval_holds_the_median_19_times_of_20(number: int) -> None:
    chance, held = random.Random(number), 0
    for _ in range(1000):
        found = spread([chance.expovariate(1.0) for _ in range(number)])
        assert found is not None
        held += found.low <= math.log(2.0) <= found.high
    assert held >= 940


@pytest.mark.parametrize(
    ("samples", "times", "bound"),
    [
        ({"wall": [1.0] * 9, "graph": [0.5] * 9}, None, True),
        ({"wall": [1.0] * 9, "graph": [0.9] * 9}, None, False),
        # The graph tells more than the profile.
        ({"wall": [1.0] * 9, "graph": [0.9] * 9}, {"a": [0.1]}, False),
        ({"wall": [1.0] * 9}, {"a": [0.3, 0.2, 0.25], "b": [0.1]}, True),
        ({"wall": [1.0] * 9}, {"a": [0.6], "b": [0.3]}, False),
        ({"wall": [1.0] * 9}, None, None),
        ({"wall": [1.0] * 9}, {"a": []}, None),
        ({"graph": [0.5] * 9}, {"a": [0.1]}, None),
        # Within the noise of both.
        ({"wall": [0.5, 1.0, 1.5] * 2, "graph": [0.4, 0.7, 1.0] * 2}, None, False),
    ],
)
def test_whether_launches_take_the_time(samples: Any, times: Any, bound: bool | None) -> None:
    assert measurement(answered(**samples), 0, times).launch_bound is bound


def test_what_a_child_told_is_kept() -> None:
    told = {
        **answered(
            {"warm_up": 3, "repeats": 7, "graph_refused": "no"}, wall=[1.0] * 6, h2d=[0.25] * 6
        ),
        "gpu": "NVIDIA H100",
        "compute_capability": "9.0",
        "through": "ctypes",
        "clocks": [1980, 1980],
        "most": 1980,
        "others": 0,
    }
    found = measurement(told, 0, {"a": [0.2, 0.3, 0.4], "b": [0.1]})
    assert found.gpu == "NVIDIA H100" and found.shapes == {"x": (1, 8)}
    assert (found.warm_up, found.repeats, found.graph_refused) == (3, 7, "no")
    assert found.kernels_ms == pytest.approx(0.4)
    assert found.h2d_ms is not None and found.h2d_ms.median == 0.25
    assert found.sm_mhz == (1980, 1980) and found.notes == ()


def test_what_bears_on_the_numbers_is_said() -> None:
    unsteady = measurement({**answered(wall=[1.0]), "clocks": [1200, 1980]}, 0)
    assert "moved between 1200 and 1980 MHz" in unsteady.notes[0]
    assert not measurement({**answered(wall=[1.0]), "clocks": [1970, 1980]}, 0).notes
    hot = measurement({**answered(wall=[1.0]), "throttled": ["HW thermal slowdown"]}, 0)
    assert hot.throttled == ("HW thermal slowdown",)
    assert "held its clocks down while measuring: HW thermal slowdown" in hot.notes[0]
    one = measurement({**answered(wall=[1.0]), "others": 1}, 0)
    assert "1 other process computed" in one.notes[0]
    two = measurement({**answered(wall=[1.0]), "others": 2}, 0)
    assert "2 other processes computed" in two.notes[0]
