"""Labelled builds of strongly typed models: no wrong cause, none where nothing is owed."""

from __future__ import annotations

import json

import pytest

import trtdoctor
from trtdoctor.model.cause import Cause

pytest.importorskip("onnx")

BUILDS = (
    "attn_sm32",
    "convbn_fp16",
    "deconv_in_fp16",
    "embed_fp16_out32",
    "fp16_then_bf16",
    "gelu_op20",
    "if_branches",
    "ln_decomp_island",
    "long_island",
    "lstm_fp16",
    "mean_island",
    "qdq_fp8_fp16",
    "qdq_mm_fp32",
    "resize_topk_fp16",
    "rms_op23",
    "shared_w_fp32use",
    "w32_cast16",
)


@pytest.mark.parametrize("build", BUILDS)
def test_each_explained_layer_has_a_cause_that_its_nodes_accept(build, shared):
    folder = shared / "corpus" / "strong" / build
    labels = json.loads((folder / "labels.json").read_text())
    seen = trtdoctor.explain(folder / "engine.plan", onnx=folder / "model.onnx", live=False)
    engine = seen.engines[0]
    nodes = {layer.name: layer.onnx_nodes for layer in engine.layers}
    explained = {told.layer: told for told in engine.explanations}
    assert all(told.cause is not Cause.UNKNOWN for told in explained.values())
    for name in explained:
        here = [labels[node] for node in nodes[name] if node in labels]
        accepted = {cause for causes in here for cause in causes or ()}
        # Of a layer none of whose nodes is labelled nothing is known to compare with.
        assert not here or explained[name].cause.value in accepted, (name, explained[name])
