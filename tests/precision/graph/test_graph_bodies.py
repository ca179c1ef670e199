"""Nodes in the bodies of Loop and Scan, which TensorRT calls by their own names alone."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx")

import graphmodels
import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper

import trtdoctor
from trtdoctor.model.cause import Cause

SHAPE = [8, 64]


def value(name, kind=T.FLOAT, shape=SHAPE):
    return helper.make_tensor_value_info(name, kind, shape)


def model(kind):
    weight = numpy_helper.from_array(
        (np.random.default_rng(0).standard_normal((64, 64)) / 8).astype(np.float32), "w"
    )
    stored = [weight]
    if kind == "Loop":
        body = helper.make_graph(
            [
                helper.make_node("MatMul", ["s", "w"], ["m"], "inner"),
                helper.make_node("Relu", ["m"], ["so"], "relu"),
                helper.make_node("Identity", ["c"], ["co"], "same"),
            ],
            "body",
            [value("i", T.INT64, []), value("c", T.BOOL, []), value("s")],
            [value("co", T.BOOL, []), value("so")],
        )
        nodes = [helper.make_node("Loop", ["n", "go", "x"], ["y"], "loop", body=body)]
        stored += [
            numpy_helper.from_array(np.array(4, np.int64), "n"),
            numpy_helper.from_array(np.array(True), "go"),
        ]
        graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], stored)
    else:
        body = helper.make_graph(
            [
                helper.make_node("MatMul", ["e", "w"], ["m"], "inner"),
                helper.make_node("Add", ["m", "s"], ["so"], "add"),
                helper.make_node("Identity", ["so"], ["o"], "same"),
            ],
            "body",
            [value("s"), value("e")],
            [value("so"), value("o")],
        )
        nodes = [
            helper.make_node("Scan", ["s0", "x"], ["sf", "y"], "scan", body=body, num_scan_inputs=1)
        ]
        inputs = [value("s0"), value("x", shape=[4, *SHAPE])]
        outputs = [value("sf"), value("y", shape=[4, *SHAPE])]
        graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("kind", ["Loop", "Scan"])
def test_a_layer_of_a_body_is_explained_by_the_model(kind, tmp_path):
    proto = model(kind)
    try:
        plan, _ = graphmodels.build(proto)
    except (ImportError, graphmodels.Unsupported) as error:
        pytest.skip(str(error))
    (tmp_path / "m.engine").write_bytes(plan)
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    (engine,) = trtdoctor.explain(
        tmp_path / "m.engine", onnx=tmp_path / "m.onnx", live=False
    ).engines
    inside = {layer.name for layer in engine.layers if "inner" in layer.onnx_nodes}
    told = {one.layer: one.cause for one in engine.explanations}
    assert inside and {told[name] for name in inside} == {Cause.GRAPH_SAYS_FP32}
