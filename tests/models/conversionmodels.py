"""FP32 models of many kinds, which a conversion to 16 bits must leave computing the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

n = h.make_node
MODELS: dict[str, Callable[[], Any]] = {}


def named(function: Callable[[], Any]) -> Callable[[], Any]:
    MODELS[function.__name__] = function
    return function


def w(name: str, *shape: int, scale: float = 0.05) -> Any:
    values = np.random.default_rng(len(name) + sum(shape)).standard_normal(shape) * scale
    return nh.from_array(values.astype(np.float32), name)


def c(name: str, value: Any, dtype: Any = np.float32) -> Any:
    return nh.from_array(np.array(value, dtype), name)


def info(name: str, kind: int, shape: Any) -> Any:
    return h.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, constants=(), *, opset=19, functions=(), ir=9, more=()) -> Any:
    graph = h.make_graph(
        nodes,
        "g",
        [info(*i) for i in inputs],
        [info(*o) for o in outputs],
        list(constants),
    )
    imports = [h.make_opsetid("", opset), *(h.make_opsetid(d, 1) for d in more)]
    return h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=ir)


X = ("x", T.FLOAT, [4, 16])
Y = ("y", T.FLOAT, [4, 16])
IMAGE = ("x", T.FLOAT, [1, 3, 16, 16])


@named
def cnn() -> Any:
    return model(
        [
            n("Conv", ["x", "k", "b"], ["h"], name="/conv", pads=[1, 1, 1, 1]),
            n("BatchNormalization", ["h", "s", "o", "m", "v"], ["bn"], name="/bn"),
            n("Relu", ["bn"], ["r"], name="/relu"),
            n("MaxPool", ["r"], ["p"], name="/pool", kernel_shape=[2, 2], strides=[2, 2]),
            n("GlobalAveragePool", ["p"], ["a"], name="/mean"),
            n("Flatten", ["a"], ["f"], name="/flat"),
            n("Gemm", ["f", "g"], ["y"], name="/fc"),
        ],
        [IMAGE],
        [("y", T.FLOAT, [1, 4])],
        [
            *(w("k", 8, 3, 3, 3), w("b", 8), c("s", [1.0] * 8), w("o", 8), w("m", 8)),
            *(c("v", [0.5] * 8), w("g", 8, 4)),
        ],
    )


def _attention(mask: float, **settings: Any) -> Any:
    return model(
        [
            n("MatMul", ["x", "wq"], ["q"], name="/q"),
            n("MatMul", ["x", "wk"], ["k"], name="/k"),
            n("Transpose", ["k"], ["kt"], name="/kt", perm=[1, 0]),
            n("MatMul", ["q", "kt"], ["sc"], name="/scores"),
            n("Where", ["cond", "sc", "mask"], ["ms"], name="/mask"),
            n("Softmax", ["ms"], ["p"], name="/softmax", axis=-1),
            n("MatMul", ["p", "x"], ["ctx"], name="/context"),
            n("Add", ["ctx", "x"], ["y"], name="/residual"),
        ],
        [X],
        [Y],
        [
            *(w("wq", 16, 16), w("wk", 16, 16), c("mask", mask)),
            c("cond", np.tril(np.ones((4, 4), bool)), bool),
        ],
        **settings,
    )


@named
def attention() -> Any:
    return _attention(-1e9)


@named
def attention_masked_with_infinity() -> Any:
    return _attention(-np.inf)


@named
def branches() -> Any:
    def branch(name: str, op: str) -> Any:
        # Both give their values the same names, and read one of the graph around.
        nodes = [n(op, ["h", "wi"], ["t"], name="/in"), n("Relu", ["t"], ["o"], name="/out")]
        return h.make_graph(nodes, name, [], [info("o", T.FLOAT, [4, 16])], [w("wi", 16, 16)])

    return model(
        [
            n("MatMul", ["x", "w"], ["h"], name="/mm"),
            n("ReduceSum", ["x"], ["sum"], name="/sum", keepdims=0),
            n("Greater", ["sum", "zero"], ["c"], name="/greater"),
            n(
                "If",
                ["c"],
                ["i"],
                name="/if",
                then_branch=branch("then", "MatMul"),
                else_branch=branch("else", "MatMul"),
            ),
            n("Add", ["i", "h"], ["y"], name="/add"),
        ],
        [X],
        [Y],
        [w("w", 16, 16), c("zero", 0.0)],
    )


@named
def loop() -> Any:
    body = h.make_graph(
        [
            n("MatMul", ["state", "w"], ["mm"], name="/mm"),
            n("Tanh", ["mm"], ["next"], name="/tanh"),
            n("ReduceMean", ["next"], ["each"], name="/mean", keepdims=0),
            n("Identity", ["on"], ["still"], name="/id"),
        ],
        "body",
        [info("i", T.INT64, []), info("on", T.BOOL, []), info("state", T.FLOAT, [4, 16])],
        [info("still", T.BOOL, []), info("next", T.FLOAT, [4, 16]), info("each", T.FLOAT, [])],
    )
    return model(
        [n("Loop", ["trips", "true", "x"], ["y", "z"], name="/loop", body=body)],
        [X],
        [Y, ("z", T.FLOAT, [3])],
        [w("w", 16, 16), c("trips", 3, np.int64), c("true", True, bool)],
    )


@named
def scan() -> Any:
    body = h.make_graph(
        [
            n("Add", ["state", "row"], ["sum"], name="/add"),
            n("Mul", ["sum", "half"], ["next"], name="/mul"),
            n("Relu", ["next"], ["out"], name="/relu"),
        ],
        "body",
        [info("state", T.FLOAT, [16]), info("row", T.FLOAT, [16])],
        [info("next", T.FLOAT, [16]), info("out", T.FLOAT, [16])],
        [c("half", 0.5)],
    )
    return model(
        [n("Scan", ["start", "x"], ["z", "y"], name="/scan", body=body, num_scan_inputs=1)],
        [X],
        [("z", T.FLOAT, [16]), Y],
        [w("start", 16)],
    )


def _quantised(opset: int) -> Any:
    return model(
        [
            n("QuantizeLinear", ["x", "s", "zp"], ["q"], name="/q"),
            n("DequantizeLinear", ["q", "s", "zp"], ["d"], name="/dq"),
            n("DequantizeLinear", ["wq", "ws", "zp"], ["wd"], name="/wdq"),
            n("MatMul", ["d", "wd"], ["m"], name="/mm"),
            n("Relu", ["m"], ["y"], name="/relu"),
        ],
        [X],
        [Y],
        [
            *(c("s", 0.05), c("ws", 0.01), c("zp", 0, np.int8)),
            c("wq", np.arange(256).reshape(16, 16) % 13 - 6, np.int8),
        ],
        opset=opset,
    )


@named
def quantised() -> Any:
    return _quantised(19)


@named
def quantised_opset13() -> Any:
    return _quantised(13)


@named
def shared_weights() -> Any:
    return model(
        [
            n("MatMul", ["x", "w"], ["a"], name="/one"),
            n("Relu", ["a"], ["r"], name="/relu"),
            n("MatMul", ["r", "w"], ["y"], name="/two"),
        ],
        [X],
        [Y],
        [w("w", 16, 16)],
    )


@named
def functions() -> Any:
    attribute = h.make_node("Constant", [], ["e"])
    attribute.attribute.add(name="value_float", ref_attr_name="eps", type=1)
    block = h.make_function(
        "my",
        "Block",
        ["a", "k"],
        ["b"],
        [
            attribute,
            n("MatMul", ["a", "k"], ["m"], name="/mm"),
            n("Add", ["m", "e"], ["s"], name="/add"),
            n("Tanh", ["s"], ["b"], name="/tanh"),
        ],
        [h.make_opsetid("", 19)],
        ["eps"],
    )
    return model(
        [
            n("Block", ["x", "w"], ["h"], name="/first", domain="my", eps=0.5),
            n("Block", ["h", "w"], ["y"], name="/second", domain="my", eps=0.25),
        ],
        [X],
        [Y],
        [w("w", 16, 16)],
        functions=[block],
        more=["my"],
    )


@named
def resize() -> Any:
    return model(
        [
            n("Conv", ["x", "k"], ["h"], name="/conv", pads=[1, 1, 1, 1]),
            n("Resize", ["h", "", "scales"], ["r"], name="/resize", mode="nearest"),
            n("Relu", ["r"], ["y"], name="/relu"),
        ],
        [IMAGE],
        [("y", T.FLOAT, [1, 4, 32, 32])],
        [w("k", 4, 3, 3, 3), c("scales", [1, 1, 2, 2])],
    )


@named
def detection() -> Any:
    return model(
        [
            n("Sigmoid", ["b"], ["bs"], name="/boxes"),
            n("Sigmoid", ["s"], ["ss"], name="/scores"),
            n("NonMaxSuppression", ["bs", "ss", "most", "iou", "th"], ["y"], name="/nms"),
        ],
        [("b", T.FLOAT, [1, 8, 4]), ("s", T.FLOAT, [1, 1, 8])],
        [("y", T.INT64, [None, 3])],
        [c("most", [3], np.int64), c("iou", [0.5]), c("th", [0.1])],
    )


@named
def half_converted() -> Any:
    return model(
        [
            n("MatMul", ["x", "w"], ["h"], name="/fp32"),
            n("Cast", ["h"], ["h16"], name="/down", to=T.FLOAT16),
            n("MatMul", ["h16", "w16"], ["m16"], name="/fp16"),
            n("Cast", ["m16"], ["m"], name="/up", to=T.FLOAT),
            n("Softmax", ["m"], ["y"], name="/softmax", axis=-1),
        ],
        [X],
        [Y],
        [w("w", 16, 16), c("w16", np.eye(16), np.float16)],
    )


@named
def doubles() -> Any:
    return model(
        [
            n("Cast", ["x"], ["xd"], name="/wide", to=T.DOUBLE),
            n("Mul", ["xd", "d"], ["m"], name="/mul"),
            n("Cast", ["m"], ["f"], name="/back", to=T.FLOAT),
            n("Relu", ["f"], ["y"], name="/relu"),
        ],
        [X],
        [Y],
        [c("d", 0.5, np.float64)],
    )


@named
def lstm() -> Any:
    return model(
        [
            n("LSTM", ["x", "w", "r", "b"], ["h", "hl"], name="/lstm", hidden_size=8),
            n("Squeeze", ["hl", "zero"], ["y"], name="/squeeze"),
        ],
        [("x", T.FLOAT, [5, 2, 16])],
        [("y", T.FLOAT, [2, 8])],
        [w("w", 1, 32, 16), w("r", 1, 32, 8), w("b", 1, 64), c("zero", [0], np.int64)],
    )


@named
def embedding() -> Any:
    return model(
        [
            n("Gather", ["table", "ids"], ["e"], name="/gather"),
            n("Cast", ["ids"], ["p"], name="/positions", to=T.FLOAT),
            n("Unsqueeze", ["p", "one"], ["u"], name="/unsqueeze"),
            n("Mul", ["u", "rate"], ["a"], name="/angle"),
            n("Sin", ["a"], ["s"], name="/sin"),
            n("Add", ["e", "s"], ["y"], name="/add"),
        ],
        [("ids", T.INT64, [4])],
        [Y],
        [w("table", 10, 16), c("one", [1], np.int64), c("rate", np.full(16, 0.1))],
    )


@named
def filled() -> Any:
    return model(
        [
            n("Shape", ["x"], ["sh"], name="/shape"),
            n("ConstantOfShape", ["sh"], ["z"], name="/zeros"),
            n("ConstantOfShape", ["sh"], ["o"], name="/ones", value=c("v", [1.0])),
            n("Constant", [], ["k"], name="/k", value_float=0.25),
            n("Add", ["x", "z"], ["a"], name="/a"),
            n("Mul", ["a", "o"], ["m"], name="/m"),
            n("Add", ["m", "k"], ["y"], name="/y"),
        ],
        [X],
        [Y],
    )


@named
def old_opset() -> Any:
    return model(
        [
            n("MatMul", ["x", "w"], ["m"], name="/mm"),
            n("Clip", ["m"], ["c"], name="/clip", min=0.0, max=6.0),
            n("Softmax", ["c"], ["s"], name="/softmax", axis=1),
            n("Dropout", ["s"], ["y"], name="/dropout"),
        ],
        [X, ("w", T.FLOAT, [16, 16])],
        [Y],
        [w("w", 16, 16)],
        opset=9,
        ir=3,
    )


@named
def unknown_domain() -> Any:
    return model(
        [
            n("MatMul", ["x", "w"], ["m"], name="/mm"),
            n("Mystery", ["m"], ["u"], name="/mystery", domain="acme"),
            n("Relu", ["u"], ["y"], name="/relu"),
        ],
        [X],
        [Y],
        [w("w", 16, 16)],
        more=["acme"],
    )


@named
def normalisations() -> Any:
    return model(
        [
            n("LayerNormalization", ["x", "s", "b"], ["l"], name="/ln"),
            n("Gelu", ["l"], ["g"], name="/gelu"),
            n("ReduceMean", ["g", "axes"], ["m"], name="/mean"),
            n("Sub", ["g", "m"], ["y"], name="/sub"),
        ],
        [X],
        [Y],
        [c("s", np.ones(16)), w("b", 16), c("axes", [-1], np.int64)],
        opset=21,
        ir=10,
    )
