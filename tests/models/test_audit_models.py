"""Models that are odd or broken: what an audit says of each, and what it does not claim."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("onnx")

import numpy as np
import onnx

import trtdoctor
from trtdoctor.model.model_report import ModelReport
from trtdoctor.render.terminal import TerminalOptions, render_terminal

T, h, nh = onnx.TensorProto, onnx.helper, onnx.numpy_helper
n = h.make_node


def weights(*shape: int, dtype: Any = np.float32) -> Any:
    return nh.from_array(np.full(shape, 0.5, dtype), "w")


def saved(folder: Any, nodes: Any, kinds: Any, constants: Any = (), *, opset: int = 19) -> str:
    """A model of one input x and one output y of those types, as a file."""
    given, made = kinds
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info("x", given, [8, 8])],
        [h.make_tensor_value_info("y", made, None)],
        list(constants),
    )
    imports = [h.make_opsetid("", opset), h.make_opsetid("com.acme", 1)]
    model = h.make_model(graph, opset_imports=imports, ir_version=9)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


def audited(path: str, **settings: Any) -> tuple[ModelReport, set[str], set[str]]:
    """The model's report, the checks that found something and those that could not decide."""
    report = trtdoctor.audit(path, **settings)
    found = {o.check.id for o in report.outcomes if o.status.value == "failed"}
    unknown = {o.check.id for o in report.outcomes if o.status.value == "unknown"}
    return report.models[0], found, unknown


PRODUCT = [n("MatMul", ["x", "w"], ["y"], name="/mm")]


@pytest.mark.parametrize("place", ["gone.bin", "../../outside.bin"])
def test_numbers_that_were_not_read_are_not_called_sound(tmp_path, place) -> None:
    tensor = T(name="w", data_type=T.FLOAT, dims=[8, 8], data_location=T.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", place
    model, _, unknown = audited(saved(tmp_path, PRODUCT, (T.FLOAT, T.FLOAT), [tensor]))
    assert "ONX001" in unknown and model.answer
    assert "seen in its operators; not known are all of its stored numbers" in model.answer


def test_numbers_that_were_read_are_told_as_read(tmp_path) -> None:
    path = saved(tmp_path, PRODUCT, (T.FLOAT, T.FLOAT), [weights(8, 8)])
    model, found, _ = audited(path)
    assert model.answer and "seen in its operators and its stored numbers;" in model.answer
    assert "not known are its values (--inputs)" in model.answer and "ONX010" in found
    model, _, _ = audited(path, weights=False)
    assert model.answer and "not known are all of its stored numbers" in model.answer


def test_a_model_that_is_half_already_has_nothing_to_convert(tmp_path) -> None:
    path = saved(tmp_path, PRODUCT, (T.FLOAT16, T.FLOAT16), [weights(8, 8, dtype=np.float16)])
    model, found, _ = audited(path)
    assert model.maps[0].fp16_share == 1.0 and not found
    assert model.answer and model.answer.startswith("The model's only compute node is FP16")


@pytest.mark.parametrize("kind", [T.INT4, T.INT8, T.FLOAT8E4M3FN])
def test_weights_alone_that_are_quantised_leave_the_product_in_fp16(tmp_path, kind) -> None:
    nodes = [n("DequantizeLinear", ["q", "s"], ["w"], name="/dq"), *PRODUCT]
    stored = [h.make_tensor("q", kind, [8, 8], [1] * 64), h.make_tensor("s", T.FLOAT16, [], [0.1])]
    model, found, _ = audited(saved(tmp_path, nodes, (T.FLOAT16, T.FLOAT16), stored, opset=21))
    assert set(model.maps[0].shares) == {"FP16"} and not found


def test_the_reason_stands_beside_what_it_is_of(tmp_path) -> None:
    scale = h.make_tensor("s", T.FLOAT, [], [0.1])
    nodes = [
        n("QuantizeLinear", ["x", "s", "z"], ["q"], name="/q"),
        n("DequantizeLinear", ["q", "s", "z"], ["d"], name="/dq"),
        n("DequantizeLinear", ["k", "s", "z"], ["w"], name="/dqw"),
        n("MatMul", ["d", "w"], ["m"], name="/mm"),
        n("Softmax", ["m"], ["y"], name="/sm"),
    ]
    stored = [scale, nh.from_array(np.int8(0).reshape(()), "z")]
    stored.append(nh.from_array(np.ones((8, 8), np.int8), "k"))
    model, _, _ = audited(saved(tmp_path, nodes, (T.FLOAT, T.FLOAT), stored))
    assert model.answer and "1 INT8; 1 FP32, because the model's own tensors" in model.answer


def test_doubles_are_told_and_count_as_fp32(tmp_path) -> None:
    path = saved(tmp_path, PRODUCT, (T.DOUBLE, T.DOUBLE), [weights(8, 8, dtype=np.float64)])
    model, found, _ = audited(path)
    assert set(model.maps[0].shares) == {"FP32"} and "ONX008" in found


def test_an_unknown_domain_needs_a_plugin_and_has_a_type_of_its_own(tmp_path) -> None:
    nodes = [n("Fancy", ["x"], ["a"], name="/f", domain="com.acme"), n("Relu", ["a"], ["y"])]
    model, found, _ = audited(saved(tmp_path, nodes, (T.FLOAT, T.FLOAT)))
    assert "ONX013" in found and "unknown" in model.maps[1].shares


def test_integers_alone_are_no_concern_of_fp16(tmp_path) -> None:
    nodes = [n("Add", ["x", "x"], ["y"], name="/add")]
    model, found, _ = audited(saved(tmp_path, nodes, (T.INT64, T.INT64)))
    assert model.answer and "no floating-point arithmetic" in model.answer
    assert "ONX010" not in found


def test_two_types_of_operands_are_refused_where_types_decide(tmp_path) -> None:
    path = saved(tmp_path, PRODUCT, (T.FLOAT16, T.FLOAT16), [weights(8, 8)])
    model, found, _ = audited(path)
    assert "ONX009" in found and model.answer and "does not build" in model.answer
    assert "ONX009" not in audited(path, tensorrt="8.6")[1]


def test_nodes_that_read_what_later_ones_make_are_told(tmp_path) -> None:
    nodes = [n("Add", ["x", "b"], ["y"], name="/one"), n("Relu", ["y"], ["b"], name="/two")]
    model, _, _ = audited(saved(tmp_path, nodes, (T.FLOAT, T.FLOAT)))
    assert any("/one reads b, which is made by a later node" in note for note in model.notes)


def loop(given: list[str]) -> Any:
    """Iterations over a state, with or without a count and a condition."""
    body = h.make_graph(
        [n("Exp", ["state"], ["next"], name="/exp"), n("Identity", ["go"], ["on"])],
        "body",
        [
            h.make_tensor_value_info("count", T.INT64, []),
            h.make_tensor_value_info("go", T.BOOL, []),
            h.make_tensor_value_info("state", T.FLOAT, [8, 8]),
        ],
        [
            h.make_tensor_value_info("on", T.BOOL, []),
            h.make_tensor_value_info("next", T.FLOAT, [8, 8]),
        ],
    )
    return n("Loop", given, ["y"], name="/loop", body=body)


@pytest.mark.parametrize("given", [["trips", "", "x"], ["", "", "x"]])
def test_a_loop_is_followed_and_its_own_inputs_are_in_order(tmp_path, given) -> None:
    trips = h.make_tensor("trips", T.INT64, [], [3])
    model, _, _ = audited(saved(tmp_path, [loop(given)], (T.FLOAT, T.FLOAT), [trips]))
    assert not any("not valid" in note for note in model.notes)
    assert model.hazards and model.hazards[0].nodes[0].startswith("/exp | body")


def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(tmp_path) -> None:
    nodes = [n("Exp", ["x"], ["y"], name="/e\x1b]0;evil\x07\nsecond line")]
    report = trtdoctor.audit(saved(tmp_path, nodes, (T.FLOAT, T.FLOAT)))
    text = render_terminal(report, TerminalOptions(width=80))
    assert "\x1b" not in text and "\x07" not in text and "\nsecond line" not in text
