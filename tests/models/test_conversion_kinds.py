"""Models of many kinds, converted with every node in turn kept in FP32: right numbers, sound types."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parent))

import conversionmodels
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from trtdoctor.models.conversion import convert, load_model
from trtdoctor.readers.onnxmodel import FormatError, TensorType, read_onnx

MODELS = conversionmodels.MODELS
# onnx's own evaluator has no operator of an unknown domain, nor DequantizeLinear of opset 13.
RUNNABLE = [name for name in MODELS if name not in ("unknown_domain", "quantised_opset13")]
CLOSE = 1e-2
n, c = conversionmodels.n, conversionmodels.c


def loaded(name: str, tmp_path: Path) -> tuple[Any, list[str]]:
    """A model as `load_model` hands it on, and the labels of its nodes."""
    path = tmp_path / "m.onnx"
    path.write_bytes(MODELS[name]().SerializeToString())
    return load_model(path), [node.label for node in read_onnx(path).nodes]


def run(proto: Any) -> list[Any]:
    random = np.random.default_rng(0)
    stored = {tensor.name for tensor in proto.graph.initializer}
    fed = {}
    for value in proto.graph.input:
        if value.name not in stored:
            kind = value.type.tensor_type
            shape = [d.dim_value for d in kind.shape.dim]
            whole = kind.elem_type == TensorProto.INT64
            values = random.integers(0, 9, shape) if whole else random.standard_normal(shape)
            fed[value.name] = values.astype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    return list(ReferenceEvaluator(proto).run(None, fed))


def difference(made: Any, proto: Any) -> float:
    """The largest error of any output, by its largest value."""
    worst = 0.0
    for mine, theirs in zip(run(made), run(proto), strict=True):
        mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
        assert mine.shape == theirs.shape
        worst = max(worst, float(np.abs(mine - theirs).max() / (np.abs(theirs).max() + 1e-9)))
    return worst


@pytest.mark.parametrize("keep_io", [False, True])
@pytest.mark.parametrize("name", RUNNABLE)
def test_each_node_alone_can_stay_in_fp32(name: str, keep_io: bool, tmp_path: Path) -> None:
    proto, labels = loaded(name, tmp_path)
    for keep in ((), tuple(labels), *((label,) for label in labels)):
        made = convert(proto, keep=keep, keep_io=keep_io).model
        onnx.checker.check_model(made, full_check=True)
        assert difference(made, MODELS[name]()) < CLOSE, keep


@pytest.mark.parametrize("keep_io", [False, True])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "unknown_domain"])
def test_bf16_stands_only_where_onnx_allows_it(name: str, keep_io: bool, tmp_path: Path) -> None:
    proto, labels = loaded(name, tmp_path)
    for keep in ((), *((label,) for label in labels)):
        made = convert(proto, keep=keep, keep_io=keep_io, to=TensorType.BFLOAT16).model
        onnx.checker.check_model(made, full_check=True)


def test_a_row_that_is_masked_as_a_whole_stays_a_number() -> None:
    """In FP32 a score is lost beside the mask's number; in FP16 it would pass -65504."""
    mask = np.zeros((4, 4), np.float32)
    mask[2:] = np.finfo(np.float32).min
    proto = conversionmodels.model(
        [
            n("MatMul", ["x", "w"], ["s"], name="/scores"),
            n("Add", ["s", "mask"], ["m"], name="/mask"),
            n("Softmax", ["m"], ["y"], name="/softmax", axis=-1),
        ],
        [("x", TensorProto.FLOAT, [4, 16])],
        [("y", TensorProto.FLOAT, [4, 4])],
        [numpy_helper.from_array(np.full((16, 4), -3, np.float32), "w"), c("mask", mask)],
    )
    made = convert(proto)
    assert made.conversion.forced == ()
    x = np.ones((4, 16), np.float16)
    (before,) = ReferenceEvaluator(proto).run(None, {"x": x.astype(np.float32)})
    (after,) = ReferenceEvaluator(made.model).run(None, {"x": x})
    assert np.allclose(before, 0.25)
    assert np.allclose(after, 0.25)


def test_a_model_that_breaks_the_rules_is_refused_in_a_sentence(tmp_path: Path) -> None:
    proto = MODELS["filled"]()
    proto.graph.node.add(op_type="Cast", name="broken")
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(FormatError, match=r"m\.onnx: This is not a valid ONNX model"):
        convert(path)


def test_a_tensor_that_holds_too_little_is_named(tmp_path: Path) -> None:
    proto = MODELS["cnn"]()
    proto.graph.initializer[0].dims[0] = 9
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(
        FormatError, match=r"m\.onnx: Its tensor 'k' does not hold as many elements"
    ):
        convert(path)
