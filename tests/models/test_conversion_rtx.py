"""Converted models built by TensorRT-RTX on the CPU: its layers have the types that were asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parent))

import conversionmodels
import graphmodels

from trtdoctor.model.engine import Precision, Role
from trtdoctor.models.conversion import convert
from trtdoctor.precision.layers import classify_layers
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.plan import identify, static_layers

MODELS = conversionmodels.MODELS
WIDE = (Precision.FP32, Precision.TF32, Precision.MIXED)


def layers_of(proto):
    plan, _ = graphmodels.build(proto)
    engine = identify(plan).engine
    return classify_layers(static_layers(plan).layers, io=(engine.io if engine else None) or ())


def built(proto):
    try:
        return layers_of(proto)
    except graphmodels.Unsupported as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", MODELS)
def test_what_builds_in_fp32_builds_converted_and_no_layer_stays_wide(name):
    proto = MODELS[name]()
    built(proto)
    converted = convert(proto)
    # DOUBLE is FP32 for TensorRT, and a normalisation's kernel computes in FP32 inside.
    expected = {left.node for left in converted.left} | {"/mul", "/ln"}
    wide = [
        layer
        for layer in layers_of(converted.model)
        if layer.role is Role.COMPUTE and layer.precision in WIDE
    ]
    assert all(expected & set(layer.onnx_nodes) for layer in wide), wide


KEPT = {"cnn": "/fc", "attention": "/softmax", "shared_weights": "/two"}


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_node_is_the_one_layer_in_fp32(name):
    proto = MODELS[name]()
    converted = convert(proto, keep={KEPT[name]})
    assert KEPT[name] in {node.label for node in _nodes(converted.model)}
    layers = [layer for layer in built(converted.model) if layer.role is Role.COMPUTE]
    wide = [layer for layer in layers if layer.precision in WIDE]
    assert any(KEPT[name] in layer.onnx_nodes for layer in wide)
    assert any(layer.precision is Precision.FP16 for layer in layers)


def _nodes(proto):
    return read_onnx(proto.SerializeToString(), name="m.onnx").nodes
