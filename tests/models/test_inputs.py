"""What a model is run with, what is wrong with it in one sentence, and what its values range over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import TensorProto as T
from onnx import helper

from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.models.emulation import Network, find_backend
from trtdoctor.models.inputs import Inputs, find_inputs
from trtdoctor.models.ranges import joined, measure, range_of
from trtdoctor.readers.onnxmodel import OnnxFacts, read_onnx

IDS = ("ids", T.INT64, [1, 4])
X = ("x", T.FLOAT, [1, 3])


@pytest.fixture
def facts(tmp_path: Path) -> Any:
    def make(*inputs: Any) -> OnnxFacts:
        nodes = [
            helper.make_node("Identity", [name], [f"{name}_out"], name=name) for name, *_ in inputs
        ]
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(*each) for each in inputs],
            [helper.make_tensor_value_info(f"{n}_out", kind, None) for n, kind, _ in inputs],
        )
        path = tmp_path / "m.onnx"
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return read_onnx(path, shapes={})

    return make


def saved(folder: Path, **arrays: Any) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def shapes_of(inputs: Inputs, name: str = "x") -> list[tuple[int, ...]]:
    return [sample[name].shape for sample in inputs]


def test_random_samples_fit_and_are_the_same_each_time(facts: Any) -> None:
    model = facts(IDS, X, ("attention_mask", T.INT64, [1, 4]), ("flag", T.BOOL, []))
    inputs = find_inputs(model, "random:3", {})
    assert inputs.random and inputs.count == 3
    first, again = list(inputs), list(inputs)
    assert len(first) == 3
    for one, other in zip(first, again, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(first[0]["x"], first[1]["x"])
    sample = first[0]
    assert sample["ids"].dtype == np.int64 and set(sample["ids"].ravel()) <= {0, 1}
    assert sample["x"].dtype == np.float32 and (sample["attention_mask"] == 1).all()
    assert find_inputs(model, None, {}).count == 1


def test_an_open_batch_is_one_and_other_open_extents_have_to_be_given(facts: Any) -> None:
    assert shapes_of(find_inputs(facts(("x", T.FLOAT, ["n", 3])), None, {})) == [(1, 3)]
    model = facts(("x", T.FLOAT, ["n", 3, "h"]))
    with pytest.raises(InputError, match=r"--shape x=1x3xN"):
        find_inputs(model, None, {})
    assert shapes_of(find_inputs(model, "random:1", {"x": (2, 3, 5)})) == [(2, 3, 5)]
    with pytest.raises(InputError, match="does not tell the shape of its input x"):
        find_inputs(facts(("x", T.FLOAT, None)), None, {})


@pytest.mark.parametrize("spec", ["random:0", "random:-1", "random:many", "random:5000"])
def test_a_count_that_is_none(facts: Any, spec: str) -> None:
    with pytest.raises(UsageError, match="1 to 4096"):
        find_inputs(facts(X), spec, {})


def test_shapes_have_to_fit_the_model(facts: Any) -> None:
    with pytest.raises(InputError, match=r"no input 'y'.*its inputs are x"):
        find_inputs(facts(X), None, {"y": (1,)})
    with pytest.raises(InputError, match=r"x=1x4 does not fit.*which is 1x3"):
        find_inputs(facts(X), None, {"x": (1, 4)})


@pytest.mark.parametrize(
    ("array", "declared", "given", "wanted"),
    [
        ((1, 3), [1, 3], {}, [(1, 3)]),
        ((5, 1, 3), [1, 3], {}, [(1, 3)] * 5),
        ((6, 3), [2, 3], {}, [(2, 3)] * 3),
        ((6, 3), ["n", 3], {}, [(6, 3)]),
        ((6, 3), ["n", 3], {"x": (2, 3)}, [(2, 3)] * 3),
        ((4, 7), None, {}, [(4, 7)]),
    ],
)
def test_an_array_is_one_sample_or_many(
    facts: Any, tmp_path: Path, array: Any, declared: Any, given: Any, wanted: Any
) -> None:
    data = np.arange(np.prod(array), dtype=np.float32).reshape(array)
    inputs = find_inputs(facts(("x", T.FLOAT, declared)), saved(tmp_path, x=data), given)
    assert shapes_of(inputs) == wanted and not inputs.random
    assert np.array_equal(np.concatenate([s["x"].ravel() for s in inputs]), data.ravel())


def test_arrays_that_the_model_does_not_read_are_of_no_concern(facts: Any, tmp_path: Path) -> None:
    path = saved(tmp_path, x=np.zeros((4, 1, 3), np.float32), label=np.int64(3), ids=np.zeros(2))
    assert shapes_of(find_inputs(facts(X), path, {})) == [(1, 3)] * 4


RECORDED = Path(__file__).parents[1] / "data" / "recorded"


def test_inputs_that_polygraphy_saved_are_samples(facts: Any, tmp_path: Path) -> None:
    model = facts(("x", T.FLOAT, [1, 3, 2]), ("m", T.BOOL, [1, 3, 2]))
    inputs = find_inputs(model, str(RECORDED / "polygraphy_inputs.json"), {})
    assert inputs.count == 3 and shapes_of(inputs, "m") == [(1, 3, 2)] * 3
    assert inputs.told.startswith("3 samples of")
    with pytest.raises(InputError, match="has no array 'x'"):
        find_inputs(model, str(RECORDED / "polygraphy_outputs.json"), {})
    other = facts(("x", T.FLOAT, [1, 4, 2]))
    with pytest.raises(InputError, match="x is 1x3x2"):
        find_inputs(other, str(RECORDED / "polygraphy_inputs.json"), {})


def test_a_folder_of_polygraphy_has_an_iteration_per_file(facts: Any, tmp_path: Path) -> None:
    model = facts(("x", T.FLOAT, [1, 3, 2]), ("m", T.BOOL, [1, 3, 2]))
    three = json.loads((RECORDED / "polygraphy_inputs.json").read_text())
    for number, iteration in enumerate(three):
        (tmp_path / f"{number:010d}.json").write_text(json.dumps(iteration))
    assert shapes_of(find_inputs(model, str(tmp_path), {})) == [(1, 3, 2)] * 3
    (tmp_path / "all.json").write_text(json.dumps(three))
    with pytest.raises(InputError, match="holds 3 samples; give this file itself"):
        list(find_inputs(model, str(tmp_path), {}))


def test_a_folder_holds_a_sample_per_file(facts: Any, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(InputError, match=r"no \.npz, \.npy or \.json file is in it"):
        find_inputs(facts(X), str(folder), {})
    for number in range(3):
        np.save(folder / f"{number}.npy", np.full((1, 3), number, np.float32))
    inputs = find_inputs(facts(X), str(folder), {})
    assert [sample["x"][0, 0] for sample in inputs] == [0, 1, 2]
    with pytest.raises(InputError, match=r"holds one array.*ids, x"):
        list(find_inputs(facts(IDS, X), str(folder), {}))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": np.zeros((1, 3), np.float32)}, "has no array 'x'.*it has y"),
        ({"x": np.zeros((1, 4), np.float32)}, "x is 1x4, and .* wants 1x3"),
        ({"x": np.zeros((0, 1, 3), np.float32)}, "x is 0x1x3, and .* wants 1x3"),
        ({"x": np.zeros((1, 3), np.int64)}, "x is of int64, and .* wants float32"),
        ({"x": np.array([[1e300, 0, 0]])}, "x is of float64 and has numbers .* into float32"),
    ],
)
def test_data_that_do_not_fit(facts: Any, tmp_path: Path, arrays: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        list(find_inputs(facts(X), saved(tmp_path, **arrays), {}))


@pytest.mark.parametrize(
    ("kind", "numbers", "wanted"),
    [
        (T.INT32, [[1, 2]], True),
        (T.INT32, [[1, 1 << 40]], False),
        (T.UINT64, [[1, -1]], False),
        (T.UINT8, [[255, 0]], True),
        (T.BOOL, [[1, 0]], True),
        (T.BOOL, [[2, 0]], False),
    ],
)
def test_whole_numbers_change_their_type_only_where_none_is_lost(
    facts: Any, tmp_path: Path, kind: int, numbers: Any, wanted: bool
) -> None:
    path = saved(tmp_path, x=np.array(numbers, np.int64))
    model = facts(("x", kind, [1, 2]))
    if wanted:
        (sample,) = find_inputs(model, path, {})
        assert np.array_equal(sample["x"].astype(np.int64), numbers)
    else:
        with pytest.raises(InputError, match="do not fit into"):
            find_inputs(model, path, {})


def test_files_that_are_no_data(facts: Any, tmp_path: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("not numbers")
    broken = Path(saved(tmp_path, x=np.zeros((1, 3), np.float32)))
    broken.write_bytes(broken.read_bytes()[:-30])
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([{}], object), allow_pickle=True)
    for path in (text, broken, objects):
        with pytest.raises(InputError, match="that numpy can read"):
            find_inputs(facts(X), str(path), {})
    with pytest.raises(InputError, match="cannot read"):
        find_inputs(facts(X), str(tmp_path / "none.npz"), {})
    with pytest.raises(UsageError, match=r"takes a \.npz file"):
        find_inputs(facts(X), "data.csv", {})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(facts: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="not a regular file"):
        find_inputs(facts(X), str(pipe), {})


@pytest.mark.filterwarnings("error")
def test_ranges_are_over_all_samples_and_all_values(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="exp"),
        helper.make_node("Neg", ["e"], ["y"], name="neg"),
    ]
    inputs = [helper.make_tensor_value_info("x", T.FLOAT, [1, 2])]
    outputs = [helper.make_tensor_value_info("y", T.FLOAT, [1, 2])]
    opsets = [helper.make_opsetid("", 17)]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    samples = [{"x": np.array([values], np.float32)} for values in ([0, 1], [-2, 100], [0, 2])]
    found = measure(Network(model, find_backend("onnx")), samples)
    assert (found["x"].minimum, found["x"].maximum) == (-2, 100)
    # What overflows is counted, and what is left ranges over what is finite.
    assert found["e"].infinite == 1 and found["e"].nan == 0
    assert found["e"].minimum == pytest.approx(np.exp(-2), rel=1e-5)
    assert found["y"].minimum == pytest.approx(-np.exp(2), rel=1e-5)


def test_the_range_of_an_array() -> None:
    found = range_of(np.array([0, -3, 1e-8, np.nan, np.inf], np.float32))
    assert found is not None
    assert (found.minimum, found.maximum, found.nan, found.infinite) == (-3, np.float32(1e-8), 1, 1)
    assert found.smallest == np.float32(1e-8) and not found.constant
    assert range_of(np.array([1, 2])) is None and range_of(np.array([], np.float32)) is None
    same = range_of(np.full(3, 2.0, np.float32))
    other = range_of(np.full(3, 4.0, np.float32))
    assert same is not None and other is not None
    assert same.constant and joined(same, same).constant and not joined(same, other).constant


def test_inputs_share_their_samples(facts: Any, tmp_path: Path) -> None:
    path = saved(tmp_path, x=np.zeros((3, 3), np.float32), ids=np.zeros((3, 1, 4), np.int32))
    samples = list(find_inputs(facts(IDS, X), path, {}))
    assert [(s["x"].shape, s["ids"].shape) for s in samples] == [((1, 3), (1, 4))] * 3
    path = saved(tmp_path, x=np.zeros((3, 3), np.float32), ids=np.zeros((2, 1, 4), np.int64))
    with pytest.raises(InputError, match=r"wants 1x4"):
        find_inputs(facts(IDS, X), path, {})


def test_a_sample_that_is_infinite_throughout_does_not_hide_what_the_others_were() -> None:
    graph = helper.make_graph(
        [helper.make_node("Exp", ["x"], ["y"], name="exp")],
        "g",
        [helper.make_tensor_value_info("x", T.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", T.FLOAT, [1, 2])],
    )
    opsets = [helper.make_opsetid("", 17)]
    network = Network(
        helper.make_model(graph, opset_imports=opsets, ir_version=8), find_backend("onnx")
    )
    samples = [{"x": np.full((1, 2), value, np.float32)} for value in (1, 1000, 2)]
    found = measure(network, samples)["y"]
    assert found.minimum == pytest.approx(np.e) and found.infinite == 2 and not found.constant
    alone = measure(network, samples[1:2])["y"]
    assert (alone.minimum, alone.maximum, alone.smallest, alone.infinite) == (0, 0, None, 2)


def test_an_array_that_claims_petabytes(facts: Any, tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1 << 10)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(InputError, match="more than fits into memory"):
        find_inputs(facts(X), str(path), {})
