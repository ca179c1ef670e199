"""TensorRT's API capture: its names are counted, however it is laid out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.readers.apicapture import MAX_BYTES, is_api_capture, read_api_capture
from trtdoctor.readers.errors import FormatError

# One build, in four ways in which calls can be written down.
CALLS = (
    ("IBuilder", "createNetworkV2", ["NetworkDefinitionCreationFlag::kSTRONGLY_TYPED"]),
    ("INetworkDefinition", "addInput", ["x", "DataType::kHALF", [1, 3, 8, 8]]),
    ("INetworkDefinition", "addConvolutionNd", [16, [3, 3], {"offset": 0, "count": 432}]),
    ("INetworkDefinition", "addConvolutionNd", [16, [3, 3], {"values": [0.5, 0.25]}]),
    ("ILayer", "setName", ["addressee of nothing"]),
    ("IBuilderConfig", "setFlag", ["BuilderFlag::kTF32"]),
    ("IBuilder", "buildSerializedNetwork", []),
)
LAYOUTS = {
    "list of calls": [{"class": c, "function": f, "args": a} for c, f, a in CALLS],
    "joined names": [{"call": f"nvinfer1::{c}::{f}", "args": a} for c, f, a in CALLS],
    "names as keys": [{f"{c}_{f}": a} for c, f, a in CALLS],
    "under a head": {"version": "11.4.0", "calls": [[f, *a] for _, f, a in CALLS]},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_are_counted_however_they_are_laid_out(layout: str) -> None:
    data = json.dumps(LAYOUTS[layout]).encode()
    found = read_api_capture(data)
    assert is_api_capture(data) or layout == "names as keys"
    assert found.calls["addConvolutionNd"] == 2 and found.calls["addInput"] == 1
    assert found.constants == {
        "NetworkDefinitionCreationFlag::kSTRONGLY_TYPED": 1,
        "DataType::kHALF": 1,
        "BuilderFlag::kTF32": 1,
    }
    assert found.versions == ({"version": "11.4.0"} if layout == "under a head" else {})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no JSON"),
        (b'{"calls": ["createNetworkV2"', "is no JSON"),
        (b"[" * 9999, "is no JSON"),
        (b'{"function": "main", "version": 3}', "names none of the calls"),
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
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_whatever_stands_beside_the_calls_is_read(value: Any) -> None:
    found = read_api_capture(json.dumps(["createNetworkV2", value]).encode())
    assert found.calls["createNetworkV2"] >= 1
