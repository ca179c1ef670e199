"""Per-layer times and how they find their layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trtdoctor.model.engine import Layer
from trtdoctor.readers.layers import FormatError, read_layers
from trtdoctor.readers.profile import join, read_profile

DATA = Path(__file__).parents[2] / "data" / "layers"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


def times(value: object) -> list[tuple[str, float]]:
    return [(t.name, t.ms) for t in read_profile(json.dumps(value).encode()).times]


def layers(*names: str) -> tuple[Layer, ...]:
    return tuple(
        Layer(name=n, profile=int(n.rpartition("[profile ")[2].rstrip("]")) if "[p" in n else 0)
        for n in names
    )


def joined(names: tuple[str, ...], value: object):
    result = join(layers(*names), read_profile(json.dumps(value).encode()))
    return [layer.time_ms for layer in result.layers], result


def test_a_plain_object():
    assert times({"a": 1, "b": 0.5}) == [("a", 1.0), ("b", 0.5)]


def test_an_object_of_all_runs():
    assert times({"a": [5, 1, 2], "b": [4]}) == [("a", 2.0), ("b", 4.0)]


def test_a_name_told_twice_is_not_lost():
    profile = read_profile(b'{"a": 1, "a": 2}')
    assert [(t.name, t.ms) for t in profile.times] == [("a", 1.0), ("a", 2.0)]


def test_trtexec():
    entry = {"name": "a", "timeMs": 30, "averageMs": 3, "medianMs": 2, "percentage": 100}
    profile = read_profile(json.dumps([{"count": 10}, entry]).encode())
    assert profile.runs == 10
    assert profile.times[0].ms == 2
    assert times([{"count": 10}, {"name": "a", "timeMs": 30, "averageMs": 3}]) == [("a", 3.0)]
    assert times([{"count": 10}, {"name": "a", "timeMs": 30}]) == [("a", 3.0)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"x",
        b'[{"count": 1}]',
        b'[{"name": "a"}]',
        b'{"a": -1}',
        b'{"a": NaN}',
        b'{"a": true}',
        b'{"a": []}',
        b'{"a": [1, null]}',
        b'{"a": [[1]]}',
        b'{"a": 1' + b"0" * 400 + b"}",
        b'{"a": {"b": 1}}',
        b'{"Layers": [{"Name": "a", "LayerType": "NoOp"}]}',
        b"[" * 100_000,
        b'{"a": 1',
    ],
)
def test_no_profile(data):
    with pytest.raises(FormatError):
        read_profile(data)


def test_repeated_names_are_taken_in_order():
    ms, result = joined(
        ("r", "a", "r"), [{"name": n, "ms": m} for n, m in (("r", 1), ("a", 2), ("r", 3))]
    )
    assert ms == [1, 2, 3]
    assert (result.matched, result.untimed_layers, result.unmatched_times) == (3, (), ())


def test_one_time_for_two_layers_is_not_split():
    ms, result = joined(("r", "r"), {"r": 1})
    assert ms == [1, None]
    assert result.untimed_layers == ("r",)


def test_what_matches_nothing_is_told():
    ms, result = joined(("a", "b"), {"a": 1, "z": 9})
    assert ms == [1, None]
    assert result.untimed_layers == ("b",)
    assert [(t.name, t.ms) for t in result.unmatched_times] == [("z", 9.0)]


def test_optimisation_profiles():
    names = ("a", "b", "a [profile 1]", "b [profile 1]")
    ms, result = joined(names, {"a [profile 1]": 1, "b [profile 1]": 2})
    assert ms == [None, None, 1, 2]
    assert result.untimed_layers == ()
    # A runtime that reports profile 1 without the mark, and one that marks what is not repeated.
    assert joined(names, {"a": 1, "b": 2})[0] == [1, 2, None, None]
    assert joined(("a", "b"), {"a [profile 1]": 1, "b [profile 1]": 2})[0] == [1, 2]


@pytest.mark.parametrize("path", sorted(DATA.glob("*.profile.json")), ids=lambda p: p.name)
def test_our_builds_match_completely(path):
    file = read_layers(path.with_name(path.name.replace("profile", "layers")).read_bytes())
    result = join(file.layers, read_profile(path.read_bytes()))
    assert (result.matched, result.untimed_layers, result.unmatched_times) == (
        len(file.layers),
        (),
        (),
    )


def test_the_a100_profile_matches_completely():
    path = CORPUS / "public" / "trex_resnet18_A100_fp16.profile.json"
    if not path.is_file():
        pytest.skip("the shared corpus is not here")
    file = read_layers(path.with_name(path.name.replace("profile", "graph")).read_bytes())
    result = join(file.layers, read_profile(path.read_bytes()))
    assert (result.matched, result.unmatched_times) == (36, ())
