"""Numbers of stored tensors: every type, every place where values lie, and what must be refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trtdoctor.model.watch import Watch
from trtdoctor.readers.onnxmodel import FormatError, TensorNumbers, read_onnx

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
ml_dtypes = pytest.importorskip("ml_dtypes")

from trtdoctor.readers.onnxmodel.weights import scan_weights  # noqa: E402

T, h, nh = onnx.TensorProto, onnx.helper, onnx.numpy_helper
n = h.make_node
ROOT = Path(__file__).parents[3]
HAZARDS = ROOT.parent / "shared" / "corpus" / "hazards"

DTYPES = {
    "FLOAT": np.float32,
    "DOUBLE": np.float64,
    "FLOAT16": np.float16,
    "BFLOAT16": ml_dtypes.bfloat16,
    "FLOAT8E4M3FN": ml_dtypes.float8_e4m3fn,
    "FLOAT8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "FLOAT8E5M2": ml_dtypes.float8_e5m2,
    "FLOAT8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "FLOAT8E8M0": ml_dtypes.float8_e8m0fnu,
    "FLOAT4E2M1": ml_dtypes.float4_e2m1fn,
}


def model(nodes, constants=(), *, sparse=(), functions=()):
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, [4])],
        [h.make_tensor_value_info("y", T.FLOAT, [4])],
        list(constants),
        sparse_initializer=list(sparse),
    )
    imports = [h.make_opsetid("", 19), h.make_opsetid("my", 1)]
    return h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=10)


def scan(tmp_path: Path, proto) -> dict[str, TensorNumbers]:
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return {tensor.name: tensor for tensor in scan_weights(path).tensors}


def one(tmp_path: Path, tensor) -> TensorNumbers:
    return scan(tmp_path, model([n("Identity", ["x"], ["y"])], [tensor]))["w"]


def raw(kind: str, data: bytes, *shape: int):
    return T(name="w", data_type=getattr(T, kind), dims=shape, raw_data=data)


def expected(values) -> dict[str, object]:
    """The same numbers found with numpy's own conversions."""
    with np.errstate(all="ignore"):
        wide = np.asarray(values).astype(np.float64)
        half = np.asarray(values).astype(np.float64).astype(np.float16)
    known, finite = wide[~np.isnan(wide)], wide[np.isfinite(wide)]
    size, fits = np.abs(finite), half[np.isfinite(wide)]
    small = (np.abs(fits) < 2.0**-14) & (size > 0)
    return {
        "minimum": known.min() if known.size else None,
        "maximum": known.max() if known.size else None,
        "largest": size.max() if size.size else None,
        "smallest": size[size > 0].min() if (size > 0).any() else None,
        "nan": int(np.isnan(wide).sum()),
        "infinite": int(np.isinf(wide).sum()),
        "zeros": int((wide == 0).sum()),
        "overflow": int(np.isinf(fits).sum()),
        "flushed": int((small & (fits == 0)).sum()),
        "subnormal": int((small & (fits != 0)).sum()),
    }


def told(tensor: TensorNumbers) -> dict[str, object]:
    numbers = tensor.numbers
    assert numbers is not None
    return {name: getattr(numbers, name) for name in expected(np.zeros(1))}


EDGES = [65504.0, 65519.99, 65520.0, 65536.0, 2.0**-24, 2.0**-25, 2.0**-14, 2.0**-14 - 2.0**-25]
EDGES += [np.nextafter(2.0**-25, 1), np.nextafter(2.0**-14 - 2.0**-25, 0), 1e-45, 3e38, 1.0]


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_values_at_the_edges_of_fp16_are_counted_as_numpy_rounds_them(tmp_path, kind):
    dtype = DTYPES[kind]
    near = [np.nextafter(dtype(v), dtype(to)) for v in EDGES for to in (0, 1e30)]
    around = np.array([*EDGES, *near], dtype)
    for chosen in (around, -around, np.concatenate([around, -around, [0.0, -0.0]]).astype(dtype)):
        assert told(one(tmp_path, raw(kind, chosen.tobytes(), chosen.size))) == expected(chosen)
    special = np.concatenate([around, [np.inf, -np.inf, np.nan, -np.nan]]).astype(dtype)
    assert told(one(tmp_path, raw(kind, special.tobytes(), special.size))) == expected(special)


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16"])
def test_all_patterns_of_16_bits(tmp_path, kind):
    values = np.arange(1 << 16, dtype=np.uint16).view(DTYPES[kind])
    assert told(one(tmp_path, raw(kind, values.tobytes(), values.size))) == expected(values)


@pytest.mark.parametrize("kind", [kind for kind in DTYPES if kind.startswith("FLOAT8")])
def test_all_patterns_of_8_bits(tmp_path, kind):
    values = np.arange(1 << 8, dtype=np.uint8).view(DTYPES[kind])
    assert told(one(tmp_path, raw(kind, values.tobytes(), values.size))) == expected(values)
    few = values[40:56]
    assert one(tmp_path, raw(kind, few.tobytes(), 16)).values == tuple(few.astype(np.float64))


def test_four_bits_lie_two_in_a_byte_and_an_odd_one_out_is_not_counted(tmp_path):
    values = np.arange(15, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn)
    patterns = np.arange(16, dtype=np.uint8)
    packed = (patterns[::2] | patterns[1::2] << 4).tobytes()
    found = one(tmp_path, raw("FLOAT4E2M1", packed, 3, 5))
    assert told(found) == expected(values)
    assert found.values == tuple(values.astype(np.float64))


@pytest.mark.parametrize("size", [3, 16, 17, 1000, 300_000])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "FLOAT8E5M2"])
def test_values_in_typed_fields_are_those_in_raw_data(tmp_path, kind, size):
    values = (np.random.default_rng(size).standard_normal(size) * 1e-4).astype(DTYPES[kind])
    typed = T(name="w", data_type=getattr(T, kind), dims=[size])
    if kind == "FLOAT":
        typed.float_data.extend(values.tolist())
    elif kind == "DOUBLE":
        typed.double_data.extend(values.tolist())
    else:
        width = np.uint8 if kind == "FLOAT8E5M2" else np.uint16
        typed.int32_data.extend(values.view(width).tolist())
    found = one(tmp_path, typed)
    assert found == one(tmp_path, raw(kind, values.tobytes(), size))
    assert told(found) == expected(values)
    assert found.values == (tuple(values.astype(np.float64)) if size <= 16 else ())


def test_what_becomes_infinite_or_zero_in_bf16_is_counted_too(tmp_path):
    values = np.array([3.4e38, 3.3895314e38, -3.4e38, 1e-41, 9e-41, -4e-41, 1e-45, 0.0], np.float32)
    numbers = one(tmp_path, raw("FLOAT", values.tobytes(), 8)).numbers
    narrow = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    assert numbers is not None
    assert numbers.overflow_bf16 == int(np.isinf(narrow).sum()) == 2
    assert numbers.flushed_bf16 == int(((narrow == 0) & (values != 0)).sum())


def test_constants_of_every_form_are_found_where_they_stand(tmp_path):
    big = np.full(200_000, 7e4, np.float32)
    packed = onnx.AttributeProto(name="value_floats", type=onnx.AttributeProto.FLOATS)
    packed.floats.extend(big[:3].tolist())
    inner = h.make_graph(
        [n("Constant", [], ["c"], value_float=-1e9), n("Add", ["x", "c"], ["b"], name="add")],
        "then",
        [],
        [h.make_tensor_value_info("b", T.FLOAT, None)],
        [nh.from_array(np.array([1e-9], np.float32), "w")],
    )
    norm = h.make_function(
        "my",
        "Norm",
        ["a"],
        ["b"],
        [n("Constant", [], ["eps"]), n("Add", ["a", "eps"], ["b"])],
        [h.make_opsetid("", 19)],
        ["e"],
    )
    reference = onnx.AttributeProto(name="value_float", ref_attr_name="e")
    reference.type = onnx.AttributeProto.FLOAT
    norm.node[0].attribute.append(reference)
    sparse = onnx.SparseTensorProto(dims=[10, 10])
    sparse.values.CopyFrom(nh.from_array(np.array([1e6, -2.0], np.float32), "s"))
    sparse.indices.CopyFrom(nh.from_array(np.array([3, 50], np.int64), "si"))
    held = n("Constant", [], ["k"], name="held")
    held.attribute.append(h.make_attribute("sparse_value", sparse))
    floats = n("Constant", [], ["f"])
    floats.attribute.append(packed)
    proto = model(
        [
            n("Constant", [], ["t"], value=nh.from_array(big, "")),
            n("Constant", [], ["v"], value_floats=[1.0, 2.0]),
            floats,
            held,
            n("If", ["cond"], ["r"], name="if", then_branch=inner, else_branch=inner),
            n("Norm", ["x"], ["n1"], name="norm1", domain="my", e=1e-12),
            n("Norm", ["x"], ["n2"], name="norm2", domain="my", e=0.5),
            n("Identity", ["x"], ["y"]),
        ],
        [nh.from_array(np.array(True), "cond"), nh.from_array(np.arange(5), "i")],
        sparse=[sparse],
        functions=[norm],
    )
    found = scan(tmp_path, proto)
    names = {value.name for value in read_onnx(tmp_path / "m.onnx").initializers}
    assert names <= set(found)
    assert (found["t"].numbers.overflow, found["t"].elements) == (200_000, 200_000)
    assert (found["v"].values, found["v"].shape) == ((1.0, 2.0), (2,))
    assert found["f"].numbers.overflow == 3
    assert found["i"].numbers is None
    assert found["cond"].shape == ()
    for name in ("s", "k"):
        numbers = found[name].numbers
        assert (found[name].shape, found[name].elements) == ((10, 10), 100)
        assert (numbers.zeros, numbers.overflow, numbers.maximum) == (98, 1, 1e6)
    assert found["eps | norm1 (Norm)"].values == (pytest.approx(1e-12),)
    assert found["eps | norm2 (Norm)"].values == (0.5,)
    assert found["w | then (then_branch) | if (If)"].numbers.flushed == 1
    assert found["c | then (else_branch) | if (If)"].values == (-1e9,)


def external(location: str, *, size: int = 4, kind: str = "FLOAT", **told: int):
    tensor = T(name="w", data_type=getattr(T, kind), dims=[size], data_location=T.EXTERNAL)
    for key, value in {"location": location, **told}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def test_external_data_are_read_from_the_models_folder(tmp_path):
    values = np.array([1e9, 2.0, 0.0, 1e-9], np.float32)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(b"xyz" + values.tobytes())
    found = one(tmp_path, external("sub/w.bin", offset=3, length=16))
    assert found.external
    assert told(found) == expected(values)
    assert found == one(tmp_path, external("sub/w.bin", offset=3))
    whole = one(tmp_path, external("./sub/w.bin", size=19, kind="INT8"))
    assert (whole.numbers, whole.elements) == (None, 19)


def refused(tmp_path: Path, tensor) -> str:
    with pytest.raises(FormatError) as error:
        one(tmp_path, tensor)
    message = str(error.value)
    assert message.startswith(str(tmp_path / "m.onnx"))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "location", ["../w.bin", "/etc/hostname", "a/../../w.bin", "C:\\w.bin", "..\\w.bin", "\\w.bin"]
)
def test_data_outside_of_the_folder_are_refused(tmp_path, location):
    assert f"outside of its folder, in {location!r}" in refused(tmp_path, external(location))


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(16))
    (folder / "w.bin").symlink_to(tmp_path / "w.bin")
    (folder / "d").symlink_to(tmp_path)
    (folder / "in").write_bytes(bytes(16))
    (folder / "within").symlink_to("in")
    assert "is a link to another place" in refused(folder, external("w.bin"))
    assert "is a link to another place" in refused(folder, external("d/w.bin"))
    assert one(folder, external("within")).numbers.zeros == 4


def test_missing_and_short_data_are_named(tmp_path):
    assert "'w.bin' with its weights is missing" in refused(tmp_path, external("w.bin"))
    (tmp_path / "w.bin").write_bytes(bytes(20))
    assert "ends at 20 bytes" in refused(tmp_path, external("w.bin", offset=8))
    assert "says that 12 bytes" in refused(tmp_path, external("w.bin", length=12))
    assert "no number of bytes" in refused(tmp_path, external("w.bin", offset=-4))
    assert "does not say where" in refused(tmp_path, external(""))
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path, external("pipe"))
    assert "cannot be read" in refused(tmp_path, external("."))


def test_a_tensor_that_holds_another_number_of_values_is_refused(tmp_path):
    for data in (bytes(0), bytes(12), bytes(5000), bytes(1_000_000)):
        assert "takes 16 bytes, but holds" in refused(tmp_path, raw("FLOAT", data, 4))
    assert "takes 400,000 bytes" in refused(tmp_path, raw("FLOAT", bytes(7001), 100_000))


def test_a_number_without_an_end_is_refused(tmp_path):
    data = b"\xff" * 5000
    length = bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
    tensor = T(name="w", data_type=T.FLOAT16, dims=[5000]).SerializeToString()
    tensor += b"\x2a" + length + data
    inner = b"\x2a" + bytes([len(tensor) & 0x7F | 0x80, len(tensor) >> 7]) + tensor
    graph = b"\x3a" + bytes([len(inner) & 0x7F | 0x80, len(inner) >> 7]) + inner
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x0a" + graph)
    with pytest.raises(FormatError, match="a number has no end"):
        scan_weights(path)


def test_impossible_shapes_are_told_as_unknown(tmp_path):
    for dims in ([-1, 4], [1 << 40, 1 << 40], [1] * 100):
        found = one(tmp_path, T(name="w", data_type=T.FLOAT, dims=dims))
        assert (found.shape, found.elements, found.numbers) == (None, None, None)
    assert one(tmp_path, T(name="w", data_type=99, dims=[4])).type is None
    empty = one(tmp_path, T(name="w", data_type=T.FLOAT, dims=[0, 4]))
    assert (empty.elements, empty.numbers.maximum) == (0, None)


def test_what_time_did_not_allow_is_told(tmp_path):
    values = np.ones(10, np.float32)
    path = tmp_path / "m.onnx"
    proto = model([n("Identity", ["x"], ["y"])], [raw("FLOAT", values.tobytes(), 10)])
    path.write_bytes(proto.SerializeToString())
    found = scan_weights(path, watch=Watch(left=lambda: -1.0))
    assert found.unread == ("w",)
    assert found.tensors[0].numbers is None
    assert found.tensors[0].elements == 10


def test_pieces_and_windows_add_up(tmp_path):
    size = (70 << 20) // 4 + 1
    values = np.zeros(size, np.float32)
    values[:: 1 << 18] = 1e-9
    values[-1] = -7e4
    values[0] = 3.0
    (tmp_path / "w.bin").write_bytes(b"x" + values.tobytes())
    found = one(tmp_path, external("w.bin", size=size, offset=1))
    assert told(found) == expected(values)


MEMORY = """
import resource, sys
from pathlib import Path
from trtdoctor.readers.onnxmodel.weights import scan_weights
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = scan_weights(Path(sys.argv[1]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(found.tensors[0].numbers.zeros, after - before)
"""


def test_memory_does_not_grow_with_the_weights(tmp_path):
    size = 600 << 20
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(size)
    path = tmp_path / "m.onnx"
    proto = model([n("Identity", ["x"], ["y"])], [external("w.bin", size=size // 4)])
    path.write_bytes(proto.SerializeToString())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], env=environment, capture_output=True, check=True
    ).stdout.split()
    assert int(told[0]) == size // 4
    assert int(told[1]) < 250_000


@pytest.mark.skipif(not HAZARDS.is_dir(), reason="the models of the corpus are not here")
def test_planted_hazards_are_seen():
    found = {t.name: t for t in scan_weights(HAZARDS / "haz.onnx").tensors}
    assert (found["Wsub"].numbers.flushed, found["Wsub"].numbers.subnormal) == (92, 4004)
    assert found["mask"].values == (-1e9,)
    assert found["eps"].numbers.flushed == 1
    assert found["W1"].numbers.flushed == found["W1"].numbers.overflow == 0
