"""trtexec's --exportTimes: every release's keys, what is no such file, and what follows from one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.spreads import spread
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.times import MAX_BYTES, measurement, read_times


def written(entries: list[dict[str, float]]) -> bytes:
    """As trtexec itself writes: one object a line, blanks before the colons, six digits."""
    lines = (
        "{ " + ", ".join(f'"{key}" : {value:.6g}' for key, value in entry.items()) + " }"
        for entry in entries
    )
    return ("[\n  " + "\n, ".join(lines) + "\n]\n").encode()


def entry(number: int, release: str, *, enqueue: float = 0.02, compute: float = 0.5) -> dict:
    start = number * 0.7
    compute += number % 10 * 0.001
    spans = {
        "Enq": (start, start + enqueue),
        "In": (start, start + 0.1),
        "Compute": (start + 0.1, start + 0.1 + compute),
        "Out": (start + 0.1 + compute, start + 0.15 + compute),
    }
    if release == "7.1":
        spans["Enq"], spans["In"] = spans["In"], spans["Enq"]
    if release == "7.0":
        del spans["Enq"]
    new = release >= "8"
    names = {"In": "H2d", "Out": "D2h"} if new else {}
    made = {}
    for name, (begin, end) in spans.items():
        made[f"start{names.get(name, name)}Ms"] = begin
        made[f"end{names.get(name, name)}Ms"] = end
    made |= {
        "h2dMs" if new else "inMs": 0.1,
        "computeMs": compute,
        "d2hMs" if new else "outMs": 0.05,
    }
    made["latencyMs"] = 0.15 + compute
    if release < "8.4":
        made["endToEndMs"] = 1.0
    return made


@pytest.mark.parametrize("release", ["7.0", "7.1", "8.0", "8.4"])
def test_the_keys_of_every_release_tell_the_same(release: str) -> None:
    found = measurement(read_times(written([entry(n, release) for n in range(200)])))
    assert found.events_ms is not None and found.h2d_ms is not None and found.d2h_ms is not None
    assert found.events_ms.median == pytest.approx(0.5045)
    assert found.events_ms.low <= found.events_ms.median <= found.events_ms.high
    assert (found.events_ms.samples, found.through) == (200, "trtexec")
    assert (found.h2d_ms.median, found.d2h_ms.median) == (0.1, 0.05)
    assert found.latency_ms is not None and found.latency_ms.median == pytest.approx(0.6545)
    assert found.launch_bound is (None if release == "7.0" else False)


def test_enqueueing_that_takes_longer_is_launch_bound_and_a_tie_is_not_decided() -> None:
    slow = [entry(n, "8.4", enqueue=0.6) for n in range(50)]
    assert measurement(read_times(written(slow))).launch_bound is True
    tie = [entry(n, "8.4", enqueue=0.5045) for n in range(50)]
    assert measurement(read_times(written(tie))).launch_bound is None


def test_times_of_several_streams_are_marked_and_tell_nothing_of_launching() -> None:
    entries = [entry(n, "8.4", compute=2.0, enqueue=3.0) for n in range(50)]
    found = measurement(read_times(written(entries)))
    assert any("several streams" in note for note in found.notes)
    assert found.launch_bound is None


def test_without_transfers_there_is_no_time_of_copies() -> None:
    entries = [entry(n, "8.4") | {"h2dMs": 0, "d2hMs": 0, "latencyMs": 0.5} for n in range(9)]
    found = measurement(read_times(written(entries)))
    assert (found.h2d_ms, found.d2h_ms, found.latency_ms) == (None, None, None)
    assert any("not copied" in note for note in found.notes)


def test_a_number_that_is_none_costs_its_kind_alone() -> None:
    text = written([entry(n, "8.4") for n in range(9)]).replace(b'"h2dMs" : 0.1', b'"h2dMs" : -nan')
    found = measurement(read_times(text))
    assert found.h2d_ms is None and found.events_ms is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"not json", "is not a list of trtexec's times"),
        (written([entry(n, "8.4") for n in range(9)])[:-40], "is not a list of trtexec's times"),
        (b"[" * 5000, "is not a list of trtexec's times"),
        (b"[]", "does not tell the computeMs"),
        (
            b'[{"count": 3}, {"name": "conv", "medianMs": 0.1}]',
            "missing required field `computeMs`",
        ),
        (b'[{"computeMs": null}]', "does not tell the computeMs"),
        (b'[{"computeMs": 1}]', "tells of 1 inference,"),
        (b"[" + b",".join([b'{"computeMs": -1}'] * 9) + b"]", "a time of -1 ms"),
        (b"[" + b",".join([b'{"computeMs": 1e999}'] * 9) + b"]", "trtexec"),
        (b" " * (MAX_BYTES + 1), "larger than 256 MiB"),
    ],
)
def test_what_is_no_such_file_is_told_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read_times(data, name="times.json")
    assert str(caught.value).startswith("times.json: ") and "\n" not in str(caught.value)


@given(st.recursive(st.none() | st.floats() | st.text(), st.lists, max_leaves=9))
def test_other_json_is_refused_and_never_a_bug(value: object) -> None:
    for data in (json.dumps(value), json.dumps([{"computeMs": value}] * 7)):
        try:
            assert measurement(read_times(data.encode())).events_ms is not None
        except FormatError as error:
            assert "\n" not in str(error)


@given(st.lists(st.floats(0, 1e6), min_size=6, max_size=40))
def test_an_interval_holds_its_median_and_ends_at_samples(samples: list[float]) -> None:
    found = spread(samples)
    assert found is not None and found.low <= found.median <= found.high
    assert found.low in samples and found.high in samples


@pytest.mark.parametrize(("count", "outside"), [(6, 0), (9, 1), (20, 5), (100, 39), (2000, 955)])
def test_intervals_are_those_of_the_tables(count: int, outside: int) -> None:
    found = spread(list(range(count)))
    assert found is not None
    assert (found.low, found.high) == (outside, count - 1 - outside)


def test_five_samples_have_no_interval() -> None:
    assert spread([1.0] * 5) is None
