"""Converted models compute what the FP32 ones do, in the types that were asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parent))

import conversionmodels  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from trtdoctor.models.conversion import convert, write_model  # noqa: E402
from trtdoctor.readers.onnxmodel import FormatError, TensorType, read_onnx  # noqa: E402

MODELS = conversionmodels.MODELS
T, h = onnx.TensorProto, onnx.helper
FLOAT, HALF, BF16 = TensorType.FLOAT, TensorType.FLOAT16, TensorType.BFLOAT16
n, c, w = conversionmodels.n, conversionmodels.c, conversionmodels.w
HAZARDS = Path(__file__).parents[2].parent / "shared" / "corpus" / "hazards"
# onnx's own evaluator has no operator of an unknown domain, nor DequantizeLinear of opset 13.
RUNNABLE = [name for name in MODELS if name not in ("unknown_domain", "quantised_opset13")]
CLOSE = 1e-2


def facts(proto):
    return read_onnx(proto.SerializeToString(), name="m.onnx")


def run(proto, seed=0):
    random = np.random.default_rng(seed)
    stored = {tensor.name for tensor in proto.graph.initializer}
    fed = {}
    for value in proto.graph.input:
        if value.name not in stored:
            kind = value.type.tensor_type
            shape = [d.dim_value for d in kind.shape.dim]
            whole = kind.elem_type == T.INT64
            values = random.integers(0, 9, shape) if whole else random.standard_normal(shape)
            fed[value.name] = values.astype(h.tensor_dtype_to_np_dtype(kind.elem_type))
    return ReferenceEvaluator(proto).run(None, fed)


def difference(made, proto) -> float:
    """The largest error of any output, by its largest value."""
    worst = 0.0
    for mine, theirs in zip(run(made), run(proto), strict=True):
        mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
        assert mine.shape == theirs.shape
        worst = max(worst, float(np.abs(mine - theirs).max() / (np.abs(theirs).max() + 1e-9)))
    return worst


def types_by_label(proto):
    """The types of what each node makes."""
    model = facts(proto)
    return {
        node.label: {model.types.get(name) for name in node.outputs if name} for node in model.nodes
    }


def no_cast_for_nothing(proto) -> None:
    model = facts(proto)
    makers = {name: node for node in model.nodes for name in node.outputs}
    seen = set()
    for node in model.nodes:
        if node.op == "Cast":
            source = makers.get(node.inputs[0])
            to = model.types[node.outputs[0]]
            assert model.types[node.inputs[0]] is not to, node.label
            assert (node.inputs[0], to) not in seen, node.label
            seen.add((node.inputs[0], to))
            back = source is not None and source.op == "Cast"
            assert not (back and model.types[source.inputs[0]] in (HALF, BF16)), node.label


@pytest.mark.parametrize("keep_io", [False, True])
@pytest.mark.parametrize("name", RUNNABLE)
def test_a_converted_model_computes_the_same(name, keep_io):
    proto = MODELS[name]()
    before = proto.SerializeToString()
    converted = convert(proto, keep_io=keep_io)
    assert proto.SerializeToString() == before
    onnx.checker.check_model(converted.model, full_check=True)
    assert difference(converted.model, proto) < CLOSE
    no_cast_for_nothing(converted.model)
    for mine, theirs in zip(
        (*converted.model.graph.input, *converted.model.graph.output),
        (*[i for i in proto.graph.input if i.name != "w"], *proto.graph.output),
        strict=True,
    ):
        assert mine.name == theirs.name
        if keep_io:
            assert mine.type == theirs.type


@pytest.mark.parametrize("name", RUNNABLE)
def test_with_every_node_kept_nothing_changes(name):
    proto = MODELS[name]()
    converted = convert(proto, keep={node.label for node in facts(proto).nodes})
    assert not converted.casts
    assert not converted.narrow
    assert difference(converted.model, proto) < 1e-6


@pytest.mark.parametrize("keep_io", [False, True])
@pytest.mark.parametrize("name", RUNNABLE)
def test_each_node_alone_can_stay_in_fp32(name, keep_io):
    proto = MODELS[name]()
    for node in facts(proto).nodes:
        converted = convert(proto, keep={node.label}, keep_io=keep_io)
        assert node.op == "Cast" or node.label not in converted.narrow
        assert difference(converted.model, proto) < CLOSE
        no_cast_for_nothing(converted.model)


@pytest.mark.parametrize("name", ["cnn", "attention", "shared_weights", "functions", "loop"])
def test_what_is_not_kept_is_narrow(name):
    proto = MODELS[name]()
    for kind in (HALF, BF16):
        converted = convert(proto, to=kind)
        allowed = {*converted.casts, *(left.node for left in converted.left)}
        assert kind is BF16 or not allowed
        for label, types in types_by_label(converted.model).items():
            assert FLOAT not in types or label in allowed, label


def test_a_kept_node_is_fp32_and_its_neighbours_are_not():
    made = convert(MODELS["attention"](), keep={"/softmax"}).model
    types = types_by_label(made)
    assert types["/softmax"] == {FLOAT}
    assert {k for k, v in types.items() if FLOAT in v} == {"/softmax", "ms/cast_to_float"}
    assert [node.op_type for node in made.graph.node].count("Cast") == 2


def test_shared_weights_are_held_in_both_types_where_both_are_read():
    made = convert(MODELS["shared_weights"](), keep={"/two"}).model
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert kinds == {"w": T.FLOAT, "w_float16": T.FLOAT16}
    whole = convert(MODELS["shared_weights"]()).model
    assert [t.data_type for t in whole.graph.initializer] == [T.FLOAT16]


def test_a_node_of_one_call_of_a_function_can_be_kept():
    made = convert(MODELS["functions"](), keep={"/tanh | /first (Block)"})
    types = types_by_label(made.model)
    assert types["/tanh | /first (Block)"] == {FLOAT}
    assert types["/tanh | /second (Block)"] == {HALF}


def test_a_mask_is_changed_and_told_and_infinity_stays():
    converted = convert(MODELS["attention"]())
    (change,) = converted.changes
    assert (change.name, change.node, change.effect) == ("mask", "/mask", "masked")
    assert (change.count, change.elements) == (1, 1)
    assert change.examples == ((-1e9, -16384.0),)
    assert not converted.left
    assert not convert(MODELS["attention_masked_with_infinity"]()).changes


def test_bf16_holds_the_mask_as_it_is():
    assert not convert(MODELS["attention"](), to=BF16).changes


def test_weights_beyond_the_range_keep_their_reader_in_fp32():
    large = np.eye(16, dtype=np.float32)
    large[0, 0] = 7e4
    proto = conversionmodels.model(
        [
            n("MatMul", ["x", "w"], ["m"], name="/mm"),
            n("Add", ["m", "mask"], ["a"], name="/no_mask"),
            n("Relu", ["a"], ["y"], name="/relu"),
        ],
        [conversionmodels.X],
        [conversionmodels.Y],
        [onnx.numpy_helper.from_array(large, "w"), c("mask", -1e9)],
    )
    converted = convert(proto)
    assert [(left.node, left.op) for left in converted.left] == [
        ("/mm", "MatMul"),
        ("/no_mask", "Add"),
    ]
    assert "'w' holds 1 values of up to 7e+04" in converted.left[0].reason
    assert not converted.changes


def test_flushed_values_are_told_with_their_share():
    small = np.full((16, 16), 0.1, np.float32)
    small[:4] = 1e-9
    tensor = onnx.numpy_helper.from_array(small, "w")
    proto = MODELS["shared_weights"]()
    proto.graph.initializer[0].CopyFrom(tensor)
    (change,) = convert(proto).changes
    assert (change.effect, change.count, change.elements) == ("flushed", 64, 256)
    assert change.examples[0] == (pytest.approx(1e-9), 0.0)


def test_what_onnx_has_in_fp32_alone_stays_and_is_told():
    converted = convert(MODELS["detection"]())
    assert [left.op for left in converted.left] == ["NonMaxSuppression"]
    scales = convert(MODELS["resize"]()).model.graph.initializer
    assert next(t.data_type for t in scales if t.name == "scales") == T.FLOAT
    old = convert(MODELS["quantised_opset13"]())
    assert {left.op for left in old.left} >= {"DequantizeLinear"}
    assert "at opset 13 without FLOAT16" in old.left[0].reason


def test_scales_are_fp16_where_onnx_allows_it_and_zero_points_stay():
    made = convert(MODELS["quantised"]()).model
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert kinds["zp"] == T.INT8
    assert kinds["s_float16"] == kinds["ws_float16"] == T.FLOAT16


def test_unknown_domains_are_left_alone():
    converted = convert(MODELS["unknown_domain"]())
    assert [left.node for left in converted.left] == ["/mystery"]
    assert types_by_label(converted.model)["/mm"] == {HALF}
    node = next(n for n in converted.model.graph.node if n.op_type == "Mystery")
    assert node.input[0] == "m_float"


def test_whole_numbers_keep_their_digits_for_a_reader_in_fp32():
    made = convert(MODELS["embedding"](), keep={"/angle"}).model
    types = types_by_label(made)
    assert types["/positions"] == types["/unsqueeze"] == types["/angle"] == {FLOAT}
    assert types["/sin"] == {HALF}


def test_casts_of_a_half_converted_model_go():
    assert "Cast" not in [n.op_type for n in convert(MODELS["half_converted"]()).model.graph.node]


def test_external_data_are_read_and_written_beside_the_model(tmp_path):
    proto = MODELS["shared_weights"]()
    proto.graph.initializer[0].CopyFrom(w("w", 16, 16))
    path = tmp_path / "m.onnx"
    onnx.save_model(proto, path, save_as_external_data=True, location="m.bin", size_threshold=0)
    converted = convert(path)
    assert converted.external
    (tmp_path / "out").mkdir()
    big = conversionmodels.model(
        [n("MatMul", ["x", "w"], ["y"], name="/mm")],
        [("x", T.FLOAT, [4, 64])],
        [("y", T.FLOAT, [4, 64])],
        [w("w", 64, 64)],
    )
    path.write_bytes(big.SerializeToString())
    apart = onnx.load(path)
    onnx.save_model(apart, path, save_as_external_data=True, location="m.bin", size_threshold=0)
    files = write_model(convert(path), tmp_path / "out" / "h.onnx")
    assert [file.name for file in files] == ["h.onnx", "h.onnx.data"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["h.onnx", "h.onnx.data"]
    onnx.checker.check_model(tmp_path / "out" / "h.onnx", full_check=True)
    assert difference(onnx.load(files[0]), big) < CLOSE
    (tmp_path / "m.bin").unlink()
    with pytest.raises(FormatError, match=r"'m\.bin' with its weights is missing"):
        convert(path)


def test_damaged_models_and_cycles_are_refused_in_a_sentence(tmp_path):
    data = MODELS["cnn"]().SerializeToString()
    path = tmp_path / "m.onnx"
    for broken in (data[:500], b"", b"\x00" * 100, os.urandom(300)):
        path.write_bytes(broken)
        with pytest.raises(FormatError):
            convert(path)
    cycle = conversionmodels.model(
        [n("Add", ["x", "b"], ["a"]), n("Add", ["a", "a"], ["b"])],
        [conversionmodels.X],
        [("b", T.FLOAT, [4, 16])],
    )
    with pytest.raises(FormatError, match="which no node before it makes"):
        convert(cycle)


def test_control_characters_in_names_are_kept():
    proto = MODELS["shared_weights"]()
    proto.graph.node[1].name = "/a\x1b[31m\n"
    made = convert(proto, keep={"/a\x1b[31m\n"})
    assert types_by_label(made.model)["/a\x1b[31m\n"] == {FLOAT}


@pytest.mark.skipif(not HAZARDS.is_dir(), reason="the models of the corpus are not here")
def test_the_planted_hazards_are_told():
    converted = convert(HAZARDS / "haz.onnx")
    told = {(change.name, change.effect, change.count) for change in converted.changes}
    assert told == {("mask", "masked", 1), ("eps", "flushed", 1), ("Wsub", "flushed", 92)}
