"""Hazards by meaning, in the spellings of exporters, beside neighbours that are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper
from planted import Net
from zoo import ZOO

from trtdoctor.model.hazard import Cure, Effect, Hazard, HazardKind
from trtdoctor.model.report import Confidence
from trtdoctor.model.value_range import ValueRange
from trtdoctor.precision.numbers.hazards import find_hazards
from trtdoctor.readers.onnxmodel import OnnxFacts, read_onnx
from trtdoctor.readers.onnxmodel.weights import scan_weights

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Build = Callable[[Net, str], str]


def facts_of(
    net: Net, output: str, *, shape: Any = (8, 32), kind: int = FLOAT, opset: int = 17
) -> OnnxFacts:
    graph = helper.make_graph(
        net.nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(output, FLOAT, None)],
        net.stored,
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return read_onnx(model.SerializeToString(), name="m.onnx", shapes={})


def of(
    build: Build, ranges: dict[str, ValueRange] | None = None, **more: Any
) -> tuple[Hazard, ...]:
    net = Net()
    return find_hazards(facts_of(net, build(net, "x"), **more), None, ranges)


def kinds(found: tuple[Hazard, ...]) -> list[HazardKind]:
    return [hazard.kind for hazard in found]


# Normalisations ----------------------------------------------------------------------------------


def mean(n: Net, x: str, name: str, axes: Any = (-1,), *, as_input: bool = False) -> str:
    if as_input:
        return n.node("ReduceMean", [x, n.constant(f"{name}.axes", list(axes), np.int64)], name)
    return n.node("ReduceMean", [x], name, axes=list(axes))


def torch_layer_norm(n: Net, x: str) -> str:
    c = n.node("Sub", [x, mean(n, x, "m")], "sub")
    v = mean(n, n.node("Pow", [c, n.constant("two", 2.0)], "pow"), "v")
    r = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", 1e-5)], "add")], "sqrt")
    return n.node("Div", [c, r], "div")


def old_torch_layer_norm(n: Net, x: str) -> str:
    """The difference twice, once for the square and once for the quotient."""
    m = mean(n, x, "m")
    a, b = n.node("Sub", [x, m], "sub"), n.node("Sub", [x, m], "sub2")
    v = mean(n, n.node("Pow", [a, n.constant("two", 2.0)], "pow"), "v")
    r = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", 1e-12)], "add")], "sqrt")
    return n.node("Div", [b, r], "div")


def tensorflow_layer_norm(n: Net, x: str) -> str:
    """tf2onnx: squares by Mul, Sqrt and Reciprocal, scale and shift folded around."""
    c = n.node("Sub", [x, mean(n, x, "m")], "sub")
    v = mean(n, n.node("Mul", [c, c], "square"), "v")
    s = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", 1e-3)], "add")], "sqrt")
    i = n.node("Reciprocal", [s], "rsqrt")
    return n.node("Mul", [c, n.node("Mul", [i, n.constant("gamma", np.ones(32))], "scale")], "mul")


def paddle_layer_norm(n: Net, x: str) -> str:
    c = n.node("Sub", [x, mean(n, x, "m")], "sub")
    v = mean(n, n.node("Pow", [c, n.constant("two", 2.0)], "pow"), "v")
    r = n.node(
        "Pow", [n.node("Add", [v, n.constant("eps", 1e-5)], "add"), n.constant("half", 0.5)], "root"
    )
    return n.node("Div", [c, r], "div")


def inverse_power_rms(n: Net, x: str) -> str:
    v = mean(n, n.node("Pow", [x, n.constant("two", 2.0)], "pow"), "v")
    r = n.node(
        "Pow", [n.node("Add", [v, n.constant("eps", 1e-6)], "add"), n.constant("h", -0.5)], "rsqrt"
    )
    return n.node("Mul", [x, r], "mul")


def torch_rms(n: Net, x: str) -> str:
    v = mean(n, n.node("Pow", [x, n.constant("two", 2.0)], "pow"), "v")
    s = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", 1e-6)], "add")], "sqrt")
    r = n.node("Div", [n.constant("one", 1.0), s], "inv")
    return n.node("Mul", [x, r], "mul")


def sum_and_count_rms(n: Net, x: str) -> str:
    axes = n.constant("axes", [-1], np.int64)
    s = n.node("ReduceSum", [n.node("Mul", [x, x], "square"), axes], "sum")
    v = n.node("Div", [s, n.constant("count", 32.0)], "share")
    r = n.node("Sqrt", [n.node("Max", [v, n.constant("eps", 1e-6)], "max")], "sqrt")
    return n.node("Div", [x, r], "div")


def l2_by_operator(n: Net, x: str) -> str:
    size = n.node("ReduceL2", [x], "size", axes=[-1])
    return n.node("Div", [x, n.node("Clip", [size, n.constant("eps", 1e-12)], "clip")], "div")


def l2_expanded(n: Net, x: str) -> str:
    """torch's F.normalize: the norm, clamped, expanded, divided by."""
    size = n.node("ReduceL2", [x], "size", axes=[-1])
    size = n.node("Clip", [size, n.constant("eps", 1e-6)], "clip")
    size = n.node("Expand", [size, n.constant("shape", [8, 32], np.int64)], "expand")
    return n.node("Div", [x, size], "div")


def sum_square_l2(n: Net, x: str) -> str:
    s = n.node("ReduceSumSquare", [x], "sum", axes=[-1])
    return n.node("Div", [x, n.node("Sqrt", [s], "sqrt")], "div")


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (torch_layer_norm, "LayerNorm"),
        (old_torch_layer_norm, "LayerNorm"),
        (tensorflow_layer_norm, "LayerNorm"),
        (paddle_layer_norm, "LayerNorm"),
        (inverse_power_rms, "RMSNorm"),
        (torch_rms, "RMSNorm"),
        (sum_and_count_rms, "RMSNorm"),
        (l2_by_operator, "L2 norm"),
        (l2_expanded, "L2 norm"),
        (sum_square_l2, "L2 norm"),
    ],
)
def test_a_normalisation_is_found_however_it_was_written(build: Build, name: str) -> None:
    found = [h for h in of(build) if h.kind is not HazardKind.EPSILON]
    assert kinds(found) == [HazardKind.NORMALIZATION], found
    (hazard,) = found
    assert name in hazard.what and hazard.cure is Cure.KEEP
    assert hazard.confidence is Confidence.LIKELY
    # All between the squares and the quotient, and nothing else.
    assert not {"m", "sub", "sub2"} & set(hazard.nodes)
    assert {"div", "mul", "inv", "rsqrt"} & set(hazard.nodes)


def test_group_norm_over_several_axes() -> None:
    def build(n: Net, x: str) -> str:
        g = n.node("Reshape", [x, n.constant("groups", [2, 4, 8, 4], np.int64)], "reshape")
        c = n.node("Sub", [g, mean(n, g, "m", (2, 3))], "sub")
        v = mean(n, n.node("Mul", [c, c], "square"), "v", (2, 3))
        r = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", 1e-5)], "add")], "sqrt")
        return n.node("Div", [c, r], "div")

    (hazard,) = of(build)
    assert hazard.kind is HazardKind.NORMALIZATION and "32 elements" in str(hazard.evidence)


@pytest.mark.parametrize(
    ("eps", "lost"), [(1e-5, False), (6e-8, False), (1e-8, True), (1e-12, True)]
)
def test_an_epsilon_that_becomes_zero_is_told_for_itself(eps: float, lost: bool) -> None:
    def build(n: Net, x: str) -> str:
        v = mean(n, n.node("Mul", [x, x], "square"), "v")
        r = n.node("Sqrt", [n.node("Add", [v, n.constant("eps", eps)], "add")], "sqrt")
        return n.node("Div", [x, r], "div")

    found = kinds(of(build))
    assert (HazardKind.EPSILON in found) is lost


def of_range(low: float, high: float) -> ValueRange:
    return ValueRange(minimum=low, maximum=high)


def test_measured_ranges_make_it_certain_or_clear_it() -> None:
    wide = {
        "sub_out": of_range(-900, 900),
        "pow_out": of_range(0, 8.1e5),
        "v_out": of_range(1, 1e5),
    }
    (hazard,) = of(torch_layer_norm, wide)
    assert hazard.confidence is Confidence.CERTAIN and "8.1e+05" in hazard.what
    small = {"sub_out": of_range(-9, 9), "pow_out": of_range(0, 81), "v_out": of_range(1, 9)}
    assert of(torch_layer_norm, small) == ()


# Functions ---------------------------------------------------------------------------------------


def softmax(n: Net, x: str, *, shifted: bool) -> str:
    if shifted:
        top = n.node("ReduceMax", [x], "max", axes=[-1])
        x = n.node("Sub", [x, top], "shift")
    e = n.node("Exp", [x], "exp")
    axes = n.constant("axes", [-1], np.int64)
    return n.node("Div", [e, n.node("ReduceSum", [e, axes], "sum")], "div")


def test_a_softmax_is_told_unless_its_maximum_is_taken_away() -> None:
    assert of(lambda n, x: softmax(n, x, shifted=True)) == ()
    (hazard,) = of(lambda n, x: softmax(n, x, shifted=False))
    assert hazard.kind is HazardKind.SOFTMAX and hazard.nodes == ("exp", "sum", "div")


def gelu(n: Net, x: str, cube: str) -> str:
    if cube == "Pow":
        c = n.node("Pow", [x, n.constant("three", 3.0)], "cube")
    else:
        c = n.node("Mul", [n.node("Mul", [x, x], "square"), x], "cube")
    i = n.node("Add", [x, n.node("Mul", [c, n.constant("k", 0.044715)], "scale")], "add")
    t = n.node("Tanh", [n.node("Mul", [i, n.constant("r", 0.79788)], "scale2")], "tanh")
    return n.node("Mul", [x, n.node("Add", [t, n.constant("one", 1.0)], "plus")], "mul")


@pytest.mark.parametrize("cube", ["Pow", "Mul"])
def test_a_gelu_that_is_written_out_saturates_and_is_none(cube: str) -> None:
    assert of(lambda n, x: gelu(n, x, cube)) == ()


def test_a_sigmoid_that_is_written_out_is_none() -> None:
    def build(n: Net, x: str) -> str:
        e = n.node("Exp", [n.node("Neg", [x], "neg")], "exp")
        return n.node("Reciprocal", [n.node("Add", [e, n.constant("one", 1.0)], "add")], "inv")

    assert of(build) == ()


@pytest.mark.parametrize(
    ("before", "told"),
    [(None, True), ("Softplus", True), ("Sigmoid", False), ("Tanh", False), ("LogSoftmax", False)],
)
def test_an_exponential_of_what_is_bounded_is_none(before: str | None, told: bool) -> None:
    def build(n: Net, x: str) -> str:
        return n.node("Exp", [n.node(before, [x], "before") if before else x], "exp")

    assert (kinds(of(build)) == [HazardKind.EXPONENTIAL]) is told


def test_an_exponential_of_a_negated_square_is_none() -> None:
    def build(n: Net, x: str) -> str:
        square = n.node("Pow", [n.node("Tanh", [x], "tanh"), n.constant("two", 2.0)], "pow")
        return n.node("Exp", [n.node("Neg", [square], "neg")], "exp")

    assert of(build) == ()


@pytest.mark.parametrize(
    ("exponent", "before", "told"),
    [
        (3.0, None, True),
        (2.0, None, True),
        (2.0, "Sigmoid", False),
        (0.5, None, False),
        (1.0, None, False),
    ],
)
def test_powers(exponent: float, before: str | None, told: bool) -> None:
    def build(n: Net, x: str) -> str:
        x = n.node(before, [x], "before") if before else x
        return n.node("Pow", [x, n.constant("e", exponent)], "pow")

    assert (kinds(of(build)) == [HazardKind.POWER]) is told


def test_a_power_by_measured_values() -> None:
    def build(n: Net, x: str) -> str:
        return n.node("Pow", [x, n.constant("e", 3.0)], "pow")

    assert of(build, {"x": of_range(-9, 9)}) == ()
    (hazard,) = of(build, {"x": of_range(-99, 9)})
    assert hazard.confidence is Confidence.CERTAIN and "40.31" in hazard.what


# Sums --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "shape", "told"),
    [
        ("ReduceSum", (8, 32), False),
        ("ReduceSum", (8, 4096), True),
        ("ReduceSum", (8, None), True),
        ("ReduceL1", (8, 4096), True),
        ("ReduceSumSquare", (8, 32), True),
        ("ReduceMean", (8, 65536), False),
        ("ReduceMax", (8, 65536), False),
    ],
)
def test_sums_over_many(op: str, shape: Any, told: bool) -> None:
    def build(n: Net, x: str) -> str:
        if op == "ReduceSum":
            return n.node(op, [x, n.constant("axes", [-1], np.int64)], "sum")
        return n.node(op, [x], "sum", axes=[-1])

    found = of(build, shape=shape)
    assert (kinds(found) == [HazardKind.REDUCTION]) is told
    if told:
        assert ("unknown" in found[0].what) is (None in shape)


def test_a_running_sum_and_a_sum_of_probabilities() -> None:
    def running(n: Net, x: str) -> str:
        return n.node("CumSum", [x, n.constant("axis", 1, np.int64)], "cumsum")

    assert kinds(of(running, shape=(8, 4096))) == [HazardKind.REDUCTION]

    def probabilities(n: Net, x: str) -> str:
        p = n.node("Softmax", [x], "softmax", axis=-1)
        return n.node("ReduceSum", [p, n.constant("axes", [-1], np.int64)], "sum")

    assert of(probabilities, shape=(8, 1024)) == ()


def test_a_matrix_product_over_very_many() -> None:
    def build(n: Net, x: str) -> str:
        return n.node("MatMul", [x, n.constant("w", np.zeros((20_000, 2)))], "mm")

    (hazard,) = of(build, shape=(1, 20_000))
    assert hazard.kind is HazardKind.PRODUCT and hazard.confidence is Confidence.POSSIBLE
    assert of(build, {"mm_out": of_range(-5, 5)}, shape=(1, 20_000)) == ()


# Constants ---------------------------------------------------------------------------------------


def masked(n: Net, x: str, op: str, value: float) -> str:
    never = n.constant("never", value)
    if op == "Where":
        keep = n.node("Greater", [x, n.constant("zero", 0.0)], "keep")
        x = n.node("Where", [keep, x, never], "mask")
    elif op == "Mul":
        x = n.node("Add", [x, n.node("Mul", [n.node("Sign", [x], "sign"), never], "mask")], "add")
    else:
        x = n.node("Add", [x, never], "mask")
    return n.node("Softmax", [x], "softmax", axis=-1)


@pytest.mark.parametrize("value", [-1e9, float("-inf"), float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("op", ["Where", "Add", "Mul"])
def test_a_mask_before_softmax_is_a_constant_to_change(op: str, value: float) -> None:
    (hazard,) = of(lambda n, x: masked(n, x, op, value))
    assert hazard.kind is HazardKind.MASK and hazard.cure is Cure.CHANGE_CONSTANT
    assert (hazard.effect is Effect.HARMLESS) is (op != "Mul")


@pytest.mark.parametrize("value", [-1e4, -65504.0, -1.0])
def test_a_mask_that_fits_is_none(value: float) -> None:
    assert of(lambda n, x: masked(n, x, "Add", value)) == ()


def test_a_large_constant_elsewhere_keeps_its_reader_and_a_bound_does_not() -> None:
    (hazard,) = of(lambda n, x: n.node("Mul", [x, n.constant("big", 1e6)], "mul"))
    assert hazard.kind is HazardKind.CONSTANT and hazard.cure is Cure.KEEP

    def bound(n: Net, x: str) -> str:
        return n.node("Clip", [x, n.constant("low", -1e9), n.constant("high", 1e9)], "clip")

    assert {h.effect for h in of(bound)} == {Effect.HARMLESS}


@pytest.mark.parametrize(
    ("end", "told"), [("Div", True), ("Log", True), ("Reciprocal", True), ("Relu", False)]
)
def test_an_epsilon_matters_where_it_guards_something(end: str, told: bool) -> None:
    def build(n: Net, x: str) -> str:
        guarded = n.node("Add", [n.node("Abs", [x], "abs"), n.constant("eps", 1e-10)], "add")
        return n.node(end, [x, guarded] if end == "Div" else [guarded], "end")

    assert (kinds(of(build)) == [HazardKind.EPSILON]) is told


# Whole numbers, positions, boxes -----------------------------------------------------------------


def from_integers(n: Net, x: str, end: str) -> str:
    f = n.node("Cast", [x], "float", to=FLOAT)
    f = n.node("Mul", [f, n.constant("step", 0.5)], "mul")
    if end == "Cast":
        return n.node("Cast", [n.node("Cast", [f], "back", to=INT64)], "again", to=FLOAT)
    return n.node(end, [f], "end")


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("Floor", HazardKind.INTEGERS),
        ("Cast", HazardKind.INTEGERS),
        ("Sin", HazardKind.POSITIONS),
        ("Cos", HazardKind.POSITIONS),
        ("Relu", None),
    ],
)
def test_integers_as_floats(end: str, kind: HazardKind | None) -> None:
    found = of(lambda n, x: from_integers(n, x, end), kind=INT64)
    assert kinds(found) == ([kind] if kind else [])
    if kind is HazardKind.POSITIONS:
        assert (
            of(lambda n, x: from_integers(n, x, end), {"mul_out": of_range(0, 3)}, kind=INT64) == ()
        )


def test_eight_bits_fit_and_measured_small_numbers_do() -> None:
    def build(n: Net, x: str) -> str:
        return from_integers(n, x, "Floor")

    assert of(build, kind=TensorProto.UINT8) == ()
    assert of(build, {"float_out": of_range(0, 1000)}, kind=INT64) == ()


def test_measured_values_are_told_whatever_makes_them() -> None:
    def build(n: Net, x: str) -> str:
        return n.node("Add", [x, x], "add")

    (hazard,) = of(build, {"add_out": of_range(0, 7e4)})
    assert hazard.kind is HazardKind.VALUES and hazard.confidence is Confidence.CERTAIN
    (hazard,) = of(build, {"add_out": of_range(0, 1e-6)})
    assert hazard.effect is Effect.FLUSH
    assert of(build, {"add_out": of_range(0, 7)}) == ()


# Whole models ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet", "mobilenet", "vit", "whisper_encoder"])
def test_plain_networks_have_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(ZOO[name]().SerializeToString())
    assert find_hazards(read_onnx(path, shapes={}), scan_weights(path)) == ()


def test_four_of_four_and_no_false_one(shared: Path) -> None:
    path = shared / "corpus" / "hazards" / "haz.onnx"
    found = find_hazards(read_onnx(path, shapes={}), scan_weights(path))
    assert sorted(kind.value for kind in kinds(found)) == [
        "epsilon",
        "mask",
        "normalization",
        "weights",
    ]


OPS = ["Add", "Mul", "Sub", "Div", "Pow", "Exp", "Sqrt", "Reciprocal", "ReduceMean", "ReduceSum"]
OPS += ["Cast", "Sin", "Where", "Clip", "Max", "Softmax", "Range", "NonMaxSuppression", "MatMul"]


@given(
    nodes=st.lists(
        st.tuples(
            st.sampled_from(OPS),
            st.lists(st.integers(0, 12), max_size=3),
            st.integers(0, 2),
        ),
        max_size=14,
    ),
    values=st.lists(st.floats(width=32), min_size=1, max_size=4),
)
@example(nodes=[("ReduceSum", [0, 12], 1)], values=[0.0, math.nan])
@example(nodes=[("ReduceSum", [0, 12], 1)], values=[0.0, math.inf])
@settings(max_examples=200, deadline=None)
def test_no_graph_makes_it_stumble(nodes: Any, values: Any) -> None:
    """Operands that are missing, of other ranks, or make circles."""
    names = ["x", *(f"v{i}" for i in range(12))]
    made = [
        helper.make_node(op, [names[i] for i in inputs], [f"v{at}"] * (outputs > 0), name=f"n{at}")
        for at, (op, inputs, outputs) in enumerate(nodes)
    ]
    stored = [
        numpy_helper.from_array(np.array(value, np.float32), f"v{10 + i}")
        for i, value in enumerate(values[:2])
    ]
    graph = helper.make_graph(
        made, "g", [helper.make_tensor_value_info("x", FLOAT, [2, 3])], [], stored
    )
    model = helper.make_model(graph, ir_version=8)
    facts = read_onnx(model.SerializeToString(), name="m.onnx", shapes={})
    for hazard in find_hazards(facts):
        assert hazard.what.endswith(".") and hazard.advice.endswith(".") and hazard.nodes
