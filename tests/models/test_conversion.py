"""Conversions that ONNX accepts, that compute what the model computed, and that TensorRT-RTX builds."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import graphmodels
import onnx
from onnx import TensorProto, helper, inliner, numpy_helper
from planted import PLANTED
from zoo import ZOO

from trtdoctor.model.engine import Precision, Role
from trtdoctor.model.errors import InputError
from trtdoctor.models.conversion import convert, load_model, write_model
from trtdoctor.precision.layers import classify_layers
from trtdoctor.readers.onnxmodel import TensorType
from trtdoctor.readers.plan import identify, static_layers

FLOAT, HALF, BF16 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16
KINDS = {1: np.float32, 10: np.float16, 6: np.int32, 7: np.int64, 9: np.bool_, 3: np.int8}


@functools.cache
def models() -> dict[str, Any]:
    made = {f"zoo-{name}": function() for name, function in ZOO.items()}
    made |= {f"planted-{name}": function().model for name, function in PLANTED.items()}
    for name, function in graphmodels.MODELS.items():
        model = function()
        made[name] = inliner.inline_local_functions(model) if model.functions else model
    return made


NAMES = [
    *(f"zoo-{name}" for name in ZOO),
    *(f"planted-{name}" for name in PLANTED),
    *graphmodels.MODELS,
]


def fed(model: Any) -> dict[str, Any]:
    source = np.random.default_rng(3)
    stored = {tensor.name for tensor in model.graph.initializer}
    feed = {}
    for value in model.graph.input:
        if value.name in stored:
            continue
        shape = [extent.dim_value or 1 for extent in value.type.tensor_type.shape.dim]
        kind = KINDS[value.type.tensor_type.elem_type]
        floats = np.issubdtype(kind, np.floating)
        values = source.standard_normal(shape) if floats else source.integers(0, 2, shape)
        feed[value.name] = np.asarray(values).astype(kind)
    return feed


def ran(model: Any, feed: dict[str, Any]) -> list[Any]:
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    halves = {each.name for each in session.get_inputs() if each.type == "tensor(float16)"}
    given = {k: v.astype(np.float16) if k in halves else v for k, v in feed.items()}
    made: list[Any] = session.run(None, given)
    return made


@pytest.mark.parametrize("keep_io", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_onnx_accepts_it_and_it_computes_the_same(name: str, keep_io: bool) -> None:
    model = models()[name]
    made = convert(model, keep_io=keep_io).model
    onnx.checker.check_model(made, full_check=name != "nested_places")
    try:
        feed = fed(model)
        was = ran(model, feed)
    except Exception as error:  # noqa: BLE001 - a model that only TensorRT runs is no case here
        pytest.skip(f"onnxruntime does not run the original: {str(error)[:80]}")
    # What lies between two steps of a quantisation may go to the other one.
    quantised = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    most = 0.5 if quantised else 0.02
    for before, after in zip(was, ran(made, feed), strict=True):
        before, after = (np.asarray(each, np.float64) for each in (before, after))
        largest = float(np.abs(before).max(initial=0)) or 1.0
        assert np.abs(before - after).max(initial=0) <= most * largest


@pytest.mark.parametrize("name", NAMES)
def test_no_cast_is_put_for_nothing(name: str) -> None:
    made = convert(models()[name]).model
    types = {value.name: value.type.tensor_type.elem_type for value in made.graph.input}
    types |= {tensor.name: tensor.data_type for tensor in made.graph.initializer}
    casts = [node for node in made.graph.node if node.op_type == "Cast"]
    targets = {n.output[0]: next(a.i for a in n.attribute if a.name == "to") for n in casts}
    seen = set()
    for node in casts:
        to = targets[node.output[0]]
        assert types.get(node.input[0]) != to
        assert (node.input[0], to) not in seen, "one Cast serves all readers"
        seen.add((node.input[0], to))
        back = targets.get(node.input[0])
        floats = {FLOAT, HALF}
        source = next((n.input[0] for n in casts if n.output[0] == node.input[0]), None)
        if back in floats and to in floats and source is not None and to == HALF:
            assert types.get(source) != HALF, "no two Casts undo each other"
    used = {name for node in made.graph.node for name in node.input}
    used |= {value.name for value in made.graph.output}
    assert all(node.output[0] in used for node in casts if not any_subgraph(made))


def any_subgraph(model: Any) -> bool:
    return any(a.HasField("g") for node in model.graph.node for a in node.attribute)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("planted")])
def test_tensorrt_rtx_builds_it_with_these_types(name: str) -> None:
    pytest.importorskip("tensorrt_rtx")
    model = models()[name]
    try:
        graphmodels.build(model)
    except graphmodels.Unsupported as error:
        pytest.skip(f"it does not build the original: {error}")
    converted = convert(model)
    plan, _ = graphmodels.build(converted.model)
    engine = identify(plan).engine
    layers = classify_layers(static_layers(plan).layers, io=(engine.io if engine else None) or ())
    computing = [layer for layer in layers if layer.role is Role.COMPUTE]
    wide = [layer for layer in computing if layer.precision in (Precision.FP32, Precision.TF32)]
    if converted.conversion.nodes and not converted.conversion.forced and not any_subgraph(model):
        assert len(wide) < len(computing) or not computing


def net(
    nodes: list[Any],
    stored: tuple[Any, ...] | list[Any] = (),
    *,
    kind: int = FLOAT,
    opset: int = 17,
) -> Any:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [2, 4])],
        [helper.make_tensor_value_info("y", FLOAT, [2, 4])],
        list(stored),
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def stored(name: str, values: Any) -> Any:
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def types_of(model: Any) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


def test_what_is_kept_stays_and_others_do_not() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["a"], name="kept"),
        helper.make_node("Mul", ["a", "w"], ["y"], name="other"),
    ]
    made = convert(net(nodes, [stored("w", np.ones((2, 4)))]), keep=["kept"], keep_io=True)
    # A tensor that both read stands in both types.
    assert sorted(types_of(made.model).values()) == [FLOAT, HALF]
    assert made.conversion.kept == ("kept",) and made.conversion.nodes == 1
    assert [node.op_type for node in made.model.graph.node] == ["Mul", "Cast", "Mul", "Cast"]


def test_weights_that_overflow_keep_their_reader_in_fp32() -> None:
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"], name="scale")]
    made = convert(net(nodes, [stored("w", np.full((2, 4), 1e6))]), keep_io=True)
    assert made.conversion.forced == (
        ("scale", "it reads w, which holds numbers that the type does not"),
    )
    assert types_of(made.model) == {"w": FLOAT} and made.conversion.constants == ()
    # BF16 holds them.
    assert convert(made.model, to=TensorType.BFLOAT16).conversion.forced == ()


@pytest.mark.parametrize("value", [-1e9, float(np.finfo(np.float32).min)])
def test_a_mask_is_clamped_and_listed(value: float) -> None:
    nodes = [
        helper.make_node("Add", ["x", "mask"], ["a"], name="mask/Add"),
        helper.make_node("Softmax", ["a"], ["y"], name="softmax"),
    ]
    made = convert(net(nodes, [stored("mask", [[0, value, 0, 0]])]), keep_io=True)
    (change,) = made.conversion.constants
    assert (change.name, change.clamped, change.elements) == ("mask", 1, 4)
    assert change.nodes == ("mask/Add",) and change.examples[0][1] == -16384.0
    assert made.conversion.forced == ()


def test_what_becomes_zero_is_listed() -> None:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], name="add")]
    made = convert(net(nodes, [stored("w", [[1, 1e-9, -1e-9, 0]])]))
    (change,) = made.conversion.constants
    assert (change.flushed, change.clamped) == (2, 0)


def test_a_model_that_is_half_converted_is_finished() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], name="down", to=HALF),
        helper.make_node("Relu", ["h"], ["r"], name="half"),
        helper.make_node("Cast", ["r"], ["f"], name="up", to=FLOAT),
        helper.make_node("Sigmoid", ["f"], ["y"], name="wide"),
    ]
    made = convert(net(nodes))
    assert [node.op_type for node in made.model.graph.node] == ["Relu", "Sigmoid"]
    assert made.conversion.casts == -2
    kept = convert(net(nodes), keep_io=True)
    assert [node.op_type for node in kept.model.graph.node] == ["Cast", "Relu", "Sigmoid", "Cast"]


def test_what_onnx_has_no_fp16_for_stays() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="relu"),
        helper.make_node("Celu", ["a"], ["y"], name="celu"),
    ]
    made = convert(net(nodes), keep_io=True)
    assert [node.op_type for node in made.model.graph.node] == ["Cast", "Relu", "Cast", "Celu"]


def test_attributes_with_a_type_follow() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], name="shape"),
        helper.make_node("ConstantOfShape", ["s"], ["c"], name="fill", value=stored("", [3e5])),
        helper.make_node("Cast", ["s"], ["f"], name="cast", to=FLOAT),
        helper.make_node("ReduceMax", ["f"], ["m"], name="max"),
        helper.make_node("Add", ["c", "m"], ["y"], name="add"),
    ]
    made = convert(net(nodes))
    onnx.checker.check_model(made.model, full_check=True)
    (change,) = made.conversion.constants
    assert change.clamped == 1


def test_a_value_that_subgraphs_capture_keeps_its_name_and_type() -> None:
    branch = helper.make_graph(
        [helper.make_node("Neg", ["h"], ["n"], name="inner")],
        "branch",
        [],
        [helper.make_tensor_value_info("n", FLOAT, [2, 4])],
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["i"], name="passes")],
        "other",
        [],
        [helper.make_tensor_value_info("i", FLOAT, [2, 4])],
    )
    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name="relu"),
        helper.make_node("ReduceMax", ["h"], ["top"], name="max", keepdims=0),
        helper.make_node("Cast", ["top"], ["b"], name="bool", to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["c"], name="if", then_branch=branch, else_branch=other),
        helper.make_node("Add", ["c", "h"], ["y"], name="add"),
    ]
    for keep_io in (True, False):
        made = convert(net(nodes), keep_io=keep_io)
        onnx.checker.check_model(made.model, full_check=True)
        feed = {"x": np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)}
        (was,), (now,) = ran(net(nodes), feed), ran(made.model, feed)
        assert np.allclose(was, now, atol=5e-3)


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"], name="scale")]
    made = convert(net(nodes, [stored("w", np.ones((512, 4)))]))
    target = tmp_path / "m.onnx"
    assert write_model(made.model, target) == (target,)
    assert write_model(made.model, target, beside=True) == (target, tmp_path / "m.onnx.data")
    again = load_model(target)
    assert numpy_helper.to_array(again.graph.initializer[0]).shape == (512, 4)
    with pytest.raises(InputError, match="cannot write"):
        write_model(made.model, tmp_path / "nowhere" / "m.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("gone.bin", "which is missing"),
        ("../out.bin", "outside the model's folder"),
        ("/etc/passwd", "outside the model's folder"),
        ("link.bin", "outside the model's folder"),
        ("short.bin", "which has 4"),
        ("pipe", "cannot be read"),
        ("", "without a name"),
    ],
)
def test_external_data_come_from_the_models_folder_alone(
    location: str, says: str, tmp_path: Path
) -> None:
    import os

    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "out.bin").write_bytes(bytes(32))
    (folder / "link.bin").symlink_to(tmp_path / "out.bin")
    (folder / "short.bin").write_bytes(bytes(4))
    os.mkfifo(folder / "pipe")
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[2, 4], data_location=1)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    path = folder / "m.onnx"
    made = net([helper.make_node("Mul", ["x", "w"], ["y"], name="scale")], [tensor])
    path.write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match=says):
        convert(path)
