"""Stored numbers by every way that ONNX stores them, against what numpy makes of them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")

import ml_dtypes
import onnx
from onnx import TensorProto, helper, numpy_helper

from trtdoctor.model.watch import OutOfTime, Watch
from trtdoctor.model.weight_numbers import StoredTensor
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.onnxmodel.weights import scan_weights

HARD = [0.0, -0.0, 1.0, -65504.0, 65519.0, 65520.0, 1e30, np.inf, -np.inf, np.nan]
HARD += [2.0**-14, 2.0**-15, 2.0**-24, 2.0**-25, np.nextafter(np.float32(2.0**-25), 1)]


def saved(path: Path, *tensors: Any, nodes: Any = ()) -> Path:
    graph = helper.make_graph(list(nodes), "g", [], [], list(tensors))
    path.write_bytes(helper.make_model(graph, ir_version=9).SerializeToString())
    return path


def seen(path: Path) -> dict[str, StoredTensor]:
    return {tensor.name: tensor for tensor in scan_weights(path).tensors}


def expected(values: Any) -> dict[str, Any]:
    """By numpy's own conversion to FP16, one number at a time."""
    wide = np.asarray(values, np.float32).reshape(-1)
    with np.errstate(over="ignore"):
        half = wide.astype(np.float16)
    finite = np.isfinite(wide)
    magnitudes = np.abs(wide[finite])
    above = magnitudes[magnitudes > 0]
    zero = wide == 0
    return {
        "zeros": int(zero.sum()),
        "nan": int(np.isnan(wide).sum()),
        "infinite": int(np.isinf(wide).sum()),
        "overflow": int((np.isinf(half) & finite).sum()),
        "flushed": int(((half == 0) & ~zero).sum()),
        "subnormal": int(((magnitudes > 2.0**-25) & (magnitudes < 2.0**-14)).sum()),
        "largest": float(magnitudes.max(initial=0)),
        "smallest": float(above.min()) if above.size else None,
    }


def told(tensor: StoredTensor) -> dict[str, Any]:
    return {name: getattr(tensor, name) for name in expected([0.0])}


# Some libraries have the processor take FP32's own subnormal numbers for zero, in all of a process.
NUMBERS = st.sampled_from(HARD) | st.floats(width=32, allow_subnormal=False)


@given(st.lists(NUMBERS, min_size=1, max_size=200))
@settings(max_examples=120, deadline=None)
def test_every_count_is_numpys(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    values = np.asarray(values, np.float32)
    path = saved(tmp_path_factory.mktemp("w") / "m.onnx", numpy_helper.from_array(values, "w"))
    tensor = seen(path)["w"]
    assert tensor.read and told(tensor) == expected(values)


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"])
def test_every_floating_type_raw_and_in_fields(kind: str, raw: bool, tmp_path: Path) -> None:
    number = getattr(TensorProto, kind)
    values = [0.5, -3.0, 0.0, 2.0**-20, 1e-6]
    if raw:
        kinds = {"FLOAT": np.float32, "DOUBLE": np.float64, "FLOAT16": np.float16}
        array = np.array(values, kinds.get(kind, ml_dtypes.bfloat16))
        tensor = helper.make_tensor("w", number, [5], array.tobytes(), raw=True)
    else:
        tensor = helper.make_tensor("w", number, [5], values)
    found = seen(saved(tmp_path / "m.onnx", tensor))["w"]
    exact = numpy_helper.to_array(tensor).astype(np.float32)
    assert found.read and told(found) == expected(exact)
    assert found.type == kind and found.shape == (5,)


def test_other_types_are_listed_and_not_counted(tmp_path: Path) -> None:
    kinds = [
        "INT8",
        "UINT8",
        "INT32",
        "INT64",
        "BOOL",
        "INT4",
        "UINT4",
        "FLOAT8E4M3FN",
        "FLOAT8E5M2",
    ]
    tensors = [helper.make_tensor(kind, getattr(TensorProto, kind), [2], [1, 0]) for kind in kinds]
    found = seen(saved(tmp_path / "m.onnx", *tensors))
    assert set(found) == set(kinds)
    assert all(not t.read and t.reason is None and t.elements == 2 for t in found.values())


def test_constants_sparse_tensors_and_subgraphs(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.float32([7e4])))],
        "body",
        [],
        [],
        [numpy_helper.from_array(np.float32([1, 2]), "inside")],
    )
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.float32([1e9]))),
        helper.make_node("If", ["b"], ["o"], then_branch=inner, else_branch=inner),
    ]
    graph = helper.make_graph(nodes, "g", [], [])
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.float32([1e-9]), "s"),
        numpy_helper.from_array(np.int64([3])),
        [9],
    )
    graph.sparse_initializer.append(sparse)
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(graph, ir_version=9).SerializeToString())
    found = seen(path)
    assert found["k"].overflow == 1 and found["k"].where == ""
    assert found["s"].flushed == 1
    assert found["inside"].where == "body" and found["c"].overflow == 1


def external(name: str, count: int, location: str, **more: int) -> Any:
    tensor = TensorProto(name=name, data_type=1, dims=[count], data_location=1)
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor


def test_external_data_with_offsets(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32) * 20_000
    (tmp_path / "w.bin").write_bytes(b"head" + values.tobytes())
    path = saved(
        tmp_path / "m.onnx",
        external("a", 3, "w.bin", offset=4, length=12),
        external("b", 3, "w.bin", offset=16),
    )
    found = seen(path)
    assert found["a"].largest == 40_000 and found["b"].overflow == 2
    assert all(tensor.external and tensor.read for tensor in found.values())


@pytest.mark.parametrize(
    ("location", "more", "says"),
    [
        ("gone.bin", {}, "gone.bin, which is missing"),
        ("../m.bin", {}, "outside the model's folder"),
        ("/dev/zero", {}, "outside the model's folder"),
        ("w.bin", {"offset": 8}, "which has 12"),
        ("w.bin", {"length": 4}, "have 4 bytes, and its shape asks for 12"),
        ("w.bin", {"offset": -1}, "end at byte"),
        ("folder", {}, "cannot be read"),
    ],
)
def test_data_that_are_not_there_or_not_to_be_read(
    location: str, more: dict[str, int], says: str, tmp_path: Path
) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(12))
    (tmp_path / "folder").mkdir()
    path = saved(tmp_path / "m.onnx", external("w", 3, location, **more))
    tensor = seen(path)["w"]
    assert not tensor.read and says in (tensor.reason or "")


@pytest.mark.parametrize("cut", [10, 40, 200])
def test_a_cut_file_is_refused(cut: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", numpy_helper.from_array(np.zeros(400, np.float32), "w"))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(FormatError, match=r"m\.onnx"):
        scan_weights(path)


def test_a_shape_that_no_tensor_has(tmp_path: Path) -> None:
    odd = TensorProto(name="odd", data_type=1, dims=[-3], raw_data=bytes(12))
    few = TensorProto(name="few", data_type=1, dims=[9], raw_data=bytes(12))
    found = seen(saved(tmp_path / "m.onnx", odd, few))
    assert "shape is none" in (found["odd"].reason or "")
    assert "it holds 3 elements, and its shape asks for 9" in (found["few"].reason or "")


def test_a_sparse_file_of_a_gigabyte_takes_no_memory(tmp_path: Path) -> None:
    count = (1 << 30) // 4
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(count * 4)
    path = saved(tmp_path / "m.onnx", external("w", count, "w.bin"))
    tracemalloc.start()
    tensor = seen(path)["w"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tensor.zeros == count and peak < 128 << 20


def test_the_time_ends_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", numpy_helper.from_array(np.zeros(9, np.float32), "w"))
    with pytest.raises(OutOfTime):
        scan_weights(path, watch=Watch(left=lambda: -1.0))


def test_real_models_agree_with_the_package(shared: Path) -> None:
    path = shared / "corpus" / "hazards" / "haz.onnx"
    found = seen(path)
    for tensor in onnx.load(path).graph.initializer:
        if tensor.data_type == 1:
            assert told(found[tensor.name]) == expected(numpy_helper.to_array(tensor))


def test_doubles_beyond_fp32_are_neither_infinite_nor_zero(tmp_path: Path) -> None:
    values = np.array([1e300, -1e300, 1e-300, -1e-300, 0.0, np.inf, np.nan, 1.0], np.float64)
    found = seen(saved(tmp_path / "m.onnx", numpy_helper.from_array(values, "w")))["w"]
    assert (found.overflow, found.flushed, found.zeros) == (2, 2, 1)
    assert (found.infinite, found.nan) == (1, 1)
