"""Engines that TensorRT-RTX builds here on the CPU: its verbose log read back, layer by layer."""

from __future__ import annotations

from typing import Any

import pytest

from trtdoctor.model.engine import Layer, Role
from trtdoctor.model.finding import Confidence
from trtdoctor.precision.layers import classify_layers, summarize
from trtdoctor.readers.layers import Dialect, LayersFile, Verbosity, read_layers

trt = pytest.importorskip("tensorrt_rtx")
np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")


def build(
    nodes: list[Any],
    weights: dict[str, Any],
    dtype: str,
    *,
    batches: tuple[int, ...] = (),
    verbosity: str = "DETAILED",
) -> LayersFile:
    """Builds x[8,64] -> y with one optimisation profile a batch, and reads the log back."""
    kind = {"float32": onnx.TensorProto.FLOAT, "float16": onnx.TensorProto.FLOAT16}[dtype]
    rows = "N" if batches else 8
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("x", kind, [rows, 64])],
        [onnx.helper.make_tensor_value_info("y", kind, [rows, 64])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9
    )
    lines: list[str] = []

    class Log(trt.ILogger):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            lines.append(f"[{str(severity).rpartition('.')[2]}] {text}")

    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(0)
    assert trt.OnnxParser(network, log).parse(model.SerializeToString())
    config = builder.create_builder_config()
    config.profiling_verbosity = getattr(trt.ProfilingVerbosity, verbosity)
    for batch in batches:
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, 64), (batch, 64), (2 * batch, 64))
        config.add_optimization_profile(profile)
    assert builder.build_serialized_network(network, config) is not None
    return read_layers("\n".join(lines).encode())


def node(op: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(op, inputs.split(), [output], name=f"/{output}", **attributes)


def random(*shape: int, dtype: str) -> Any:
    return (np.random.default_rng(0).standard_normal(shape) * 0.05).astype(dtype)


def mlp() -> list[Any]:
    return [node("MatMul", "x w", "a"), node("Relu", "a", "r"), node("MatMul", "r w", "y")]


def matrix_layers(file: LayersFile) -> list[Layer]:
    layers = classify_layers(file.layers, io=file.io or ())
    return [
        layer
        for layer in layers
        if layer.role is Role.COMPUTE and {"/a", "/y"} & set(layer.onnx_nodes)
    ]


@pytest.mark.parametrize(
    ("dtype", "precision", "confidence"),
    [("float16", "FP16", "certain"), ("float32", "FP32", "likely")],
)
def test_the_graph_types_are_the_layers_types(dtype, precision, confidence):
    file = build(mlp(), {"w": random(64, 64, dtype=dtype)}, dtype)
    assert (file.dialect, file.verbosity) == (Dialect.ONELINE, Verbosity.DETAILED)
    assert [(t.name, t.mode, t.dtype, t.shape) for t in file.io or ()] == [
        ("x", "input", precision, (8, 64)),
        ("y", "output", precision, (8, 64)),
    ]
    layers = matrix_layers(file)
    assert layers
    assert {layer.precision.value for layer in layers} == {precision}
    assert {layer.precision_confidence for layer in layers} == {Confidence(confidence)}
    share = summarize(classify_layers(file.layers)).fp16_share.layers
    assert share == (1.0 if dtype == "float16" else 0.0)


def test_two_optimisation_profiles():
    file = build(mlp(), {"w": random(64, 64, dtype="float16")}, "float16", batches=(8, 2))
    assert {layer.profile for layer in file.layers} == {0, 1}
    assert [p["x"].opt for p in file.profiles or ()] == [(8, 64), (2, 64)]
    one, two = (summarize(classify_layers(file.layers), profile=p) for p in (0, 1))
    assert one.layers_by_precision == two.layers_by_precision


def test_an_fp32_island_in_an_fp16_graph():
    nodes = [
        node("MatMul", "x w", "a"),
        node("Cast", "a", "up", to=onnx.TensorProto.FLOAT),
        node("LayerNormalization", "up g b", "n", axis=-1),
        node("Cast", "n", "down", to=onnx.TensorProto.FLOAT16),
        node("MatMul", "down w", "y"),
    ]
    weights = {
        "w": random(64, 64, dtype="float16"),
        "g": random(64, dtype="float32"),
        "b": random(64, dtype="float32"),
    }
    file = build(nodes, weights, "float16")
    assert {layer.precision.value for layer in matrix_layers(file)} == {"FP16"}
    normalisation = [
        layer
        for layer in classify_layers(file.layers)
        if layer.role is Role.COMPUTE and "/n" in layer.onnx_nodes
    ]
    assert normalisation
    assert not {layer.precision.value for layer in normalisation} & {"FP16", "unknown"}


def test_quantised_products_are_int8():
    nodes = []
    for name, scale in (("x", "s"), ("w", "t")):
        nodes.append(node("QuantizeLinear", f"{name} {scale} z", f"{name}q"))
        nodes.append(node("DequantizeLinear", f"{name}q {scale} z", f"{name}d"))
    nodes.append(node("MatMul", "xd wd", "y"))
    weights = {
        "w": random(64, 64, dtype="float32"),
        "s": np.array(0.02, np.float32),
        "t": np.array(0.002, np.float32),
        "z": np.array(0, np.int8),
    }
    file = build(nodes, weights, "float32")
    assert {layer.precision.value for layer in matrix_layers(file)} == {"INT8"}
    assert summarize(classify_layers(file.layers)).conversions.count == 1


@pytest.mark.parametrize("verbosity", ["LAYER_NAMES_ONLY", "NONE"])
def test_without_detail_the_log_shows_the_region_alone(verbosity):
    weights = {"w": random(64, 64, dtype="float16")}
    file = build(mlp(), weights, "float16", verbosity=verbosity)
    assert file.dialect is Dialect.BUILD_LOG
    (layer,) = classify_layers(file.layers)
    assert layer.type == "Myelin"
    assert layer.precision.value == "unknown"
