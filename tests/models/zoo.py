"""Small models in the shapes of public architectures, as exporters write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
ZOO: dict[str, Callable[[], Any]] = {}


class Writer:
    """Writes one model, node by node; every weight from one seed."""

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.source = np.random.default_rng(11)

    def node(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def constant(self, name: str, value: Any, kind: Any = np.float32) -> str:
        if name not in {each.name for each in self.stored}:
            self.stored.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weights(self, name: str, *shape: int, gain: float = 1.0) -> str:
        fan = int(np.prod(shape[1:])) if len(shape) > 2 else shape[0]
        return self.constant(name, self.source.standard_normal(shape) * gain / np.sqrt(fan))

    def conv(
        self,
        x: str,
        name: str,
        out: int,
        into: int,
        k: int = 3,
        *,
        stride: int = 1,
        groups: int = 1,
    ) -> str:
        w = self.weights(f"{name}.weight", out, into // groups, k, k, gain=1.4)
        b = self.constant(f"{name}.bias", self.source.standard_normal(out) * 0.1)
        return self.node(
            "Conv",
            [x, w, b],
            name,
            kernel_shape=[k, k],
            pads=[k // 2] * 4,
            strides=[stride] * 2,
            group=groups,
        )

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        parts = [
            self.constant(f"{name}.{part}", values)
            for part, values in (
                ("weight", 1 + 0.1 * self.source.standard_normal(channels)),
                ("bias", 0.1 * self.source.standard_normal(channels)),
                ("mean", 0.1 * self.source.standard_normal(channels)),
                ("var", 1 + 0.2 * self.source.random(channels)),
            )
        ]
        return self.node("BatchNormalization", [x, *parts], name)

    def linear(self, x: str, name: str, into: int, out: int) -> str:
        x = self.node("MatMul", [x, self.weights(f"{name}.weight", into, out)], f"{name}/MatMul")
        bias = self.constant(f"{name}.bias", self.source.standard_normal(out) * 0.02)
        return self.node("Add", [bias, x], f"{name}/Add")

    def layer_norm(self, x: str, name: str, width: int, *, written_out: bool) -> str:
        scale = self.constant(f"{name}.weight", 1 + 0.1 * self.source.standard_normal(width))
        bias = self.constant(f"{name}.bias", 0.1 * self.source.standard_normal(width))
        if not written_out:
            return self.node("LayerNormalization", [x, scale, bias], name, axis=-1, epsilon=1e-5)
        mean = self.node("ReduceMean", [x], f"{name}/ReduceMean", axes=[-1])
        centre = self.node("Sub", [x, mean], f"{name}/Sub")
        square = self.node("Pow", [centre, self.constant("two", 2.0)], f"{name}/Pow")
        variance = self.node("ReduceMean", [square], f"{name}/ReduceMean_1", axes=[-1])
        guarded = self.node("Add", [variance, self.constant("eps", 1e-5)], f"{name}/Add")
        root = self.node("Sqrt", [guarded], f"{name}/Sqrt")
        x = self.node("Div", [centre, root], f"{name}/Div")
        x = self.node("Mul", [x, scale], f"{name}/Mul")
        return self.node("Add", [x, bias], f"{name}/Add_1")

    def rms_norm(self, x: str, name: str, width: int) -> str:
        square = self.node("Pow", [x, self.constant("two", 2.0)], f"{name}/Pow")
        mean = self.node("ReduceMean", [square], f"{name}/ReduceMean", axes=[-1])
        guarded = self.node("Add", [mean, self.constant("rms_eps", 1e-6)], f"{name}/Add")
        root = self.node("Sqrt", [guarded], f"{name}/Sqrt")
        inverse = self.node("Reciprocal", [root], f"{name}/Reciprocal")
        x = self.node("Mul", [x, inverse], f"{name}/Mul")
        return self.node(
            "Mul", [self.weights(f"{name}.weight", width, gain=2.0), x], f"{name}/Mul_1"
        )

    def gelu(self, x: str, name: str, *, by_tanh: bool = False) -> str:
        half = self.constant("half", 0.5)
        one = self.constant("one", 1.0)
        if by_tanh:
            cube = self.node("Pow", [x, self.constant("three", 3.0)], f"{name}/Pow")
            cube = self.node("Mul", [cube, self.constant("gelu", 0.044715)], f"{name}/Mul")
            inner = self.node("Add", [x, cube], f"{name}/Add")
            inner = self.node("Mul", [inner, self.constant("root", 0.7978846)], f"{name}/Mul_1")
            inner = self.node("Tanh", [inner], f"{name}/Tanh")
        else:
            inner = self.node("Div", [x, self.constant("sqrt2", 1.4142135)], f"{name}/Div")
            inner = self.node("Erf", [inner], f"{name}/Erf")
        inner = self.node("Add", [inner, one], f"{name}/Add_1")
        x = self.node("Mul", [x, inner], f"{name}/Mul_2")
        return self.node("Mul", [x, half], f"{name}/Mul_3")

    def attention(
        self, x: str, name: str, width: int, heads: int, *, mask: str | None = None
    ) -> str:
        split = self.constant(f"split{heads}", [0, 0, heads, width // heads], np.int64)
        merge = self.constant("merge", [0, 0, width], np.int64)
        parts = {}
        for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            made = self.linear(x, f"{name}/{part}", width, width)
            made = self.node("Reshape", [made, split], f"{name}/{part}/Reshape")
            parts[part] = self.node("Transpose", [made], f"{name}/{part}/Transpose", perm=order)
        scores = self.node("MatMul", [parts["q"], parts["k"]], f"{name}/scores")
        root = self.constant(f"root{heads}", float(np.sqrt(width // heads)))
        scores = self.node("Div", [scores, root], f"{name}/scale")
        if mask is not None:
            scores = self.node("Add", [scores, mask], f"{name}/mask")
        weights = self.node("Softmax", [scores], f"{name}/softmax", axis=-1)
        mixed = self.node("MatMul", [weights, parts["v"]], f"{name}/context")
        mixed = self.node("Transpose", [mixed], f"{name}/back", perm=[0, 2, 1, 3])
        mixed = self.node("Reshape", [mixed, merge], f"{name}/merge")
        return self.linear(mixed, f"{name}/out", width, width)

    def model(self, inputs: dict[str, tuple[Any, list[Any]]], outputs: dict[str, list[Any]]) -> Any:
        graph = helper.make_graph(
            self.nodes,
            "zoo",
            [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(n, FLOAT, shape) for n, shape in outputs.items()],
            self.stored,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="zoo")


def animal(function: Callable[[], Any]) -> Callable[[], Any]:
    ZOO[function.__name__] = function
    return function


@animal
def resnet() -> Any:
    w = Writer()
    x = w.node(
        "Relu",
        [w.batch_norm(w.conv("image", "stem", 16, 3, 7, stride=2), "stem/bn", 16)],
        "stem/relu",
    )
    x = w.node("MaxPool", [x], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 16
    for stage, out in enumerate((16, 32)):
        for block in range(2):
            name = f"layer{stage}.{block}"
            stride = 2 if stage and not block else 1
            short = x
            y = w.node(
                "Relu",
                [
                    w.batch_norm(
                        w.conv(x, f"{name}/conv1", out, channels, stride=stride), f"{name}/bn1", out
                    )
                ],
                f"{name}/relu1",
            )
            y = w.batch_norm(w.conv(y, f"{name}/conv2", out, out), f"{name}/bn2", out)
            if stride > 1 or channels != out:
                short = w.conv(x, f"{name}/down", out, channels, 1, stride=stride)
            x = w.node("Relu", [w.node("Add", [y, short], f"{name}/add")], f"{name}/relu2")
            channels = out
    x = w.node("Flatten", [w.node("GlobalAveragePool", [x], "gap")], "flatten")
    x = w.node(
        "Gemm", [x, w.weights("fc.weight", 32, 10), w.constant("fc.bias", np.zeros(10))], "fc"
    )
    return w.model({"image": (FLOAT, [1, 3, 32, 32])}, {x: [1, 10]})


@animal
def mobilenet() -> Any:
    w = Writer()
    x = w.node("HardSwish", [w.conv("image", "stem", 16, 3, stride=2)], "stem/act")
    for block in range(3):
        name = f"block{block}"
        y = w.node("HardSwish", [w.conv(x, f"{name}/expand", 48, 16, 1)], f"{name}/act")
        y = w.node("HardSwish", [w.conv(y, f"{name}/depth", 48, 48, groups=48)], f"{name}/act2")
        s = w.node("GlobalAveragePool", [y], f"{name}/squeeze")
        s = w.node("Relu", [w.conv(s, f"{name}/down", 12, 48, 1)], f"{name}/relu")
        s = w.node("HardSigmoid", [w.conv(s, f"{name}/up", 48, 12, 1)], f"{name}/gate")
        y = w.node("Mul", [y, s], f"{name}/scale")
        x = w.node("Add", [x, w.conv(y, f"{name}/project", 16, 48, 1)], f"{name}/add")
    x = w.node("Flatten", [w.node("GlobalAveragePool", [x], "gap")], "flatten")
    return w.model({"image": (FLOAT, [1, 3, 32, 32])}, {w.linear(x, "fc", 16, 10): [1, 10]})


@animal
def yolo() -> Any:
    """Three convolutions, two scales, boxes decoded to pixels of a 640 image."""
    w = Writer()

    def silu(x: str, name: str) -> str:
        return w.node("Mul", [x, w.node("Sigmoid", [x], f"{name}/Sigmoid")], f"{name}/Mul")

    x = silu(w.conv("image", "c1", 16, 3, stride=2), "c1/act")
    small = silu(w.conv(x, "c2", 32, 16, stride=2), "c2/act")
    scales = w.constant("scales", [1.0, 1.0, 2.0, 2.0])
    up = w.node("Resize", [small, "", scales], "up", mode="nearest")
    x = w.node("Concat", [up, x], "cat", axis=1)
    x = silu(w.conv(x, "c3", 24, 48), "c3/act")
    head = w.conv(x, "head", 8, 24, 1)
    head = w.node("Reshape", [head, w.constant("flat", [1, 8, 256], np.int64)], "flatten")
    cuts = w.constant("cuts", [2, 2, 4], np.int64)
    w.nodes.append(
        helper.make_node("Split", [head, cuts], ["xy", "wh", "cls"], name="split", axis=1)
    )
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16))).reshape(1, 2, 256)
    xy = w.node(
        "Add", [w.node("Sigmoid", ["xy"], "xy/Sigmoid"), w.constant("grid", grid)], "xy/Add"
    )
    xy = w.node("Mul", [xy, w.constant("stride", 2.0)], "xy/Mul")
    wh = w.node("Mul", [w.node("Exp", ["wh"], "wh/Exp"), w.constant("anchor", 8.0)], "wh/Mul")
    boxes = w.node("Concat", [xy, wh, w.node("Sigmoid", ["cls"], "cls/Sigmoid")], "boxes", axis=1)
    return w.model({"image": (FLOAT, [1, 3, 32, 32])}, {boxes: [1, 8, 256]})


@animal
def vit() -> Any:
    w = Writer()
    x = w.conv("image", "patch", 32, 3, 7)
    x = w.node("MaxPool", [x], "patch/pool", kernel_shape=[4, 4], strides=[4, 4])
    x = w.node("Reshape", [x, w.constant("patches", [1, 32, 64], np.int64)], "patch/flat")
    x = w.node("Transpose", [x], "patch/t", perm=[0, 2, 1])
    x = w.node(
        "Add", [x, w.constant("position", w.source.standard_normal((1, 64, 32)) * 0.02)], "position"
    )
    for block in range(2):
        x = _block(w, x, f"blocks.{block}", 32, written_out=False)
    x = w.layer_norm(x, "norm", 32, written_out=False)
    x = w.node("ReduceMean", [x], "pool", axes=[1], keepdims=0)
    return w.model({"image": (FLOAT, [1, 3, 32, 32])}, {w.linear(x, "head", 32, 10): [1, 10]})


def _block(
    w: Writer,
    x: str,
    name: str,
    width: int,
    *,
    written_out: bool,
    mask: str | None = None,
    by_tanh: bool = False,
) -> str:
    y = w.layer_norm(x, f"{name}/norm1", width, written_out=written_out)
    x = w.node("Add", [x, w.attention(y, f"{name}/attn", width, 4, mask=mask)], f"{name}/add1")
    y = w.layer_norm(x, f"{name}/norm2", width, written_out=written_out)
    y = w.gelu(w.linear(y, f"{name}/fc1", width, 4 * width), f"{name}/act", by_tanh=by_tanh)
    return w.node("Add", [x, w.linear(y, f"{name}/fc2", 4 * width, width)], f"{name}/add2")


def _embedded(w: Writer, width: int, length: int) -> str:
    x = w.node("Gather", [w.weights("tokens", 64, width, gain=8.0), "ids"], "embed")
    position = w.constant("position", w.source.standard_normal((1, length, width)) * 0.02)
    return w.node("Add", [x, position], "position/Add")


@animal
def bert() -> Any:
    """With its mask of -1e9 and LayerNorm written out."""
    w = Writer()
    mask = w.node("Cast", ["mask"], "mask/Cast", to=FLOAT)
    mask = w.node("Unsqueeze", [mask, w.constant("axes", [1, 2], np.int64)], "mask/Unsqueeze")
    mask = w.node("Sub", [w.constant("one", 1.0), mask], "mask/Sub")
    mask = w.node("Mul", [mask, w.constant("never", -1e9)], "mask/Mul")
    x = w.layer_norm(_embedded(w, 32, 16), "embeddings/norm", 32, written_out=True)
    for block in range(2):
        x = _block(w, x, f"encoder.{block}", 32, written_out=True, mask=mask)
    x = w.node("Tanh", [w.linear(x, "pooler", 32, 32)], "pooler/Tanh")
    return w.model({"ids": (INT64, [1, 16]), "mask": (INT64, [1, 16])}, {x: [1, 16, 32]})


@animal
def gpt() -> Any:
    """With RMSNorm written out, rotary positions and a causal mask of the smallest FP32 number."""
    w = Writer()
    x = _embedded(w, 32, 16)
    causal = np.triu(np.full((16, 16), np.finfo(np.float32).min), 1)
    mask = w.constant("causal", causal)
    for block in range(2):
        name = f"layers.{block}"
        y = w.rms_norm(x, f"{name}/norm1", 32)
        x = w.node("Add", [x, w.attention(y, f"{name}/attn", 32, 4, mask=mask)], f"{name}/add1")
        y = w.rms_norm(x, f"{name}/norm2", 32)
        gate = w.linear(y, f"{name}/gate", 32, 64)
        gate = w.node("Mul", [gate, w.node("Sigmoid", [gate], f"{name}/sigmoid")], f"{name}/silu")
        y = w.node("Mul", [gate, w.linear(y, f"{name}/up", 32, 64)], f"{name}/mul")
        x = w.node("Add", [x, w.linear(y, f"{name}/down", 64, 32)], f"{name}/add2")
    return w.model(
        {"ids": (INT64, [1, 16])},
        {w.linear(w.rms_norm(x, "norm", 32), "head", 32, 64): [1, 16, 64]},
    )


@animal
def whisper_encoder() -> Any:
    w = Writer()
    x = "mel"
    for index, (into, stride) in enumerate(((40, 1), (32, 2))):
        kernel = w.weights(f"conv{index}.weight", 32, into, 3, gain=1.4)
        x = w.node(
            "Conv", [x, kernel], f"conv{index}", kernel_shape=[3], pads=[1, 1], strides=[stride]
        )
        x = w.gelu(x, f"conv{index}/act")
    x = w.node("Transpose", [x], "transpose", perm=[0, 2, 1])
    for block in range(2):
        x = _block(w, x, f"blocks.{block}", 32, written_out=False, by_tanh=True)
    x = w.layer_norm(x, "ln_post", 32, written_out=False)
    return w.model({"mel": (FLOAT, [1, 40, 32])}, {x: [1, 16, 32]})


@animal
def unet() -> Any:
    """With GroupNorm as torch exports it: Reshape, InstanceNormalization, Reshape."""
    w = Writer()

    def group_norm(x: str, name: str, channels: int, size: int) -> str:
        groups = w.constant("groups", [0, 4, -1], np.int64)
        y = w.node("Reshape", [x, groups], f"{name}/Reshape")
        ones, zeros = w.constant("ones4", np.ones(4)), w.constant("zeros4", np.zeros(4))
        y = w.node("InstanceNormalization", [y, ones, zeros], f"{name}/norm", epsilon=1e-6)
        shape = w.constant(f"shape{channels}x{size}", [1, channels, size, size], np.int64)
        y = w.node("Reshape", [y, shape], f"{name}/Reshape_1")
        scale = w.constant(f"{name}.weight", 1 + 0.1 * w.source.standard_normal((channels, 1, 1)))
        y = w.node("Mul", [y, scale], f"{name}/Mul")
        bias = w.constant(f"{name}.bias", 0.1 * w.source.standard_normal((channels, 1, 1)))
        return w.node("Add", [y, bias], f"{name}/Add")

    def block(x: str, name: str, into: int, out: int, size: int) -> str:
        y = group_norm(w.conv(x, name, out, into), f"{name}/gn", out, size)
        return w.node("Mul", [y, w.node("Sigmoid", [y], f"{name}/Sigmoid")], f"{name}/silu")

    time = w.node("Cast", ["step"], "time/Cast", to=FLOAT)
    steps = w.constant("steps", 1.0 / 10_000 ** (np.arange(8) / 8))
    time = w.node("Mul", [time, steps], "time/Mul")
    time = w.node(
        "Concat",
        [w.node("Sin", [time], "time/Sin"), w.node("Cos", [time], "time/Cos")],
        "time/Concat",
        axis=-1,
    )
    time = w.linear(time, "time/fc", 16, 16)
    time = w.node("Reshape", [time, w.constant("spread", [1, 16, 1, 1], np.int64)], "time/Reshape")
    top = block("noise", "down1", 4, 16, 16)
    top = w.node("Add", [top, time], "time/Add")
    low = w.node("AveragePool", [top], "pool", kernel_shape=[2, 2], strides=[2, 2])
    low = block(low, "middle", 16, 16, 8)
    up = w.node(
        "Resize", [low, "", w.constant("twice", [1.0, 1.0, 2.0, 2.0])], "up", mode="nearest"
    )
    x = block(w.node("Concat", [up, top], "cat", axis=1), "up1", 32, 16, 16)
    return w.model(
        {"noise": (FLOAT, [1, 4, 16, 16]), "step": (INT64, [1, 1])},
        {w.conv(x, "out", 4, 16): [1, 4, 16, 16]},
    )
