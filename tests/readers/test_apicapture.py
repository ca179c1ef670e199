"""TensorRT's API capture: real ones of TensorRT-RTX 1.7.1, and one of TensorRT 10 by the same layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.engine import ShapeRange
from trtdoctor.model.recorded import CapturedLayer
from trtdoctor.model.typing import Typing
from trtdoctor.readers.apicapture import MAX_BYTES, is_api_capture, read_api_capture
from trtdoctor.readers.errors import FormatError

DATA = Path(__file__).parents[1] / "data" / "recorded"
HALF, PARSED = DATA / "rtx171_half_conv.capture.json", DATA / "rtx171_onnx.capture.json"


def test_a_network_that_was_built_by_hand() -> None:
    data = HALF.read_bytes()
    identity, typing, capture = read_api_capture(data)
    assert is_api_capture(data) and typing is Typing.STRONG
    assert (identity.product, identity.tensorrt_version) == ("tensorrt-rtx", "1.7.1")
    assert identity.compute_capabilities == ("8.9",) and identity.tf32_allowed is False
    assert [(t.mode, t.name, t.dtype) for t in identity.io or ()] == [
        ("input", "x", "FP16"),
        ("output", "y", "FP32"),
    ]
    (shapes,) = identity.profiles or ()
    assert shapes == {"x": ShapeRange(min=(1, 3, 8, 8), opt=(2, 3, 8, 8), max=(4, 3, 8, 8))}
    assert capture.layers == (
        CapturedLayer(name="conv", kind="ConvolutionNd", weights="FP16"),
        CapturedLayer(name="relu", kind="Activation"),
        CapturedLayer(name="cast", kind="Cast", cast_to="FP32"),
    )
    assert (capture.flags, capture.cleared, capture.built) == ((), ("TF32",), True)
    assert capture.weights == {"FP16": 112} and capture.weights_file == "capture.bin"


def test_a_network_that_the_parser_made() -> None:
    identity, _, capture = read_api_capture(PARSED.read_bytes())
    names = [layer.name for layer in capture.layers]
    assert {"/conv", "/relu", "/flat", "k", "/mm", "/cast", "/sm"} < {*names} and len(names) == 8
    assert capture.flags == ("REFIT", "WEIGHT_STREAMING")
    assert capture.settings["BuilderOptimizationLevel"] == "3"
    assert capture.weights == {"FP32": 3096} and identity.tf32_allowed is True
    assert [(t.name, t.dtype, t.shape) for t in identity.io or ()] == [
        ("x", "FP32", (1, 3, 8, 8)),
        ("y", "unknown", None),
    ]


def call(kind: str, function: str, number: int, made: int | None = None, **arguments: Any) -> dict:
    made_one = {} if made is None else {"return": {"object": made}}
    return {"class": kind, "function": function, "object": number, **made_one, **arguments}


def capture_of(*calls: dict, version: object = 101303) -> bytes:
    return json.dumps({"api_calls": calls, "output_bin": "c.bin", "trt_version": version}).encode()


WEAK = (
    call("Builder", "createNetworkV2", 0, 1, flags=1),
    call("NetworkDefinition", "addInput", 1, 2, name="x", type=0, dimensions=[1, 8]),
    call("NetworkDefinition", "addSoftMax", 1, 3, input={"object": 2}),
    call("Layer", "setName", 3, name="soft"),
    call("Layer", "setPrecision", 3, dataType=0),
    call("Layer", "setOutputType", 3, index=0, dataType=1),
    call("Layer", "getOutput", 3, 4, index=0),
    call("NetworkDefinition", "markOutput", 1, tensor={"object": 4}),
    call("BuilderConfig", "setFlag", 5, builderFlag=0),
    call("BuilderConfig", "setFlag", 5, builderFlag=9),
    call("BuilderConfig", "setFlag", 5, builderFlag=63),
)


def test_a_weakly_typed_network_has_flags_and_pins() -> None:
    identity, typing, capture = read_api_capture(capture_of(*WEAK))
    assert (identity.product, identity.tensorrt_version) == ("tensorrt", "10.13.3")
    assert typing is Typing.WEAK
    assert capture.flags == ("FP16", "OBEY_PRECISION_CONSTRAINTS", "flag 63")
    (layer,) = capture.layers
    assert (layer.name, layer.pinned, layer.output_types) == ("soft", "FP32", {"0": "FP16"})
    assert [t.name for t in identity.io or ()] == ["x", "soft"]


@pytest.mark.parametrize(
    ("version", "flags", "typing"),
    [
        (101303, 2, Typing.STRONG),
        (101303, 0, Typing.WEAK),
        (110100, 0, Typing.STRONG),
        (10701, 0, Typing.STRONG),
        ("11.1", 0, Typing.UNKNOWN),
        (None, 2, Typing.UNKNOWN),
    ],
)
def test_who_decides_types_follows_from_release_and_flags(
    version: object, flags: int, typing: Typing
) -> None:
    network = call("Builder", "createNetworkV2", 0, 1, flags=flags)
    assert read_api_capture(capture_of(network, version=version)).typing is typing


def test_flags_are_numbered_anew_in_tensorrt_11() -> None:
    setting = call("BuilderConfig", "setFlag", 5, builderFlag=12)
    network = call("Builder", "createNetworkV2", 0, 1)
    names = [
        read_api_capture(capture_of(network, setting, version=version)).capture.flags
        for version in (101600, 110000, None)
    ]
    assert names == [("REJECT_EMPTY_ALGORITHMS",), ("VERSION_COMPATIBLE",), ("flag 12",)]


def test_all_flags_at_once_and_one_that_is_cleared_again() -> None:
    calls = (
        call("BuilderConfig", "setFlag", 5, builderFlag=1),
        call("BuilderConfig", "setFlags", 5, builderFlags=0b1000001),
        call("BuilderConfig", "clearFlag", 5, builderFlag=6),
    )
    capture = read_api_capture(capture_of(WEAK[0], *calls)).capture
    assert (capture.flags, capture.cleared) == (("FP16",), ("TF32",))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not JSON, or cut"),
        (HALF.read_bytes()[:-200], "the program that was recorded did not end"),
        (b"[" * 9999, "is not JSON, or cut"),
        (b'{"api_calls": 3}', "no list of API calls"),
        (b"[]", "no list of API calls"),
        (b'{"api_calls": []}', "makes no network"),
        (b'{"api_calls": [{"function": "createInferBuilder_INTERNAL"}, 3]}', "makes no network"),
        (b" " * (MAX_BYTES + 1), "larger than 256 MiB"),
        (b"[" + b"{}," * 400_000 + b"{}]", "more than 2"),
    ],
)
def test_what_is_no_capture_is_told_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read_api_capture(data, name="capture.json")
    assert str(caught.value).startswith("capture.json: ") and "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("object"), inner),
    max_leaves=5,
)
CALLS = [each for path in (HALF, PARSED) for each in json.loads(path.read_bytes())["api_calls"]]
CALLS += WEAK


@given(st.lists(st.tuples(st.sampled_from(CALLS), st.integers(0, 9), JSON), max_size=9))
def test_arguments_of_anything_are_read(changes: list[tuple[dict, int, Any]]) -> None:
    calls = [WEAK[0]]
    for each, at, value in changes:
        keys = [key for key in each if key != "function"]
        calls.append(each | {keys[at % len(keys)]: value})
    assert read_api_capture(capture_of(*calls)).capture.calls == len(calls)
