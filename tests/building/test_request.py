"""What a build is asked for, by the words of the command line and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from buildworld import request
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.builder.request import (
    PRECISIONS,
    BuildRequest,
    bytes_of,
    io_of,
    level_of,
    pins_of,
    shapes_of,
    targets_of,
)
from trtdoctor.cli.build import command
from trtdoctor.cli.build_options import taken_build
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import UsageError


def parsed(words: tuple[str, ...]) -> BuildRequest:
    """The request that the command line of these words asks for."""
    given = command.make_context("build", list(words[1:])).params
    taken = taken_build(given)
    return BuildRequest(
        model=given["model"],
        engine=given["engine"],
        precision=given["precision"],
        tf32=not given["no_tf32"],
        strongly_typed=given["strongly_typed"],
        targets=targets_of(given["target_cc"]) if given["target_cc"] else (),
        convert=given["convert"],
        profile=not given["no_profile"],
        **taken.request,
    )


def fixed(*extents: int) -> ShapeRange:
    return ShapeRange(min=extents, opt=extents, max=extents)


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["x=1x3"], ("x",)),
        (["x:1x3"], ("x",)),
        (["x:1x3,y:1x3"], ("x", "y")),
        (["x=1x3", "y:1x3"], ("x", "y")),
        (["x=1x3, y=1x3"], ("x", "y")),
        (["'a:0':1x3"], ("a:0",)),
        (["a:0=1x3"], ("a:0",)),
        (["/in/a.b=1x3"], ("/in/a.b",)),
    ],
)
def test_shapes_in_both_spellings(texts: list[str], names: tuple[str, ...]) -> None:
    assert shapes_of(texts) == {name: fixed(1, 3) for name in names}


def test_the_least_and_the_most_of_an_input() -> None:
    found = shapes_of(["x=4x3", "y=2"], ["x=1x3"], ["x=8x3", "y=5"])
    assert found["x"] == ShapeRange(min=(1, 3), opt=(4, 3), max=(8, 3))
    assert found["y"] == ShapeRange(min=(2,), opt=(2,), max=(5,))
    assert shapes_of(["s="]) == {"s": fixed()}


@pytest.mark.parametrize(
    ("opt", "least", "most", "said"),
    [
        (["x"], [], [], "--shapes takes NAME=1x3x224x224, not x"),
        (["x=1x-3"], [], [], "not x=1x-3"),
        (["x=1xa"], [], [], "not x=1xa"),
        (["=1x3"], [], [], "not =1x3"),
        ([""], [], [], "--shapes takes"),
        (["x=1"], ["x=one"], [], "--min-shapes takes"),
        (["x=1"], [], ["x"], "--max-shapes takes"),
        (["x=1x1x1x1x1x1x1x1x1"], [], [], "up to 8 dimensions"),
        ([], ["x=1"], [], "--shapes says nothing of x"),
        (["x=1"], [], ["y=2"], "--shapes says nothing of y"),
        (["x=4"], ["x=5"], [], "do not go from least to most: 5, 4, 4"),
        (["x=4"], [], ["x=3"], "do not go from least to most: 4, 4, 3"),
        (["x=4x4"], ["x=4"], [], "do not go from least to most"),
    ],
)
def test_shapes_that_are_none(opt: Any, least: Any, most: Any, said: str) -> None:
    with pytest.raises(UsageError) as told:
        shapes_of(opt, least, most)
    assert said in str(told.value)


def test_types_of_network_tensors() -> None:
    assert io_of([]) == (None, {})
    assert io_of(["fp16"]) == ("fp16", {})
    assert io_of(["x=fp16:hwc8", "y=FP32", "z=:CHW4"]) == (
        None,
        {"x": ("fp16", "hwc8"), "y": ("fp32", None), "z": (None, "chw4")},
    )
    assert io_of(["a=b=fp16"])[1] == {"a=b": ("fp16", None)}


@pytest.mark.parametrize("text", ["", "half", "x=", "x=half", "x=fp16:nhwc", "fp16:hwc8", ":hwc8"])
def test_types_of_network_tensors_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--io"):
        io_of([text])


def test_pins() -> None:
    assert pins_of(["/a/*=fp32", "b=c=FP16"]) == {"/a/*": "fp32", "b=c": "fp16"}
    for text in ("a", "=fp32", "a=", "a=int32", "a=half"):
        with pytest.raises(UsageError, match="--pin takes NODE=fp32"):
            pins_of([text])


def test_sizes() -> None:
    same = ("4G", "4g", "4GB", "4 GiB", "4096", "4096M", "4194304K")
    assert {bytes_of(text) for text in same} == {4 << 30}
    assert bytes_of("0.5G") == 512 << 20 and bytes_of("512K") == 512 << 10
    for text in ("", "4X", "-1G", "0", "nan", "1e9", "9999999999T", "0.0001K"):
        with pytest.raises(UsageError, match="--workspace takes a size such as 4G"):
            bytes_of(text)


def test_targets() -> None:
    assert targets_of("8.9, 12.0,8.9") == ("8.9", "12.0")
    for text in ("", "89", "8.9,", "sm_89", "8.95"):
        with pytest.raises(UsageError, match="--target-cc takes"):
            targets_of(text)


def test_constraints_follow_pins() -> None:
    assert request().constrained == "none"
    assert request(pins={"a": "fp32"}).constrained == "prefer"
    assert request(pins={"a": "fp32"}, constraints="obey").constrained == "obey"
    words = ["m.onnx", "m.engine", "--constraints", "obey"]
    with pytest.raises(UsageError, match="about nodes that --pin names"):
        taken_build(command.make_context("build", words).params)


NAMES = st.text("abcXYZ019_./:", min_size=1, max_size=8)
FLOATS = st.sampled_from(["fp32", "fp16", "bf16", "int8"])
EXTENTS = st.lists(st.integers(0, 999_999_999), max_size=4)


def ranged(extents: list[int]) -> ShapeRange:
    return ShapeRange(
        min=tuple(e // 2 for e in extents),
        opt=tuple(extents),
        max=tuple(min(2 * e, 999_999_999) for e in extents),
    )


@st.composite
def requests(draw: st.DrawFn) -> BuildRequest:
    pins = draw(st.dictionaries(NAMES, FLOATS, max_size=3))
    # Only where some are pinned.
    constraints = st.sampled_from([None, "none", *(["prefer", "obey"] if pins else [])])
    maybe = st.none()
    return BuildRequest(
        model=Path("m.onnx"),
        engine=Path("out/m.engine"),
        precision=draw(st.sampled_from(PRECISIONS)),
        tf32=draw(st.booleans()),
        strongly_typed=draw(st.booleans()),
        shapes=draw(st.dictionaries(NAMES, EXTENTS.map(ranged), max_size=3)),
        io=draw(
            st.dictionaries(
                NAMES,
                st.sampled_from([("fp16", None), ("fp32", "hwc8"), (None, "chw4")]),
                max_size=3,
            )
        ),
        io_all=draw(st.sampled_from([None, "fp16", "fp32"])),
        pins=pins,
        constraints=draw(constraints),
        hardware_compatible=draw(st.sampled_from([None, level_of("ampere+"), level_of("same-cc")])),
        version_compatible=draw(st.booleans()),
        workspace=draw(maybe | st.integers(1, 1 << 38).map(lambda kib: kib << 10)),
        timing_cache=draw(st.sampled_from([None, Path("kept/t.cache")])),
        avg_timing=draw(maybe | st.integers(1, 1000)),
        tactic_sources=draw(st.sampled_from([None, (), ("-CUBLAS", "+CUDNN"), ("CUBLAS_LT",)])),
        optimization_level=draw(maybe | st.integers(0, 5)),
        targets=draw(st.sampled_from([(), ("8.9",), ("8.9", "12.0")])),
        convert=draw(st.sampled_from(["plan", "autocast", "none"])),
        profile=draw(st.booleans()),
    )


@given(requests())
def test_a_request_is_the_one_of_its_words(wanted: BuildRequest) -> None:
    assert parsed(wanted.words()) == wanted


def test_any_workspace_is_kept_by_its_words() -> None:
    for text in ("512K", "1", "100.5M", "1.23G", "3T"):
        wanted = request(workspace=bytes_of(text))
        assert parsed(wanted.words()).workspace == wanted.workspace
