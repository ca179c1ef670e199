"""Converted models built by TensorRT-RTX on the CPU: what builds in FP32 builds in FP16, and is FP16."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parent))

import conversionmodels
import graphmodels

from trtdoctor.model.engine import Layer, Precision, Role
from trtdoctor.models.conversion import convert, load_model
from trtdoctor.precision.layers import classify_layers
from trtdoctor.readers.plan import identify, static_layers

MODELS = conversionmodels.MODELS
WIDE = (Precision.FP32, Precision.TF32, Precision.MIXED)
# Bodies of control flow stay in FP32; DOUBLE is FP32 for TensorRT; a normalisation's kernel computes
# in FP32 inside; scales of opset 13 are FLOAT.
PARTLY_WIDE = {"branches", "loop", "scan", "doubles", "normalisations", "quantised_opset13"}


def layers_of(proto: Any) -> tuple[Layer, ...]:
    plan, _ = graphmodels.build(proto)
    engine = identify(plan).engine
    layers = classify_layers(static_layers(plan).layers, io=(engine.io if engine else None) or ())
    return tuple(layer for layer in layers if layer.role is Role.COMPUTE)


def buildable(name: str) -> Any:
    try:
        graphmodels.build(MODELS[name]())
    except graphmodels.Unsupported as error:
        pytest.skip(f"TensorRT-RTX does not build it in FP32 either: {error}")


@pytest.mark.parametrize("name", MODELS)
def test_what_builds_in_fp32_builds_converted_and_is_fp16(name: str, tmp_path: Path) -> None:
    buildable(name)
    path = tmp_path / "m.onnx"
    path.write_bytes(MODELS[name]().SerializeToString())
    layers = layers_of(convert(load_model(path)).model)
    wide = [layer.name for layer in layers if layer.precision in WIDE]
    assert name in PARTLY_WIDE or not wide


@pytest.mark.parametrize(("name", "kept"), [("cnn", "/fc"), ("shared_weights", "/two")])
def test_a_kept_node_is_the_one_layer_in_fp32(name: str, kept: str) -> None:
    layers = layers_of(convert(MODELS[name](), keep={kept}).model)
    wide = [layer for layer in layers if layer.precision in WIDE]
    assert len(wide) == 1 and kept in wide[0].onnx_nodes
    assert any(layer.precision is Precision.FP16 for layer in layers)
