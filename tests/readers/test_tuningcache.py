"""trtexec's tuning cache: what was tried, what was taken, and what an interrupted run leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.tuningcache import MAX_ROUTES, is_tuning_cache, read_tuning_cache

DEFAULT = "-conv_lowering=on -kgen:tiling=0 -other=7"


def header(**more: Any) -> dict[str, Any]:
    return {
        "tuner_version": "2.19.45",
        "accuracy_algorithm": "L0",
        "accuracy_parameter": {"atol": 1e-5, "rtol": 1e-5, "epsilon": 0.0},
        "searching_algorithm": "fast",
        "command_line": "trtexec --onnx=m.onnx '--tuneBuildRoutes=-conv_lowering=[on|off]'",
        "default_build_route": DEFAULT,
        "tuning_expr": "-conv_lowering=[on|off] -kgen:tiling=[0|1]",
        "files": {"onnx": "/models/m.onnx"},
        "argv": ["trtexec", "--onnx=/models/m.onnx"],
    } | more


def tried(number: int, route: str, ms: float | None, **more: Any) -> dict[str, Any]:
    return {
        "iter": number,
        "build_route": route,
        "crash": ms is None,
        "error_message": "" if ms else "child killed by signal 11 (Segmentation fault)",
        "accuracy_loss": None,
        "gpu_time": ms,
    } | more


def cache(*lines: dict[str, Any], **more: Any) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in (header(**more), *lines)).encode()


ROUTES = (
    tried(0, "-conv_lowering=on -kgen:tiling=0", 0.2),
    tried(1, "-conv_lowering=off -kgen:tiling=0", 0.15),
    tried(2, "-conv_lowering=on -kgen:tiling=1", None),
)


def test_what_was_tried_and_what_is_best() -> None:
    data = cache(*ROUTES)
    found = read_tuning_cache(data)
    assert is_tuning_cache(data)
    assert (found.best, found.baseline, found.search) == (1, 0, "fast")
    assert found.best_route == "-conv_lowering=off -kgen:tiling=0"
    assert found.routes[1].changed == ("-conv_lowering=off", "-kgen:tiling=0")
    assert found.routes[2].failed == "child killed by signal 11 (Segmentation fault)"
    assert found.accuracy_limit is None and not found.names_precision and found.cut is None
    told = {(each.knob, each.value): (each.tried, each.best_ms) for each in found.knobs}
    assert told == {
        ("-conv_lowering", "on"): (2, 0.2),
        ("-conv_lowering", "off"): (1, 0.15),
        ("-kgen:tiling", "0"): (2, 0.15),
        ("-kgen:tiling", "1"): (1, None),
    }


def test_a_route_that_is_too_far_from_the_reference_is_not_the_best() -> None:
    far = {"error_message": "child exited with status 1", "accuracy_loss": {"y": 0.5, "z": None}}
    near = {"accuracy_loss": {"y": 0.1}}
    lines = (tried(0, "-a=1", 0.3, **near), tried(1, "-a=2", 0.1, **far))
    limit = {"accuracy_parameter": {"epsilon": 0.5}}
    found = read_tuning_cache(cache(*lines, **limit))
    assert (found.best, found.accuracy_limit) == (0, 0.5)
    assert found.routes[1].failed == "output y is 0.5 from the reference, and 0.5 is too far"
    assert found.baseline is None, "the default route does not tell of what was varied"


def test_an_error_without_a_crash_is_no_route_to_take() -> None:
    lines = (tried(0, "-a=1", 0.3, error_message="child exited with status 1"),)
    found = read_tuning_cache(cache(*lines))
    assert found.best is None and found.best_route is None
    assert found.routes[0].failed == "child exited with status 1"
    assert read_tuning_cache(cache(tried(0, "-a=1", 0.0))).routes[0].failed is not None


def test_what_names_a_type_is_noticed() -> None:
    lines = (tried(0, "-allow_fp16=on", 0.1), tried(1, "-allow_fp16=off", 0.2))
    assert read_tuning_cache(cache(*lines)).names_precision


def test_an_interrupted_run_is_read_up_to_where_it_was() -> None:
    found = read_tuning_cache(cache(*ROUTES)[:-30])
    assert len(found.routes) == 2 and found.cut is not None and "interrupted" in found.cut
    assert read_tuning_cache(cache()).routes == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a tuner's header"),
        (b'{"a": 1}\n', "not a tuner's header"),
        (b"[" * 9999, "not a tuner's header"),
        (b"\xff\xfe", "not a tuner's header"),
        (cache({"build_route": 7}, *ROUTES), "Line 2 of this file is damaged"),
        (cache() + b"{}\n" * (MAX_ROUTES + 1), "more than 100,000 routes"),
    ],
)
def test_what_is_no_such_cache_is_told_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read_tuning_cache(data, name="tuning.json")
    assert str(caught.value).startswith("tuning.json: ") and "\n" not in str(caught.value)


VALUES = (
    st.none() | st.booleans() | st.floats() | st.text() | st.dictionaries(st.text(), st.floats())
)
KEYS = st.sampled_from([*tried(0, "", 1.0), *header()])


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, VALUES))
def test_lines_of_anything_are_read_or_refused(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    data = json.dumps(header(**first)) + "\n" + json.dumps(tried(0, "-a=1", 1.0, **second))
    try:
        read_tuning_cache(data.encode())
    except FormatError as error:
        assert "\n" not in str(error)
