"""Arrays as Polygraphy saves them: real files of 0.53.6, old spellings, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.errors import InputError
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.polygraphy import is_polygraphy, parse_runs, read_arrays, read_runs

DATA = Path(__file__).parents[1] / "data" / "recorded"
INPUTS, OUTPUTS = DATA / "polygraphy_inputs.json", DATA / "polygraphy_outputs.json"
X = np.arange(6, dtype=np.float16).reshape(2, 3)


def npy(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def encoded(array: Any) -> dict[str, str]:
    return {"array": base64.b64encode(npy(array)).decode(), "polygraphy_class": "ndarray"}


def sample_of(value: Any) -> bytes:
    return json.dumps([{"x": value}]).encode()


def test_inputs_that_polygraphy_saved_are_a_sample_for_each_iteration() -> None:
    samples = read_arrays(INPUTS)
    assert [sorted(sample) for sample in samples] == [["m", "x"]] * 3
    assert samples[0]["x"].dtype == np.float32 and samples[0]["m"].dtype == bool
    assert samples[0]["x"].shape == (1, 3, 2)
    assert is_polygraphy(INPUTS.read_bytes()[:4096])


def test_outputs_that_polygraphy_saved_follow_from_its_inputs() -> None:
    (run,) = read_runs(OUTPUTS)
    assert run.runner.startswith("onnxrt-runner")
    for given_, made in zip(read_arrays(INPUTS), read_arrays(OUTPUTS), strict=True):
        np.testing.assert_array_equal(made["y"], np.maximum(given_["x"], 0) + given_["m"])
        np.testing.assert_array_equal(made["z"], given_["m"])


def test_of_several_runners_one_has_to_be_named(tmp_path: Path) -> None:
    iteration = {"outputs": {"y": encoded(X)}, "polygraphy_class": "IterationResult"}
    runs = {
        "lst": [["trt", [iteration]], ["onnxrt", [iteration]]],
        "polygraphy_class": "RunResults",
    }
    path = tmp_path / "out.json"
    path.write_text(json.dumps(runs))
    with pytest.raises(InputError, match="several runners, 'trt', 'onnxrt'"):
        read_arrays(path)
    np.testing.assert_array_equal(read_arrays(path, runner="trt")[0]["y"], X)
    with pytest.raises(InputError, match="no outputs of a runner 'tf'"):
        read_arrays(path, runner="tf")


def test_a_folder_has_a_file_for_each_iteration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder without a \.json file"):
        read_arrays(tmp_path)
    for number in (1, 0):
        (tmp_path / f"{number:010d}.json").write_text(json.dumps({"x": encoded(X + number)}))
    first, second = read_arrays(tmp_path)
    np.testing.assert_array_equal(second["x"], first["x"] + 1)


@pytest.mark.parametrize("mode", ["base64", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_old_versions_wrote_is_read(mode: str, packed: bool) -> None:
    data = npz(arr_0=X) if packed else npy(X)
    text = base64.b64encode(data).decode() if mode == "base64" else data.decode("latin-1")
    old = {"array": text, "__polygraphy_encoded_ndarray": "polygraphy_serialized_json_type"}
    ((sample,),) = (run.samples for run in parse_runs(sample_of(old)))
    np.testing.assert_array_equal(sample["x"], X)


def test_an_archive_is_one_sample_and_a_bare_array_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(npz(x=X, m=X > 2))
    (sample,) = read_arrays(path)
    assert sorted(sample) == ["m", "x"]
    path.write_bytes(npy(X))
    with pytest.raises(InputError, match="one array and no name"):
        read_arrays(path)


def archive_in_itself() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", npz(x=X))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (encoded(X) | {"polygraphy_class": "Tensor"}, "a tensor that PyTorch saved"),
        ({"array": 1, "polygraphy_class": "FormattedArray"}, "vectorised format"),
        (encoded(X) | {"array": "no base64!"}, "the text of the array 'x' is damaged"),
        (encoded(X) | {"array": "☃"}, "the text of the array 'x' is damaged"),
        (encoded(X) | {"array": ""}, "the array 'x' is damaged"),
        (encoded(X) | {"polygraphy_class": "Other"}, "'x' is not an array"),
        ({"values": 3, "polygraphy_class": "LazyArray"}, "'x' is not an array"),
        (7, "'x' is not an array"),
    ],
)
def test_what_is_no_array_is_told_by_its_name(value: Any, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        parse_runs(sample_of(value), name="in.json")
    assert str(caught.value).startswith("in.json: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy(np.array([{}], dtype=object), allow_pickle=True), "is of object"),
        (npy(np.array(["a"])), "numbers and booleans alone"),
        (npy(X)[:-1], "another number of bytes"),
        (npy(X).replace(b"(2, 3)", b"(2**9)"), "is damaged"),
        (npy(X).replace(b"(2, 3), ", b"(1<<62,)"), "is damaged"),
        (npy(X).replace(b"(2, 3)", b"(99999"), "is damaged"),
        (npy(X).replace(b"{'descr'", b"\0'descr'"), "is damaged"),
        (npy(X)[:20], "is damaged"),
        (archive_in_itself(), "is damaged"),
    ],
)
def test_no_array_is_unpickled_nor_takes_more_than_is_there(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse_runs(sample_of(encoded(X) | {"array": base64.b64encode(data).decode()}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"[" * 9999, "is not JSON"),
        (b"[]", "no samples"),
        (b"{}", "no samples"),
        (b"[[]]", "no samples"),
        (b'{"lst": [], "polygraphy_class": "RunResults"}', "no runner's outputs"),
        (b'{"lst": [["a", []]], "polygraphy_class": "RunResults"}', "no runner's outputs"),
        (b'{"lst": [["a", [3]]], "polygraphy_class": "RunResults"}', "without arrays by name"),
        (b'{"lst": [3], "polygraphy_class": "RunResults"}', "which runner"),
    ],
)
def test_other_json_is_refused_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        parse_runs(data)
    assert "\n" not in str(caught.value)


KEYS = st.sampled_from(["lst", "array", "values", "outputs", "polygraphy_class", "x"])
WORDS = st.sampled_from(
    ["RunResults", "ndarray", "LazyArray", "Tensor", "", "k05VTVBZ", "UEsDBA=="]
)
VALUES = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(VALUES)
def test_made_up_json_is_read_or_refused(value: Any) -> None:
    try:
        parse_runs(json.dumps(value).encode())
    except FormatError as error:
        assert "\n" not in str(error)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_of_an_array_is_read_or_refused(at: int, byte: int) -> None:
    data = bytearray(npy(X))
    data[at % len(data)] = byte
    try:
        parse_runs(sample_of(encoded(X) | {"array": base64.b64encode(data).decode()}))
    except FormatError as error:
        assert "\n" not in str(error)
