"""The map's types against the layers that TensorRT-RTX builds on the CPU: truth for typed networks."""

from __future__ import annotations

import functools
from typing import Any

import graphmodels
import pytest

pytest.importorskip("onnx")
pytest.importorskip("tensorrt_rtx")

from test_conversion import NAMES, models

from trtdoctor.model.engine import Precision, Role
from trtdoctor.models.conversion import convert
from trtdoctor.precision.layers import classify_layers
from trtdoctor.precision.model_map import map_by_types, parts_of
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.plan import identify, static_layers

pytestmark = pytest.mark.slow

P = Precision
CONVERTED = [f"{name}+fp16" for name in NAMES if name.startswith(("zoo-", "planted-"))]
# The compiler folds this island, one product between Casts, into an FP16 product.
FOLDED = {"island_matmul": "/mm2"}


@functools.cache
def model(name: str) -> Any:
    plain = models()[name.removesuffix("+fp16")]
    return convert(plain).model if name.endswith("+fp16") else plain


def compared(name: str) -> list[tuple[Any, set[Precision]]]:
    """Each computing layer whose nodes are told, and the types that the map gives those nodes."""
    proto = model(name)
    try:
        plan, _ = graphmodels.build(proto)
    except graphmodels.Unsupported as error:
        pytest.skip(f"TensorRT-RTX does not build it without a GPU: {error}")
    facts = read_onnx(proto.SerializeToString(), name=name, shapes={})
    predicted: dict[str, set[Precision]] = {}
    for _, (node, _, precision) in parts_of(facts).compute:
        predicted.setdefault(node.label, set()).add(precision)
    engine = identify(plan).engine
    layers = classify_layers(static_layers(plan).layers, io=(engine.io if engine else None) or ())
    pairs = []
    for layer in layers:
        if layer.role is not Role.COMPUTE:
            continue
        types = set().union(*(predicted.get(label, set()) for label in layer.onnx_nodes))
        if types:
            pairs.append((layer, types))
    return pairs


def test_there_are_enough_models() -> None:
    assert len({*NAMES, *CONVERTED}) >= 80


@pytest.mark.parametrize("name", [*NAMES, *CONVERTED])
def test_the_types_it_predicts_are_those_of_the_layers(name: str) -> None:
    for layer, types in compared(name):
        if set(layer.onnx_nodes) & {FOLDED.get(name)}:
            assert layer.precision is P.FP16
            continue
        got = P.FP32 if layer.precision is P.TF32 else layer.precision
        if got in types:
            continue
        # A kernel that casts inside is of two types; at its edges it has the model's.
        edges = {t.dtype for t in (*layer.inputs, *layer.outputs) if t.dtype}
        inside = got in (P.MIXED, P.UNKNOWN) or types == {P.FP16}
        told = "Cast" in layer.name and bool(edges & {"FP16", "FP32", "BF16"})
        assert inside and told, (layer.name, got, types, edges)


def test_shares_are_those_of_all_nodes() -> None:
    facts = read_onnx(model("zoo-resnet+fp16").SerializeToString(), name="m", shapes={})
    found = map_by_types(parts_of(facts), "TensorRT 11")
    assert found.fp16_share == 1.0 and found.counted.flops
