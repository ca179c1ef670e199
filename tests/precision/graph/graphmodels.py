"""Small ONNX models in FP32, FP16 and mixed types, and their TensorRT-RTX builds on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

n = h.make_node
F32, F16 = np.float32, np.float16
MODELS: dict[str, Callable[[], Any]] = {}


class Unsupported(Exception):
    """This release cannot build the model on a machine without a GPU."""


def w(name: str, *shape: int, dtype: Any = F32) -> Any:
    values = np.random.default_rng(len(name) + sum(shape)).standard_normal(shape) * 0.05
    return nh.from_array(np.asarray(values, dtype), name)


def const(name: str, value: Any, dtype: Any) -> Any:
    return nh.from_array(np.array(value, dtype), name)


def model(nodes, inputs, outputs, constants=(), opset=19) -> Any:
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info(*i) for i in inputs],
        [h.make_tensor_value_info(*o) for o in outputs],
        list(constants),
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=9)


def named(function: Callable[[], Any]) -> Callable[[], Any]:
    MODELS[function.__name__] = function
    return function


def _mlp(dtype: Any, kind: int) -> Any:
    return model(
        [
            n("Gemm", ["x", "w1", "b1"], ["h"], name="/fc1/Gemm"),
            n("Relu", ["h"], ["r"], name="/relu"),
            n("Gemm", ["r", "w2", "b2"], ["z"], name="/fc2/Gemm"),
            n("Softmax", ["z"], ["y"], name="/sm", axis=-1),
        ],
        [("x", kind, [8, 64])],
        [("y", kind, [8, 32])],
        [
            w("w1", 64, 128, dtype=dtype),
            w("b1", 128, dtype=dtype),
            w("w2", 128, 32, dtype=dtype),
            w("b2", 32, dtype=dtype),
        ],
    )


@named
def mlp_fp32() -> Any:
    return _mlp(F32, T.FLOAT)


@named
def mlp_fp16() -> Any:
    return _mlp(F16, T.FLOAT16)


@named
def mlp_bf16() -> Any:
    return model(
        [
            n("MatMul", ["x", "w"], ["m"], name="/mm"),
            n("Sigmoid", ["m"], ["y"], name="/sig"),
        ],
        [("x", T.BFLOAT16, [8, 32])],
        [("y", T.BFLOAT16, [8, 32])],
        [h.make_tensor("w", T.BFLOAT16, [32, 32], [0.5] * 1024)],
    )


@named
def io_cast_fp16() -> Any:
    """FP32 network inputs and outputs, cast to FP16 at once."""
    return model(
        [
            n("Cast", ["x"], ["xh"], name="/in_cast", to=T.FLOAT16),
            n("MatMul", ["xh", "w1"], ["a"], name="/mm1"),
            n("Relu", ["a"], ["r"], name="/relu"),
            n("MatMul", ["r", "w2"], ["b"], name="/mm2"),
            n("Cast", ["b"], ["y"], name="/out_cast", to=T.FLOAT),
        ],
        [("x", T.FLOAT, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w2", 64, 64, dtype=F16)],
    )


def _island(op_nodes, extra) -> Any:
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Cast", ["a"], ["af"], name="/up", to=T.FLOAT),
            *op_nodes,
            n("Cast", ["bf"], ["b"], name="/down", to=T.FLOAT16),
            n("MatMul", ["b", "w3"], ["y"], name="/mm3"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w3", 64, 64, dtype=F16), *extra],
    )


@named
def island_matmul() -> Any:
    """The compiler folds it into a Half GEMM."""
    return _island([n("MatMul", ["af", "w2"], ["bf"], name="/mm2")], [w("w2", 64, 64)])


@named
def island_matmul_chain() -> Any:
    return _island(
        [
            n("MatMul", ["af", "w2"], ["c"], name="/mm2"),
            n("Relu", ["c"], ["d"], name="/relu"),
            n("MatMul", ["d", "w2b"], ["bf"], name="/mm2b"),
        ],
        [w("w2", 64, 64), w("w2b", 64, 64)],
    )


@named
def island_softmax() -> Any:
    return _island([n("Softmax", ["af"], ["bf"], name="/sm", axis=-1)], [])


@named
def island_layernorm() -> Any:
    return _island(
        [n("LayerNormalization", ["af", "g", "o"], ["bf"], name="/ln", axis=-1)],
        [w("g", 64), w("o", 64)],
    )


def _attention(dtype: Any, kind: int) -> Any:
    return model(
        [
            n("LayerNormalization", ["x", "g", "o"], ["xn"], name="/norm", axis=-1),
            n("MatMul", ["xn", "wq"], ["q"], name="/q"),
            n("MatMul", ["xn", "wk"], ["k"], name="/k"),
            n("MatMul", ["xn", "wv"], ["v"], name="/v"),
            n("Transpose", ["k"], ["kt"], name="/kt", perm=[0, 2, 1]),
            n("MatMul", ["q", "kt"], ["s"], name="/scores"),
            n("Mul", ["s", "scale"], ["ss"], name="/scale"),
            n("Softmax", ["ss"], ["p"], name="/softmax", axis=-1),
            n("MatMul", ["p", "v"], ["a"], name="/context"),
            n("MatMul", ["a", "wo"], ["ao"], name="/proj"),
            n("Add", ["ao", "x"], ["y"], name="/residual"),
        ],
        [("x", kind, [2, 32, 64])],
        [("y", kind, [2, 32, 64])],
        [w(name, 64, 64, dtype=dtype) for name in ("wq", "wk", "wv", "wo")]
        + [w(name, 64, dtype=dtype) for name in ("g", "o")]
        + [const("scale", 0.125, dtype)],
    )


@named
def attention_fp16() -> Any:
    return _attention(F16, T.FLOAT16)


@named
def attention_fp32() -> Any:
    return _attention(F32, T.FLOAT)


@named
def weights_fp32() -> Any:
    """FP16 activations against an FP32 weight: cast up at the layer that a converter left."""
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Cast", ["a"], ["af"], name="/up", to=T.FLOAT),
            n("MatMul", ["af", "w2"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w2", 64, 64)],
    )


@named
def conv_mixed() -> Any:
    """FP32 stem, FP16 tail."""
    return model(
        [
            n("Conv", ["x", "w", "b"], ["c"], name="/conv1", pads=[1, 1, 1, 1]),
            n("Relu", ["c"], ["r"], name="/relu1"),
            n("MaxPool", ["r"], ["p"], name="/pool", kernel_shape=[2, 2], strides=[2, 2]),
            n("Cast", ["p"], ["q"], name="/cast", to=T.FLOAT16),
            n("Conv", ["q", "w2"], ["y"], name="/conv2"),
        ],
        [("x", T.FLOAT, [1, 3, 32, 32])],
        [("y", T.FLOAT16, [1, 8, 16, 16])],
        [w("w", 16, 3, 3, 3), w("b", 16), w("w2", 8, 16, 1, 1, dtype=F16)],
    )


@named
def conv_norm_fp16() -> Any:
    return model(
        [
            n("Conv", ["x", "w"], ["c"], name="/conv1", pads=[1, 1, 1, 1]),
            n("InstanceNormalization", ["c", "g", "o"], ["i"], name="/inorm"),
            n("Relu", ["i"], ["r"], name="/relu"),
            n("Conv", ["r", "w2"], ["y"], name="/conv2"),
        ],
        [("x", T.FLOAT16, [1, 8, 32, 32])],
        [("y", T.FLOAT16, [1, 8, 32, 32])],
        [
            w("w", 16, 8, 3, 3, dtype=F16),
            w("g", 16, dtype=F16),
            w("o", 16, dtype=F16),
            w("w2", 8, 16, 1, 1, dtype=F16),
        ],
    )


@named
def rmsnorm_casts() -> Any:
    """As exported by hand: Cast up, Pow, ReduceMean, Sqrt, Div, Cast down."""
    return _island(
        [
            n("Pow", ["af", "two"], ["p"], name="/norm/Pow"),
            n("ReduceMean", ["p", "axes"], ["m"], name="/norm/ReduceMean"),
            n("Add", ["m", "eps"], ["e"], name="/norm/Add"),
            n("Sqrt", ["e"], ["s"], name="/norm/Sqrt"),
            n("Div", ["af", "s"], ["bf"], name="/norm/Div"),
        ],
        [const("two", 2.0, F32), const("eps", 1e-5, F32), const("axes", [-1], np.int64)],
    )


@named
def indices() -> Any:
    return model(
        [
            n("Add", ["i", "one"], ["j"], name="/shift"),
            n("Mul", ["j", "two"], ["k"], name="/double"),
            n("Gather", ["t", "k"], ["e"], name="/embed"),
            n("ReduceMean", ["e", "axes"], ["m"], name="/mean", keepdims=0),
            n("MatMul", ["m", "w"], ["f"], name="/mm"),
            n("TopK", ["f", "kk"], ["v", "idx"], name="/topk"),
            n("Greater", ["v", "zero"], ["g"], name="/greater"),
            n("Cast", ["g"], ["gi"], name="/gi", to=T.INT64),
            n("Add", ["gi", "idx"], ["out"], name="/iadd"),
        ],
        [("i", T.INT64, [4, 6])],
        [("v", T.FLOAT16, [4, 3]), ("out", T.INT64, [4, 3])],
        [
            w("t", 50, 16, dtype=F16),
            w("w", 16, 16, dtype=F16),
            const("one", 1, np.int64),
            const("two", 2, np.int64),
            const("axes", [1], np.int64),
            const("kk", [3], np.int64),
            const("zero", 0, F16),
        ],
    )


def _qdq(dtype: Any, kind: int) -> Any:
    return model(
        [
            n("QuantizeLinear", ["x", "s", "z"], ["xq"], name="/q1"),
            n("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="/dq1"),
            n("QuantizeLinear", ["w", "s", "z"], ["wq"], name="/q2"),
            n("DequantizeLinear", ["wq", "s", "z"], ["wd"], name="/dq2"),
            n("MatMul", ["xd", "wd"], ["m"], name="/mm"),
            n("Softmax", ["m"], ["sm"], name="/sm", axis=-1),
            n("MatMul", ["sm", "w3"], ["y"], name="/mm3"),
        ],
        [("x", kind, [16, 64])],
        [("y", kind, [16, 64])],
        [
            w("w", 64, 64, dtype=dtype),
            w("w3", 64, 64, dtype=dtype),
            const("s", 0.05, dtype),
            const("z", 0, np.int8),
        ],
    )


@named
def qdq_fp32() -> Any:
    return _qdq(F32, T.FLOAT)


@named
def qdq_fp16() -> Any:
    return _qdq(F16, T.FLOAT16)


@named
def two_islands() -> Any:
    """Two blocks that a converter kept in FP32, and an FP32 second input joining the first."""
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Cast", ["a"], ["af"], name="/a/up", to=T.FLOAT),
            n("Add", ["af", "m"], ["am"], name="/a/mask"),
            n("Softmax", ["am"], ["as"], name="/a/sm", axis=-1),
            n("Cast", ["as"], ["ah"], name="/a/down", to=T.FLOAT16),
            n("MatMul", ["ah", "w2"], ["b"], name="/mm2"),
            n("Cast", ["b"], ["bf"], name="/b/up", to=T.FLOAT),
            n("Exp", ["bf"], ["be"], name="/b/exp"),
            n("ReduceSum", ["be", "axes"], ["bs"], name="/b/sum"),
            n("Log", ["bs"], ["bl"], name="/b/log"),
            n("Cast", ["bl"], ["bh"], name="/b/down", to=T.FLOAT16),
            n("Add", ["bh", "b"], ["c"], name="/join"),
            n("MatMul", ["c", "w3"], ["y"], name="/mm3"),
        ],
        [("x", T.FLOAT16, [8, 64]), ("m", T.FLOAT, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w(f"w{i}", 64, 64, dtype=F16) for i in (1, 2, 3)] + [const("axes", [1], np.int64)],
    )


@named
def cast_weights() -> Any:
    """FP32 initialisers cast to FP16 in the graph: the compiler folds the Casts away."""
    return model(
        [
            n("Cast", ["w1"], ["w1h"], name="/w1_cast", to=T.FLOAT16),
            n("MatMul", ["x", "w1h"], ["a"], name="/mm1"),
            n("Relu", ["a"], ["y"], name="/relu"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64)],
    )


@named
def unnamed_fp32() -> Any:
    """Nodes without names."""
    return model(
        [n("MatMul", ["x", "w1"], ["a"]), n("Relu", ["a"], ["r"]), n("MatMul", ["r", "w1"], ["y"])],
        [("x", T.FLOAT, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64)],
    )


@named
def control_flow() -> Any:
    then = h.make_graph(
        [
            n("Cast", ["a"], ["tf"], name="/if/up", to=T.FLOAT),
            n("Softmax", ["tf"], ["tb"], name="/if/sm", axis=-1),
            n("Cast", ["tb"], ["t"], name="/if/down", to=T.FLOAT16),
        ],
        "then",
        [],
        [h.make_tensor_value_info("t", T.FLOAT16, [8, 64])],
    )
    other = h.make_graph(
        [n("Relu", ["a"], ["e"], name="/if/relu")],
        "else",
        [],
        [h.make_tensor_value_info("e", T.FLOAT16, [8, 64])],
    )
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("If", ["c"], ["b"], name="/if", then_branch=then, else_branch=other),
            n("MatMul", ["b", "w1"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT16, [8, 64]), ("c", T.BOOL, [])],
        [("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64, dtype=F16)],
    )


@named
def local_function() -> Any:
    body = h.make_function(
        "my",
        "Block",
        ["in", "weight"],
        ["out"],
        [
            n("Cast", ["in"], ["f"], name="/up", to=T.FLOAT),
            n("MatMul", ["f", "weight"], ["g"], name="/fmm"),
            n("Tanh", ["g"], ["t"], name="/tanh"),
            n("Softmax", ["t"], ["u"], name="/fsm", axis=-1),
            n("Cast", ["u"], ["out"], name="/down", to=T.FLOAT16),
        ],
        [h.make_opsetid("", 19)],
    )
    graph = h.make_graph(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Block", ["a", "wf"], ["b"], name="/block", domain="my"),
            n("Block", ["b", "wf"], ["c"], name="/block2", domain="my"),
            n("MatMul", ["c", "w1"], ["y"], name="/mm2"),
        ],
        "g",
        [h.make_tensor_value_info("x", T.FLOAT16, [8, 64])],
        [h.make_tensor_value_info("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("wf", 64, 64)],
    )
    return h.make_model(
        graph,
        opset_imports=[h.make_opsetid("", 19), h.make_opsetid("my", 1)],
        functions=[body],
        ir_version=9,
    )


def build(proto: Any) -> tuple[bytes, str]:
    """The plan and the verbose log of a build with detailed layer information."""
    import tensorrt_rtx as trt

    lines: list[str] = []

    class Log(trt.ILogger):
        def __init__(self) -> None:
            super().__init__()

        def log(self, severity: Any, text: str) -> None:
            lines.append(f"[{str(severity).rpartition('.')[2]}] {text}")

    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(0)
    if not trt.OnnxParser(network, log).parse(proto.SerializeToString()):
        raise Unsupported([line for line in lines if "rror" in line][-3:])
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise Unsupported([line for line in lines if "rror" in line][-3:])
    return bytes(serialized), "\n".join(lines)


@named
def nested_places() -> Any:
    """A local function inside a branch inside a function, with unnamed nodes and repeated names."""
    inner = h.make_function(
        "my",
        "Inner",
        ["p"],
        ["q"],
        [
            n("Cast", ["p"], ["pf"], to=T.FLOAT),
            n("Softmax", ["pf"], ["ps"], axis=-1),
            n("Cast", ["ps"], ["q"], to=T.FLOAT16),
        ],
        [h.make_opsetid("", 19)],
    )
    then = h.make_graph(
        [n("Inner", ["a"], ["t"], name="/call", domain="my")],
        "then",
        [],
        [h.make_tensor_value_info("t", T.FLOAT16, [8, 64])],
    )
    other = h.make_graph(
        [n("Relu", ["a"], ["e"])], "else", [], [h.make_tensor_value_info("e", T.FLOAT16, [8, 64])]
    )
    graph = h.make_graph(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm"),
            n("If", ["c"], ["b"], then_branch=then, else_branch=other),
            n("MatMul", ["b", "w1"], ["d"], name="/mm"),
            n("Cast", ["d"], ["df"], name="/up", to=T.FLOAT),
            n("MatMul", ["df", "w2"], ["y"], name="/mm"),
        ],
        "g",
        [
            h.make_tensor_value_info("x", T.FLOAT16, [8, 64]),
            h.make_tensor_value_info("c", T.BOOL, []),
        ],
        [h.make_tensor_value_info("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w2", 64, 64)],
    )
    return h.make_model(
        graph,
        opset_imports=[h.make_opsetid("", 19), h.make_opsetid("my", 1)],
        functions=[inner],
        ir_version=9,
    )


@named
def loop_fp32() -> Any:
    body = h.make_graph(
        [
            n("Identity", ["cond_in"], ["cond_out"], name="/loop/cond"),
            n("MatMul", ["s_in", "w2"], ["m"], name="/loop/mm"),
            n("Tanh", ["m"], ["s_out"], name="/loop/tanh"),
        ],
        "body",
        [
            h.make_tensor_value_info("it", T.INT64, []),
            h.make_tensor_value_info("cond_in", T.BOOL, []),
            h.make_tensor_value_info("s_in", T.FLOAT, [8, 64]),
        ],
        [
            h.make_tensor_value_info("cond_out", T.BOOL, []),
            h.make_tensor_value_info("s_out", T.FLOAT, [8, 64]),
        ],
    )
    return model(
        [
            n("Cast", ["x"], ["xf"], name="/up", to=T.FLOAT),
            n("Loop", ["trips", "", "xf"], ["s"], name="/loop", body=body),
            n("Cast", ["s"], ["sh"], name="/down", to=T.FLOAT16),
            n("MatMul", ["sh", "w1"], ["y"], name="/mm"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [const("trips", 3, np.int64), w("w2", 64, 64), w("w1", 64, 64, dtype=F16)],
    )


@named
def pointwise_fp16() -> Any:
    """Everything FP16, with operators that compilers like to widen inside."""
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("ReduceMean", ["a", "axes"], ["m"], name="/ln/mean"),
            n("Sub", ["a", "m"], ["d"], name="/ln/sub"),
            n("Pow", ["d", "two"], ["p"], name="/ln/pow"),
            n("ReduceMean", ["p", "axes"], ["v"], name="/ln/var"),
            n("Add", ["v", "eps"], ["ve"], name="/ln/eps"),
            n("Sqrt", ["ve"], ["s"], name="/ln/sqrt"),
            n("Div", ["d", "s"], ["nn"], name="/ln/div"),
            n("MatMul", ["nn", "w2"], ["b"], name="/mm2"),
            n("Softmax", ["b"], ["sm"], name="/sm", axis=-1),
            n("ReduceSum", ["sm", "axes"], ["rs"], name="/rs"),
            n("Exp", ["rs"], ["ex"], name="/exp"),
            n("Mul", ["ex", "sm"], ["em"], name="/em"),
            n("Erf", ["em"], ["er"], name="/erf"),
            n("MatMul", ["er", "w3"], ["y"], name="/mm3"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w(f"w{i}", 64, 64, dtype=F16) for i in (1, 2, 3)]
        + [const("two", 2.0, F16), const("eps", 1e-4, F16), const("axes", [-1], np.int64)],
    )


@named
def pointwise_with_a_cast() -> Any:
    """FP16, but a Cast of a comparison is fused: whose cast is in the kernel's name?"""
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Greater", ["a", "zero"], ["g"], name="/gt"),
            n("Cast", ["g"], ["gh"], name="/mask", to=T.FLOAT16),
            n("Mul", ["a", "gh"], ["m"], name="/mul"),
            n("Erf", ["m"], ["e"], name="/erf"),
            n("MatMul", ["e", "w2"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w2", 64, 64, dtype=F16), const("zero", 0.0, F16)],
    )


def _cumsum_in_an_island(opset: int) -> Any:
    cumsum = n("CumSum", ["af", "axis"], ["bf"], name="/cumsum")
    made = _island([cumsum], [const("axis", 1, np.int64)])
    made.opset_import[0].version = opset
    return made


@named
def island_cumsum_opset13() -> Any:
    """CumSum is for FLOAT alone before opset 14."""
    return _cumsum_in_an_island(13)


@named
def island_cumsum_opset19() -> Any:
    return _cumsum_in_an_island(19)


@named
def celu_fp32() -> Any:
    """Fused with a Softmax that would follow the model's types."""
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Softmax", ["a"], ["b"], name="/sm"),
            n("Celu", ["b"], ["c"], name="/celu"),
            n("MatMul", ["c", "w1"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64)],
    )


@named
def island_of_a_scalar() -> Any:
    """FP16 data that a converter lifted to FP32 for one number's sake."""
    return model(
        [
            n("Cast", ["x"], ["xf"], name="x_cast_to_fp32", to=T.FLOAT),
            n("Mul", ["xf", "s"], ["m"], name="/scale"),
            n("Softmax", ["m"], ["sm"], name="/sm"),
            n("Cast", ["sm"], ["h"], name="sm_cast_to_fp16", to=T.FLOAT16),
            n("MatMul", ["h", "w1"], ["y"], name="/mm"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [const("s", 0.5, F32), w("w1", 64, 64, dtype=F16)],
    )


@named
def embedding_fp32() -> Any:
    """Integer inputs; FP32 enters by a table alone."""
    return model(
        [
            n("Gather", ["table", "ids"], ["e"], name="/embed"),
            n("Cast", ["mask"], ["mf"], name="/mask/to_float", to=T.FLOAT),
            n("Sub", ["one", "mf"], ["im"], name="/mask/sub"),
            n("Mul", ["im", "low"], ["bias"], name="/mask/mul"),
            n("MatMul", ["e", "w1"], ["a"], name="/mm1"),
            n("Add", ["a", "bias"], ["b"], name="/add"),
            n("Softmax", ["b"], ["s"], name="/sm", axis=-1),
            n("ArgMax", ["s"], ["y"], name="/argmax", axis=-1),
        ],
        [("ids", T.INT64, [4, 8]), ("mask", T.INT64, [4, 8, 1])],
        [("y", T.INT64, [4, 8, 1])],
        [
            w("table", 100, 64),
            w("w1", 64, 64),
            const("one", 1.0, F32),
            const("low", -1e4, F32),
        ],
    )


@named
def head_fp32() -> Any:
    """AutoCast's way: FP16 inside, network inputs and outputs kept FP32, one block left in FP32."""
    return model(
        [
            n("Cast", ["x"], ["xh"], name="/x_cast_to_fp16", to=T.FLOAT16),
            n("Conv", ["xh", "k1"], ["c"], name="/conv1", pads=[1, 1, 1, 1]),
            n("BatchNormalization", ["c", "g", "b", "mu", "va"], ["bn"], name="/bn"),
            n("Relu", ["bn"], ["r"], name="/relu"),
            n("GlobalAveragePool", ["r"], ["gp"], name="/gap"),
            n("Flatten", ["gp"], ["f"], name="/flat"),
            n("Cast", ["f"], ["ff"], name="/f_cast_to_fp32", to=T.FLOAT),
            n("Gemm", ["ff", "w", "bias"], ["y"], name="/head"),
        ],
        [("x", T.FLOAT, [1, 8, 16, 16])],
        [("y", T.FLOAT, [1, 32])],
        [w("k1", 16, 8, 3, 3, dtype=F16)]
        + [w(i, 16, dtype=F16) for i in ("g", "b", "mu")]
        + [const("va", [1.0] * 16, F16), w("w", 16, 32), w("bias", 32)],
    )


@named
def bf16_island() -> Any:
    return model(
        [
            n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
            n("Cast", ["a"], ["ab"], name="/to_bf16", to=T.BFLOAT16),
            n("Softmax", ["ab"], ["sb"], name="/sm", axis=-1),
            n("Cast", ["sb"], ["s"], name="/to_fp16", to=T.FLOAT16),
            n("MatMul", ["s", "w1"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT16, [8, 64])],
        [("y", T.FLOAT16, [8, 64])],
        [w("w1", 64, 64, dtype=F16)],
    )


@named
def residual_stream_fp32() -> Any:
    """An FP32 stream through the network, with FP16 MatMuls cast around."""
    return model(
        [
            n("LayerNormalization", ["x", "g", "o"], ["n1"], name="/ln1", axis=-1),
            n("Cast", ["n1"], ["n1h"], name="/mm1/down", to=T.FLOAT16),
            n("MatMul", ["n1h", "w1"], ["m1"], name="/mm1"),
            n("Cast", ["m1"], ["m1f"], name="/mm1/up", to=T.FLOAT),
            n("Add", ["x", "m1f"], ["r1"], name="/add1"),
            n("LayerNormalization", ["r1", "g", "o"], ["n2"], name="/ln2", axis=-1),
            n("Cast", ["n2"], ["n2h"], name="/mm2/down", to=T.FLOAT16),
            n("MatMul", ["n2h", "w2"], ["m2"], name="/mm2"),
            n("Cast", ["m2"], ["m2f"], name="/mm2/up", to=T.FLOAT),
            n("Add", ["r1", "m2f"], ["y"], name="/add2"),
        ],
        [("x", T.FLOAT, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [w("w1", 64, 64, dtype=F16), w("w2", 64, 64, dtype=F16), w("g", 64), w("o", 64)],
    )


@named
def integers_only() -> Any:
    return model(
        [
            n("Add", ["i", "one"], ["j"], name="/shift"),
            n("Mul", ["j", "j"], ["k"], name="/square"),
            n("ReduceSum", ["k", "axes"], ["s"], name="/sum", keepdims=0),
            n("Greater", ["s", "one"], ["y"], name="/greater"),
        ],
        [("i", T.INT32, [4, 64])],
        [("y", T.BOOL, [4])],
        [const("one", 1, np.int32), const("axes", [1], np.int64)],
    )


@named
def other_norms_fp16() -> Any:
    return model(
        [
            n("Conv", ["x", "k"], ["c"], name="/conv1"),
            n("GroupNormalization", ["c", "g", "o"], ["gn"], name="/gn", num_groups=4),
            n("Resize", ["gn", "", "scales"], ["r"], name="/up2", mode="linear"),
            n("ConvTranspose", ["r", "kt"], ["y"], name="/deconv"),
        ],
        [("x", T.FLOAT16, [1, 8, 16, 16])],
        [("y", T.FLOAT16, [1, 8, 32, 32])],
        [
            w("k", 16, 8, 1, 1, dtype=F16),
            w("kt", 16, 8, 1, 1, dtype=F16),
            w("g", 16, dtype=F16),
            w("o", 16, dtype=F16),
            const("scales", [1, 1, 2, 2], F32),
        ],
        opset=21,
    )


@named
def recurrent_fp32() -> Any:
    return model(
        [
            n("LSTM", ["x", "w", "r", "b"], ["ys", "", ""], name="/lstm", hidden_size=16),
            n("Einsum", ["ys", "m"], ["y"], name="/einsum", equation="sdbh,hk->sdbk"),
        ],
        [("x", T.FLOAT, [4, 2, 8])],
        [("y", T.FLOAT, [4, 1, 2, 8])],
        [w("w", 1, 64, 8), w("r", 1, 64, 16), w("b", 1, 128), w("m", 16, 8)],
    )


@named
def qdq_conv_fp32() -> Any:
    return model(
        [
            n("QuantizeLinear", ["x", "s", "z"], ["xq"], name="/q1"),
            n("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="/dq1"),
            n("DequantizeLinear", ["kq", "s", "z"], ["kd"], name="/dq2"),
            n("Conv", ["xd", "kd"], ["c"], name="/conv1"),
            n("Sigmoid", ["c"], ["g"], name="/sigmoid"),
            n("Mul", ["c", "g"], ["sw"], name="/mul"),
            n("Conv", ["sw", "k2"], ["y"], name="/conv2"),
        ],
        [("x", T.FLOAT, [1, 8, 16, 16])],
        [("y", T.FLOAT, [1, 8, 16, 16])],
        [
            nh.from_array(np.ones((16, 8, 1, 1), np.int8), "kq"),
            w("k2", 8, 16, 1, 1),
            const("s", 0.05, F32),
            const("z", 0, np.int8),
        ],
    )


def _dequantised(before, given, kind, *, scale=F32, opset=19) -> Any:
    """Something INT8, dequantised in the scale's type, and FP16 again at the end."""
    back = n("Cast", ["m"], ["mh"], name="/down", to=T.FLOAT16)
    return model(
        [
            *before,
            n("DequantizeLinear", ["q", "s", "z"], ["d"], name="/dq"),
            n("Softmax", ["d"], ["sm"], name="/sm", axis=-1),
            n("MatMul", ["sm", "w2"], ["m"], name="/mm2"),
            back,
            n("MatMul", ["mh", "w1"], ["y"], name="/mm3"),
        ],
        [(given, kind, [16, 64])],
        [("y", T.FLOAT16, [16, 64])],
        [
            w("w1", 64, 64, dtype=F16),
            w("w2", 64, 64, dtype=scale),
            const("s", 0.05, scale),
            const("sf", 0.05, F32),
            const("z", 0, np.int8),
        ],
        opset=opset,
    )


@named
def dq_int8_input() -> Any:
    return _dequantised([], "q", T.INT8)


@named
def dq_scale_fp32() -> Any:
    """FP16 data cast up for an FP32 scale alone."""
    before = [
        n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
        n("Cast", ["a"], ["af"], name="/up", to=T.FLOAT),
        n("QuantizeLinear", ["af", "s", "z"], ["q"], name="/q"),
    ]
    return _dequantised(before, "x", T.FLOAT16)


@named
def dq_scale_fp32_opset23() -> Any:
    """From opset 23 a scale need not have the data's type."""
    before = [
        n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
        n("QuantizeLinear", ["a", "s", "z"], ["q"], name="/q"),
    ]
    return _dequantised(before, "x", T.FLOAT16, opset=23)


@named
def dq_scale_fp16() -> Any:
    """Quantised with an FP32 scale and dequantised with an FP16 one."""
    before = [
        n("MatMul", ["x", "w1"], ["a"], name="/mm1"),
        n("Cast", ["a"], ["af"], name="/up", to=T.FLOAT),
        n("QuantizeLinear", ["af", "sf", "z"], ["q"], name="/q"),
    ]
    return _dequantised(before, "x", T.FLOAT16, scale=F16)


@named
def dq_scale_of_fp32_data() -> Any:
    """Data that began in FP32: other scales alone would change nothing."""
    before = [n("QuantizeLinear", ["x", "s", "z"], ["q"], name="/q")]
    return _dequantised(before, "x", T.FLOAT)
