"""Casts in attention: whether they cost the fused kernel is seen in real builds of TensorRT-RTX."""

from __future__ import annotations

import pytest

import trtdoctor
from trtdoctor.model.cause import Cause

pytest.importorskip("onnx")

import graphmodels

F32, F16 = 1, 10


def attention(casts: str):
    """Four heads; ``casts`` is what is FP32: nothing, the Softmax alone, or all from Q, K and V on."""
    import numpy as np
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array((rng.standard_normal((64, 64)) / 8).astype(np.float16), f"w{n}")
        for n in "qkvo"
    ]
    nodes = [helper.make_node("MatMul", ["x", f"w{n}"], [n], f"/{n}") for n in "qkv"]
    q, k, v, p = "q", "k", "v", "p"
    if casts == "all":
        nodes += [helper.make_node("Cast", [n], [f"{n}f"], f"/up_{n}", to=F32) for n in "qkv"]
        q, k, v = "qf", "kf", "vf"
    nodes.append(helper.make_node("Transpose", [k], ["kt"], "/kt", perm=[0, 1, 3, 2]))
    nodes.append(helper.make_node("MatMul", [q, "kt"], ["s"], "/qk"))
    soft = "s"
    if casts == "softmax":
        nodes.append(helper.make_node("Cast", ["s"], ["sf"], "/up", to=F32))
        soft = "sf"
    nodes.append(helper.make_node("Softmax", [soft], ["p"], "/softmax", axis=-1))
    if casts == "softmax":
        nodes.append(helper.make_node("Cast", ["p"], ["ph"], "/down", to=F16))
        p = "ph"
    nodes.append(helper.make_node("MatMul", [p, v], ["a"], "/pv"))
    out = "a"
    if casts == "all":
        nodes.append(helper.make_node("Cast", ["a"], ["ah"], "/down", to=F16))
        out = "ah"
    nodes.append(helper.make_node("MatMul", [out, "wo"], ["y"], "/o"))
    shape = [1, 4, 128, 64]
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info("x", F16, shape)],
        [helper.make_tensor_value_info("y", F16, shape)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def explained(tmp_path):
    def built(casts):
        proto = attention(casts)
        try:
            plan, _ = graphmodels.build(proto)
        except (ImportError, graphmodels.Unsupported) as error:
            pytest.skip(str(error))
        (tmp_path / "a.engine").write_bytes(plan)
        (tmp_path / "a.onnx").write_bytes(proto.SerializeToString())
        return trtdoctor.explain(
            tmp_path / "a.engine", onnx=tmp_path / "a.onnx", live=False
        ).engines[0]

    return built


def test_casts_of_q_k_and_v_cost_the_fused_kernel_and_those_round_the_softmax_do_not(explained):
    """What the remedy says is what the compiler does."""
    together = [
        layer
        for layer in explained("softmax").layers
        if {"/qk", "/softmax", "/pv"} <= set(layer.onnx_nodes)
    ]
    assert len(together) == 1
    apart = explained("all")
    assert not [x for x in apart.layers if {"/qk", "/softmax", "/pv"} <= set(x.onnx_nodes)]
    islands = [told for told in apart.explanations if told.cause is Cause.CAST_ISLAND]
    assert islands
    for told in islands:
        assert "cast round the Softmax alone" in told.remedy.text


def test_an_attention_without_casts_is_told_nothing(explained):
    engine = explained("none")
    assert not [told for told in engine.explanations if told.cause is Cause.CAST_ISLAND]
