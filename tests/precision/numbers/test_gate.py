"""What may compute in FP16 by its pattern: nothing that is not bounded by what was FP16 before."""

from __future__ import annotations

import msgspec
import pytest

from trtdoctor.model.value_range import ValueRange
from trtdoctor.model.weight_numbers import StoredTensor, WeightNumbers
from trtdoctor.precision.numbers import Cleared, Gate, Kept, fragile
from trtdoctor.readers.onnxmodel import OnnxFacts, OnnxInitializer, OnnxNode, OnnxValue, TensorType

F32, F16 = TensorType.FLOAT, TensorType.FLOAT16


def chain(*ops: str, constant: bool = False) -> OnnxFacts:
    """An island: a Cast up, these operators in a row, a Cast down."""
    nodes = [OnnxNode(label="up", name="up", op="Cast", inputs=("x",), outputs=("t0",))]
    for i, op in enumerate(ops):
        inputs = (f"t{i}", "k") if constant else (f"t{i}",)
        nodes.append(OnnxNode(label=f"n{i}", name="", op=op, inputs=inputs, outputs=(f"t{i + 1}",)))
    end = f"t{len(ops)}"
    nodes.append(OnnxNode(label="down", name="down", op="Cast", inputs=(end,), outputs=("y",)))
    types = {f"t{i}": F32 for i in range(len(ops) + 1)} | {"x": F16, "y": F16, "k": F32}
    return OnnxFacts(
        source="m.onnx",
        inputs=(OnnxValue(name="x", type=F16),),
        outputs=(OnnxValue(name="y", type=F16),),
        initializers=(OnnxInitializer(name="k", type=F32, elements=1),),
        nodes=tuple(nodes),
        types=types,
    )


def verdict(model: OnnxFacts) -> Cleared | Kept:
    return Gate(model).verdict([node.label for node in model.nodes])


@pytest.mark.parametrize("ops", [("Softmax",), ("Sigmoid", "Tanh"), ("MatMul",), ("Relu", "Mul")])
def test_what_stays_in_the_range_it_came_in_is_cleared(ops: tuple[str, ...]) -> None:
    assert isinstance(verdict(chain(*ops)), Cleared)


@pytest.mark.parametrize(
    "op",
    [
        "Pow",
        "Exp",
        "CumSum",
        "ReduceMean",
        "ReduceSum",
        "ReduceL2",
        "LayerNormalization",
        "InstanceNormalization",
        "LpNormalization",
        "RMSNormalization",
    ],
)
def test_powers_sums_and_normalisations_are_kept(op: str) -> None:
    for ops in ((op,), ("Softmax", op), (op, "Sqrt")):
        assert isinstance(verdict(chain(*ops)), Kept)


def test_an_operator_that_onnx_has_in_fp32_alone_is_kept() -> None:
    model = chain("Softmax")
    nodes = [msgspec.structs.replace(node, float_only=node.op == "Softmax") for node in model.nodes]
    kept = verdict(msgspec.structs.replace(model, nodes=tuple(nodes)))
    assert kept == Kept(reason="ONNX defines Softmax for FLOAT and not for FLOAT16")


@pytest.mark.parametrize("op", ["MatMul", "Mul", "Add", "Div", "Unheard"])
def test_a_growing_value_that_is_used_before_it_returns_to_fp16_is_kept(op: str) -> None:
    assert isinstance(verdict(chain(op, "Softmax")), Kept)


@pytest.mark.parametrize("op", ["Where", "Add", "MatMul", "Sqrt"])
def test_a_constant_of_unknown_range_is_kept(op: str) -> None:
    assert isinstance(verdict(chain(op, constant=True)), Kept)


def stored(op: str, value: float, *after: str) -> OnnxFacts:
    model = chain(op, constant=True)
    if after:
        model = chain(op, *after)
        first = msgspec.structs.replace(model.nodes[1], inputs=("t0", "k"))
        model = msgspec.structs.replace(model, nodes=(model.nodes[0], first, *model.nodes[2:]))
    return msgspec.structs.replace(model, values={"k": (value,)})


@pytest.mark.parametrize(
    ("op", "value"),
    [("Mul", 0.125), ("Add", -3.0), ("Div", 0.1), ("Max", 0.0), ("Mul", 65504.0), ("Less", 0.5)],
)
def test_a_constant_that_fp16_holds_is_cleared(op: str, value: float) -> None:
    assert isinstance(verdict(stored(op, value)), Cleared)


@pytest.mark.parametrize(
    ("op", "value"),
    [
        ("Mul", 1e-5),
        ("Add", 1e-12),
        ("Add", -1e9),
        ("Min", float("inf")),
        ("Add", float("nan")),
        ("Less", 0.1),
        ("Equal", 2049.0),
    ],
)
def test_a_constant_that_fp16_changes_is_kept(op: str, value: float) -> None:
    assert isinstance(verdict(stored(op, value)), Kept)


def test_a_dequantized_value_may_be_as_large_as_its_scale_makes_it() -> None:
    assert isinstance(verdict(stored("DequantizeLinear", 1000.0, "Relu")), Kept)


def test_a_mask_is_told_as_a_constant_to_change() -> None:
    kept = verdict(stored("Max", -1e9, "Add", "Softmax"))
    assert isinstance(kept, Kept)
    kept = verdict(stored("Add", -1e9, "Softmax"))
    assert isinstance(kept, Kept)
    assert "mask before Softmax" in kept.reason
    assert "Change the constant" in kept.reason
    assert not kept.norm


def weights_of(**counts: int) -> WeightNumbers:
    tensor = StoredTensor(
        name="k", type="FLOAT", shape=(64,), elements=64, read=True, largest=1.0, **counts
    )
    return WeightNumbers(tensors=(tensor,))


def test_stored_numbers_clear_where_fp16_holds_all_of_them() -> None:
    model = chain("MatMul", constant=True)
    labels = [node.label for node in model.nodes]
    assert isinstance(Gate(model, weights_of()).verdict(labels), Cleared)
    for lost in ("nan", "infinite", "overflow", "flushed", "subnormal"):
        assert isinstance(Gate(model, weights_of(**{lost: 1})).verdict(labels), Kept)


def test_measured_values_keep_what_the_pattern_clears() -> None:
    model = chain("MatMul")
    labels = [node.label for node in model.nodes]
    assert isinstance(Gate(model).verdict(labels), Cleared)
    ranges = {"t1": ValueRange(minimum=-1.0, maximum=1e6)}
    kept = Gate(model, None, ranges).verdict(labels)
    assert isinstance(kept, Kept)
    assert "more than 65504" in kept.reason


def test_what_is_not_seen_is_kept() -> None:
    assert isinstance(Gate(None).verdict(["n0"]), Kept)
    assert isinstance(Gate(chain("Softmax")).verdict(["elsewhere"]), Kept)


def test_a_part_of_an_island_is_kept_where_the_rest_feeds_it() -> None:
    assert isinstance(Gate(chain("MatMul", "Softmax")).verdict(["n1"]), Kept)


def test_a_written_out_norm_is_left_in_fp32_up_to_its_quotient() -> None:
    model = chain("Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul")
    assert [node.label for node in fragile(model)] == ["n0", "n1", "n2", "n3", "n4"]
    assert fragile(chain("Softmax", "MatMul", "LayerNormalization")) == ()


@pytest.mark.parametrize(
    ("op", "kept"), [("Pow", True), ("LayerNormalization", True), ("MatMul", False)]
)
def test_a_pin_is_kept_where_the_pattern_says_why(op: str, kept: bool) -> None:
    model = chain(op)
    found = Gate(model).guarded(["n0"])
    assert (found is not None) is kept
    assert Gate(model).guarded(["another"]) is None
    assert Gate(None).guarded(["n0"]) is None
