"""Small ONNX models, and their build into TensorRT-RTX plans on the CPU with the log as oracle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class Unsupported(Exception):
    """This release cannot build the model on a machine without a GPU."""


@dataclass
class LoggedTensor:
    name: str
    dtype: str


@dataclass
class LoggedLayer:
    name: str
    type: str
    inputs: list[LoggedTensor]
    constants: list[LoggedTensor]
    outputs: list[LoggedTensor]
    tactic: str
    metadata: str


@dataclass
class Build:
    plan: bytes
    layers: list[LoggedLayer]
    io: list[tuple[str, str, str, tuple[int, ...], list[tuple[tuple[int, ...], ...]]]]
    log: str = field(repr=False, default="")


_LAYER = re.compile(
    r"^Name: (.*?), LayerType: ([^,]*), Inputs: \[(.*?)\], (?:Constants: \[(.*?)\], )?"
    r"Outputs: \[(.*?)\], TacticName: (.*?), StreamId: \d+, Metadata: (.*)$",
    re.MULTILINE,
)
# 1.4 writes no constants, and of a tensor's layout the data type alone.
_TENSOR = re.compile(r"\{ Name: (.*?), Dimensions: .*?Datatype: (\w+)(?:, | \})")
_IO = re.compile(
    r"^ Name: (.*?), IOMode: (\w+), DataType: (\w+), Dimensions: \[([-\d,]*)\], (.*)$", re.MULTILINE
)
_RANGE = re.compile(r"MinShape: \[([\d,]*)\], OptShape: \[([\d,]*)\], MaxShape: \[([\d,]*)\]")


def parse_log(text: str) -> tuple[list[LoggedLayer], list]:
    def tensors(part: str) -> list[LoggedTensor]:
        return [LoggedTensor(*match) for match in _TENSOR.findall(part)]

    def extents(part: str) -> tuple[int, ...]:
        return tuple(int(number) for number in part.split(",")) if part else ()

    layers = [
        LoggedLayer(name, kind, tensors(i), tensors(c), tensors(o), tactic, metadata)
        for name, kind, i, c, o, tactic, metadata in _LAYER.findall(text)
    ]
    io = [
        (
            name,
            mode.lower(),
            dtype,
            extents(dims),
            [tuple(map(extents, m)) for m in _RANGE.findall(rest)],
        )
        for name, mode, dtype, dims, rest in _IO.findall(text)
    ]
    return layers, io


def build(model, *, profiles=(), capabilities=(), flags=(), verbosity="DETAILED") -> Build:
    import tensorrt_rtx as trt

    class Log(trt.ILogger):
        def __init__(self):
            super().__init__()
            self.lines = []

        def log(self, severity, message):
            self.lines.append(message)

    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, log)
    assert parser.parse(model.SerializeToString()), [
        str(parser.get_error(i)) for i in range(parser.num_errors)
    ]
    network.name = "net"
    config = builder.create_builder_config()
    config.profiling_verbosity = getattr(trt.ProfilingVerbosity, verbosity)
    for shapes in profiles:
        profile = builder.create_optimization_profile()
        for name, (least, best, most) in shapes.items():
            profile.set_shape(name, least, best, most)
        config.add_optimization_profile(profile)
    for flag in flags:
        config.set_flag(getattr(trt.BuilderFlag, flag))
    if capabilities:
        config.num_compute_capabilities = len(capabilities)
        for index, capability in enumerate(capabilities):
            config.set_compute_capability(getattr(trt.ComputeCapability, capability), index)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise Unsupported([line for line in log.lines if "rror" in line][-1:])
    plan = bytes(serialized)
    text = "\n".join(log.lines)
    return Build(plan, *parse_log(text), text)


def models():
    """Yield name, model, profiles."""
    import numpy as np
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper as nh

    random = np.random.RandomState(7)

    def weights(name, *shape, dtype=np.float32):
        return nh.from_array(random.randn(*shape).astype(dtype), name)

    def model(nodes, inputs, outputs, constants):
        graph = h.make_graph(
            nodes,
            "g",
            [h.make_tensor_value_info(*i) for i in inputs],
            [h.make_tensor_value_info(*o) for o in outputs],
            constants,
        )
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 19)], ir_version=9)

    n = h.make_node
    for suffix, kind, dtype in (("16", T.FLOAT16, np.float16), ("32", T.FLOAT, np.float32)):
        mlp = model(
            [
                n("Gemm", ["x", "w1", "b1"], ["h"], name="fc1"),
                n("Relu", ["h"], ["r"], name="act"),
                n("Gemm", ["r", "w2", "b2"], ["z"], name="fc2"),
                n("Softmax", ["z"], ["y"], name="sm", axis=-1),
            ],
            [("x", kind, ["n", 64])],
            [("y", kind, ["n", 32])],
            [
                weights("w1", 64, 128, dtype=dtype),
                weights("b1", 128, dtype=dtype),
                weights("w2", 128, 32, dtype=dtype),
                weights("b2", 32, dtype=dtype),
            ],
        )
        yield f"mlp{suffix}", mlp, [{"x": ((1, 64), (4, 64), (16, 64))}]
        yield (
            f"mlp{suffix}-two-profiles",
            mlp,
            [{"x": ((1, 64), (4, 64), (16, 64))}, {"x": ((1, 64), (32, 64), (64, 64))}],
        )
    yield (
        "conv",
        model(
            [
                n("Conv", ["x", "w", "b"], ["c"], name="conv1", pads=[1, 1, 1, 1]),
                n("Relu", ["c"], ["r"], name="relu1"),
                n("MaxPool", ["r"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
                n("Cast", ["p"], ["q"], name="cast", to=T.FLOAT16),
                n("Conv", ["q", "w2"], ["y"], name="conv2"),
            ],
            [("x", T.FLOAT, [1, 3, 32, 32])],
            [("y", T.FLOAT16, [1, 8, 16, 16])],
            [
                weights("w", 16, 3, 3, 3),
                weights("b", 16),
                weights("w2", 8, 16, 1, 1, dtype=np.float16),
            ],
        ),
        [],
    )
    yield (
        "int8",
        model(
            [
                n("QuantizeLinear", ["x", "s", "z"], ["xq"], name="q1"),
                n("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="dq1"),
                n("QuantizeLinear", ["w", "s", "z"], ["wq"], name="q2"),
                n("DequantizeLinear", ["wq", "s", "z"], ["wd"], name="dq2"),
                n("MatMul", ["xd", "wd"], ["m"], name="mm"),
                n("Relu", ["m"], ["y"], name="relu"),
            ],
            [("x", T.FLOAT, [16, 64])],
            [("y", T.FLOAT, [16, 64])],
            [
                weights("w", 64, 64),
                nh.from_array(np.array(0.05, np.float32), "s"),
                nh.from_array(np.array(0, np.int8), "z"),
            ],
        ),
        [],
    )
    zero_fp8 = h.make_tensor("z", T.FLOAT8E4M3FN, [], [0.0])
    yield (
        "fp8",
        model(
            [
                n("QuantizeLinear", ["x", "s", "z"], ["xq"], name="q1"),
                n("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="dq1"),
                n("QuantizeLinear", ["w", "s", "z"], ["wq"], name="q2"),
                n("DequantizeLinear", ["wq", "s", "z"], ["wd"], name="dq2"),
                n("MatMul", ["xd", "wd"], ["y"], name="mm"),
            ],
            [("x", T.FLOAT16, [16, 64])],
            [("y", T.FLOAT16, [16, 64])],
            [
                weights("w", 64, 64, dtype=np.float16),
                nh.from_array(np.array(0.05, np.float16), "s"),
                zero_fp8,
            ],
        ),
        [],
    )
    yield (
        "attention",
        model(
            [
                n("MatMul", ["x", "wq"], ["q"], name="q"),
                n("MatMul", ["x", "wk"], ["k"], name="k"),
                n("MatMul", ["x", "wv"], ["v"], name="v"),
                n("Transpose", ["k"], ["kt"], name="kt", perm=[0, 2, 1]),
                n("MatMul", ["q", "kt"], ["s"], name="scores"),
                n("Softmax", ["s"], ["p"], name="softmax", axis=-1),
                n("MatMul", ["p", "v"], ["a"], name="context"),
                n("Add", ["a", "x"], ["r"], name="residual"),
                n("LayerNormalization", ["r", "g", "o"], ["y"], name="norm", axis=-1),
            ],
            [("x", T.FLOAT16, ["b", 32, 64])],
            [("y", T.FLOAT16, ["b", 32, 64])],
            [weights(name, 64, 64, dtype=np.float16) for name in ("wq", "wk", "wv")]
            + [weights(name, 64, dtype=np.float16) for name in ("g", "o")],
        ),
        [{"x": ((1, 32, 64), (2, 32, 64), (8, 32, 64))}],
    )
    yield (
        "gather-topk",
        model(
            [
                n("Gather", ["t", "i"], ["e"], name="embed"),
                n("ReduceMean", ["e", "axes"], ["m"], name="mean", keepdims=0),
                n("TopK", ["m", "k"], ["v", "j"], name="topk"),
                n("Greater", ["v", "zero"], ["g"], name="greater"),
            ],
            [("i", T.INT64, [4, 6])],
            [("v", T.FLOAT, [4, 3]), ("j", T.INT64, [4, 3]), ("g", T.BOOL, [4, 3])],
            [
                weights("t", 50, 16),
                nh.from_array(np.array([1], np.int64), "axes"),
                nh.from_array(np.array([3], np.int64), "k"),
                nh.from_array(np.array(0, np.float32), "zero"),
            ],
        ),
        [],
    )
    bf16 = [
        h.make_tensor(name, T.BFLOAT16, shape, [0.5] * size)
        for name, shape, size in (("w", [32, 32], 1024),)
    ]
    yield (
        "bf16",
        model(
            [n("MatMul", ["x", "w"], ["m"], name="mm"), n("Sigmoid", ["m"], ["y"], name="sig")],
            [("x", T.BFLOAT16, [8, 32])],
            [("y", T.BFLOAT16, [8, 32])],
            bf16,
        ),
        [],
    )
