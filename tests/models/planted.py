"""Models in which known nodes, and no others, have to stay in FP32: the nodes named ``bad/...``.

Each function returns a model, samples that bring the trouble about, and the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

PLANTED: dict[str, Callable[[], Planted]] = {}


@dataclass(frozen=True)
class Planted:
    """A model, its samples, and the nodes that have to stay in FP32, of which ``enough`` may do."""

    model: Any
    samples: list[dict[str, Any]]
    region: frozenset[str]


class Net:
    """Writes one model: a layer before and a layer after what is planted."""

    def __init__(self, width: int = 32) -> None:
        self.width = width
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.source = np.random.default_rng(7)

    def node(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def constant(self, name: str, value: Any, kind: Any = np.float32) -> str:
        self.stored.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def linear(self, value: str, name: str, columns: int | None = None, rows: int = 0) -> str:
        shape = (rows or self.width, columns or self.width)
        weights = self.source.standard_normal(shape) / np.sqrt(shape[0])
        return self.node("MatMul", [value, self.constant(f"{name}.w", weights)], name)

    def model(self, inputs: dict[str, tuple[Any, tuple[int, ...]]], *outputs: str) -> Any:
        graph = helper.make_graph(
            self.nodes,
            "planted",
            [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, ("n", "m")) for n in outputs],
            self.stored,
        )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def planted(function: Callable[[Net], tuple[Any, list[dict[str, Any]]]]) -> Any:
    def make() -> Planted:
        net = Net()
        model, samples = function(net)
        bad = frozenset(node.name for node in net.nodes if node.name.startswith("bad/"))
        return Planted(model, samples, bad)

    PLANTED[function.__name__] = make
    return make


FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def normal(*shape: int, scale: float = 1.0, seed: int = 1) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def around(net: Net, planted_output: str) -> str:
    """A layer after what is planted, which reads values that FP16 holds well."""
    return net.linear(planted_output, "after")


def x_of(net: Net, scale: float = 1.0, rows: int = 16) -> tuple[dict[str, Any], list[Any]]:
    shape = (rows, net.width)
    return {"x": (FLOAT, shape)}, [{"x": normal(*shape, scale=scale, seed=s)} for s in (1, 2)]


def norm(net: Net, value: str, *, centred: bool) -> str:
    centre = value
    if centred:
        mean = net.node("ReduceMean", [value], "mean", axes=[-1])
        centre = net.node("Sub", [value, mean], "centre")
    square = net.node("Pow", [centre, net.constant("two", 2.0)], "bad/square")
    mean = net.node("ReduceMean", [square], "bad/mean", axes=[-1])
    guarded = net.node("Add", [mean, net.constant("eps", 1e-5)], "bad/eps")
    root = net.node("Sqrt", [guarded], "bad/root")
    return net.node("Div", [centre, root], "quotient")


@planted
def layer_norm(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 1000.0)
    return net.model(
        inputs, around(net, norm(net, net.linear("x", "before"), centred=True))
    ), samples


@planted
def rms_norm(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 1000.0)
    return net.model(
        inputs, around(net, norm(net, net.linear("x", "before"), centred=False))
    ), samples


@planted
def exponential(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 6.0)
    value = net.node("Exp", [net.linear("x", "before")], "bad/exp")
    value = net.node("Add", [value, net.constant("one", 1.0)], "bad/one")
    value = net.node("Log", [value], "bad/log")
    return net.model(inputs, around(net, value)), samples


@planted
def power(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 40.0)
    value = net.node("Pow", [net.linear("x", "before"), net.constant("three", 3.0)], "bad/cube")
    value = net.node("Mul", [value, net.constant("small", 1e-5)], "bad/scale")
    return net.model(inputs, around(net, value)), samples


@planted
def large_sum(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs = {"x": (FLOAT, (16, net.width, 4096))}
    samples = [{"x": np.abs(normal(16, net.width, 4096, scale=50.0, seed=s))} for s in (1, 2)]
    value = net.node("Relu", ["x"], "before")
    axes = net.constant("axes", [-1], np.int64)
    value = net.node("ReduceSum", [value, axes], "bad/sum", keepdims=0)
    value = net.node("Mul", [value, net.constant("share", 1 / 4096)], "bad/share")
    return net.model(inputs, around(net, value)), samples


@planted
def running_sum(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs = {"x": (FLOAT, (2048, net.width))}
    samples = [{"x": np.abs(normal(2048, net.width, scale=60.0, seed=s))} for s in (1, 2)]
    value = net.node("Relu", ["x"], "before")
    value = net.node("CumSum", [value, net.constant("axis", 0, np.int64)], "bad/cumsum")
    value = net.node("Mul", [value, net.constant("share", 1 / 2048)], "bad/share")
    return net.model(inputs, around(net, value)), samples


@planted
def positions(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """Rotary angles of positions up to 8000."""
    inputs = {"ids": (INT64, (64, 1)), "x": (FLOAT, (64, net.width))}
    samples = [
        {
            "ids": np.arange(s, 8000, 125, dtype=np.int64)[:64, None],
            "x": normal(64, net.width, seed=s),
        }
        for s in (1, 2)
    ]
    value = net.node("Cast", ["ids"], "bad/float", to=FLOAT)
    steps = 1.0 / 10_000 ** (np.arange(net.width) / net.width)
    value = net.node("Mul", [value, net.constant("steps", steps)], "bad/angle")
    value = net.node("Sin", [value], "bad/sin")
    value = net.node("Mul", [value, net.linear("x", "before")], "turned")
    return net.model(inputs, around(net, value)), samples


@planted
def l2_norm(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 800.0)
    before = net.linear("x", "before")
    value = net.node("Mul", [before, before], "bad/square")
    axes = net.constant("axes", [-1], np.int64)
    value = net.node("ReduceSum", [value, axes], "bad/sum")
    value = net.node("Sqrt", [value], "bad/root")
    value = net.node("Div", [before, value], "quotient")
    return net.model(inputs, around(net, value)), samples


@planted
def tiny_epsilon(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """Rows of zeros, which an epsilon of 1e-12 keeps from being divided by zero."""
    inputs, samples = x_of(net)
    for sample in samples:
        sample["x"][::4] = 0
    before = net.linear("x", "before")
    size = net.node("Abs", [before], "size")
    size = net.node("ReduceMean", [size], "mean", axes=[-1])
    value = net.node("Add", [size, net.constant("eps", 1e-12)], "bad/eps")
    value = net.node("Div", [before, value], "bad/quotient")
    return net.model(inputs, around(net, value)), samples


@planted
def large_product(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 2000.0)
    value = net.node("Relu", ["x"], "before")
    value = net.node(
        "MatMul",
        [value, net.constant("w", np.abs(normal(net.width, net.width)) * 4)],
        "bad/product",
    )
    value = net.node("Mul", [value, net.constant("share", 1e-4)], "bad/scale")
    return net.model(inputs, around(net, value)), samples


@planted
def softmax_without_maximum(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    inputs, samples = x_of(net, 6.0)
    value = net.node("Exp", [net.linear("x", "before")], "bad/exp")
    axes = net.constant("axes", [-1], np.int64)
    total = net.node("ReduceSum", [value, axes], "bad/sum")
    value = net.node("Div", [value, total], "bad/quotient")
    return net.model(inputs, around(net, value)), samples


@planted
def variance_by_difference(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """E[x²] - E[x]² of values far from zero."""
    inputs, samples = x_of(net)
    shift = net.node("Add", ["x", net.constant("far", 60.0)], "bad/far")
    square = net.node("Mul", [shift, shift], "bad/square")
    first = net.node("ReduceMean", [square], "bad/first", axes=[-1])
    mean = net.node("ReduceMean", [shift], "bad/mean", axes=[-1])
    second = net.node("Mul", [mean, mean], "bad/second")
    variance = net.node("Sub", [first, second], "bad/variance")
    root = net.node("Sqrt", [variance], "root")
    value = net.node("Div", [net.linear("x", "before"), root], "quotient")
    return net.model(inputs, around(net, value)), samples


@planted
def logarithm_of_little(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """Probabilities down to 1e-12 under a logarithm."""
    inputs, samples = x_of(net, 4.0)
    value = net.node("Softmax", [net.linear("x", "before")], "bad/softmax", axis=-1)
    value = net.node("Log", [value], "bad/log")
    return net.model(inputs, around(net, value)), samples


@planted
def boxes(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """Offsets of a hundredth of a pixel at places in the thousands, of which differences are used."""
    inputs = {"x": (FLOAT, (64, net.width))}
    samples = [{"x": normal(64, net.width, seed=s)} for s in (1, 2)]
    before = net.linear("x", "before")
    grid = net.constant("grid", np.arange(64, dtype=np.float32)[:, None] * 64)
    value = net.node("Add", [before, grid], "bad/place")
    value = net.node("Sub", [value, grid], "bad/offset")
    return net.model(inputs, around(net, value)), samples


@planted
def whole_numbers(net: Net) -> tuple[Any, list[dict[str, Any]]]:
    """The last digit of numbers up to 60,000, computed as floats."""
    inputs = {"ids": (INT64, (64, 1)), "x": (FLOAT, (64, net.width))}
    samples = [
        {
            "ids": np.arange(s, 60_000, 937, dtype=np.int64)[:64, None],
            "x": normal(64, net.width, seed=s),
        }
        for s in (1, 2)
    ]
    value = net.node("Cast", ["ids"], "bad/float", to=FLOAT)
    digit = net.node("Mod", [value, net.constant("ten", 10.0)], "bad/digit", fmod=1)
    value = net.node("Add", [digit, net.linear("x", "before")], "sum")
    return net.model(inputs, around(net, value)), samples
