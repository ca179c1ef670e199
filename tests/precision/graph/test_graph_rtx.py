"""Models built by TensorRT-RTX on the CPU: each FP32 layer's cause, with the place that decides."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import IOTensor, Layer, Precision, Role
from trtdoctor.model.report import Confidence
from trtdoctor.model.typing import Typing
from trtdoctor.precision.graph import edge_casts, graph_reasons
from trtdoctor.precision.layers import classify_layers
from trtdoctor.precision.reasons import LayerReasons
from trtdoctor.readers.layers import read_layers
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.plan import identify, static_layers

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")

import graphmodels

SURE, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
SAYS, ISLAND, NORM = Cause.GRAPH_SAYS_FP32, Cause.CAST_ISLAND, Cause.NORMALIZATION_FP32
BF16, SCALE = Cause.GRAPH_SAYS_BF16, Cause.DQ_SCALE_FP32
INSIDE, ONLY = Cause.COMPUTED_IN_FP32_INSIDE, Cause.FP32_ONLY_OPERATOR

# By one node of each layer that has a reason: cause, confidence, deciding places.
# Where two layers of one node differ in confidence, that is left open.
Expected = dict[str, list[tuple[Cause, "Confidence | None", list[str]]]]
BLOCK, BLOCK2 = "/block (Block)", "/block2 (Block)"
THEN = "then (then_branch) | /if (If)"
INNER = "/call (Inner) | then (then_branch) | node_of_b (If)"
EXPECTED: dict[str, Expected] = {
    "mlp_fp32": {node: [(SAYS, SURE, ["x"])] for node in ("/fc1/Gemm", "/fc2/Gemm", "/sm")},
    "mlp_fp16": {},
    "mlp_bf16": {"/mm": [(BF16, SURE, ["x"])]},
    "io_cast_fp16": {},
    "cast_weights": {},
    # The compiler folds this island into a Half GEMM: nothing is left to explain.
    "island_matmul": {},
    "island_matmul_chain": {
        "/mm2": [(ISLAND, SURE, ["/up", "/down"])],
        "/mm2b": [(ISLAND, SURE, ["/up", "/down"])],
    },
    "island_softmax": {"/sm": [(ISLAND, LIKELY, ["/up", "/down"])]},
    "island_cumsum_opset13": {
        "/cumsum": [(ONLY, SURE, ["/cumsum"]), (ISLAND, SURE, ["/up", "/down"])]
    },
    "island_cumsum_opset19": {"/cumsum": [(ISLAND, SURE, ["/up", "/down"])]},
    "celu_fp32": {
        "/mm1": [(SAYS, SURE, ["x"])],
        "/mm2": [(SAYS, SURE, ["x"])],
        "/celu": [(SAYS, SURE, ["x"]), (ONLY, LIKELY, ["/celu"])],
    },
    "island_layernorm": {
        "/ln": [(NORM, LIKELY, []), (ISLAND, LIKELY, ["/up", "/down"])],
    },
    "rmsnorm_casts": {
        "/norm/Pow": [(NORM, POSSIBLE, []), (ISLAND, LIKELY, ["/up", "/down"])],
    },
    "attention_fp16": {"/norm": [(NORM, SURE, [])]},
    "attention_fp32": {
        node: [(SAYS, SURE, ["x"])]
        for node in ("/norm", "/v", "/k", "/scores", "/softmax", "/context", "/proj", "/residual")
    },
    "weights_fp32": {"/mm2": [(SAYS, SURE, ["/up"])]},
    "conv_mixed": {node: [(SAYS, SURE, ["x"])] for node in ("/conv1", "/pool")},
    "conv_norm_fp16": {},
    "other_norms_fp16": {},
    "indices": {},
    "integers_only": {"/shift": [(Cause.TYPE_LOCKED, SURE, [])]},
    "qdq_fp32": {node: [(SAYS, SURE, ["x"])] for node in ("/sm", "/mm3")},
    "qdq_fp16": {},
    "qdq_conv_fp32": {node: [(SAYS, SURE, ["x"])] for node in ("/sigmoid", "/conv2")},
    "dq_int8_input": {node: [(SCALE, SURE, ["/dq"])] for node in ("/sm", "/mm2")},
    "dq_scale_fp32": {
        "/sm": [(SCALE, LIKELY, ["/dq"])],
        "/mm2": [(SCALE, SURE, ["/dq"])],
    },
    "dq_scale_fp32_opset23": {
        "/sm": [(SCALE, LIKELY, ["/dq"])],
        "/mm2": [(SCALE, SURE, ["/dq"])],
    },
    "dq_scale_fp16": {},
    "dq_scale_of_fp32_data": {node: [(SAYS, None, ["x"])] for node in ("/sm", "/mm2")},
    "two_islands": {
        "/a/sm": [(ISLAND, LIKELY, ["/a/up", "/a/down"]), (SAYS, LIKELY, ["/a/up", "m"])],
        "/b/exp": [(ISLAND, LIKELY, ["/b/up", "/b/down"])],
    },
    "residual_stream_fp32": {
        "/ln1": [(SAYS, LIKELY, ["x"])],
        "/ln2": [(SAYS, LIKELY, ["x", "/mm1/up"])],
    },
    "unnamed_fp32": {node: [(SAYS, SURE, ["x"])] for node in ("node_of_a", "node_of_y")},
    "control_flow": {
        f"/if/sm | {THEN}": [(ISLAND, LIKELY, [f"/if/up | {THEN}", f"/if/down | {THEN}"])]
    },
    "local_function": {
        f"/fmm | {BLOCK}": [(ISLAND, SURE, [f"/up | {BLOCK}", f"/down | {BLOCK}"])],
        f"/fsm | {BLOCK}": [(ISLAND, LIKELY, [f"/up | {BLOCK}", f"/down | {BLOCK}"])],
        f"/fmm | {BLOCK2}": [(ISLAND, SURE, [f"/up | {BLOCK2}", f"/down | {BLOCK2}"])],
        f"/fsm | {BLOCK2}": [(ISLAND, LIKELY, [f"/up | {BLOCK2}", f"/down | {BLOCK2}"])],
    },
    "nested_places": {
        f"node_of_ps | {INNER}": [
            (ISLAND, LIKELY, [f"node_of_pf | {INNER}", f"node_of_q | {INNER}"])
        ],
        "/mm": [(SAYS, LIKELY, ["/up"])],
    },
    "pointwise_fp16": {node: [(INSIDE, LIKELY, [])] for node in ("/ln/mean", "/erf")},
    "pointwise_with_a_cast": {},
    "embedding_fp32": {
        "/mm1": [(SAYS, SURE, ["table"])],
        "/add": [(SAYS, SURE, ["/mask/to_float", "table"])],
        "/argmax": [(SAYS, SURE, ["table", "/mask/to_float"])],
    },
    "head_fp32": {"/head": [(SAYS, None, ["/f_cast_to_fp32"])]},
    "bf16_island": {"/sm": [(BF16, LIKELY, ["/to_bf16"])]},
}


@functools.cache
def built(name: str) -> tuple[bytes, str, bytes]:
    proto = graphmodels.MODELS[name]()
    try:
        return *graphmodels.build(proto), proto.SerializeToString()
    except graphmodels.Unsupported as error:
        pytest.skip(str(error))


def engine_of(name: str) -> tuple[tuple[Layer, ...], tuple[IOTensor, ...]]:
    plan = built(name)[0]
    engine = identify(plan).engine
    io = (engine.io if engine else None) or ()
    return classify_layers(static_layers(plan).layers, io=io), io


def why(name: str, **settings: Any) -> tuple[LayerReasons, ...]:
    layers, io = engine_of(name)
    settings = {"typing": Typing.STRONG, "io": io, **settings}
    return graph_reasons(layers, read_onnx(built(name)[2], name=f"{name}.onnx"), **settings)


def told(reasons: LayerReasons) -> list[tuple[Cause, Confidence, list[str]]]:
    return [(r.cause, r.confidence, [p.name for p in r.places]) for r in reasons.reasons]


@pytest.mark.parametrize("name", EXPECTED)
def test_each_layer_has_its_cause_and_the_place_that_decides(name):
    nodes = {layer.name: layer.onnx_nodes for layer in engine_of(name)[0]}
    expected = EXPECTED[name]
    found = [reasons for reasons in why(name) if reasons.reasons]
    seen = set()
    for reasons in found:
        keys = [node for node in nodes[reasons.layer] if node in expected]
        assert keys, reasons
        seen.update(keys)
        for key in keys:
            for mine, theirs in zip(told(reasons), expected[key], strict=True):
                assert mine[::2] == theirs[::2]
                assert theirs[1] in (None, mine[1])
        assert all(reason.evidence for reason in reasons.reasons)
    assert seen == set(expected)


@pytest.mark.parametrize("name", EXPECTED)
def test_only_layers_in_wide_types_or_integers_are_explained(name):
    layers = {layer.name: layer for layer in engine_of(name)[0]}
    for reasons in why(name):
        layer = layers[reasons.layer]
        assert layer.role is Role.COMPUTE
        assert layer.precision not in (Precision.FP16, Precision.INT8, Precision.UNKNOWN)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_log_and_the_plan_lead_to_the_same_reasons(name):
    file = read_layers(built(name)[1].encode())
    _, io = engine_of(name)
    layers = classify_layers(file.layers, io=file.io or ())
    model = read_onnx(built(name)[2], name=f"{name}.onnx")
    logged = graph_reasons(layers, model, typing=Typing.STRONG, io=io)
    mine = {reasons.layer: told(reasons) for reasons in why(name)}
    # The plan does not tell constants' types, which can make a kernel mixed.
    assert {reasons.layer: told(reasons) for reasons in logged if reasons.layer in mine} == mine


@pytest.mark.parametrize("typing", [Typing.WEAK, Typing.UNKNOWN])
@pytest.mark.parametrize("name", EXPECTED)
def test_only_in_the_strong_world_the_graph_decides(name, typing):
    causes = {r.cause for reasons in why(name, typing=typing) for r in reasons.reasons}
    assert not causes & {SAYS, ISLAND, BF16, SCALE, INSIDE, ONLY}


def test_every_layer_of_an_fp32_recurrence_is_explained_although_few_tell_their_nodes():
    reasons = why("recurrent_fp32")
    assert any(not layer.onnx_nodes for layer in engine_of("recurrent_fp32")[0])
    assert {tuple(told(r)[0][2]) for r in reasons} == {("x",)}
    assert {r.cause for layer in reasons for r in layer.reasons} == {SAYS}


def test_evidence_names_nodes_and_engine():
    found = next(r for r in why("island_matmul_chain") if r.layer.startswith("/mm2_"))
    shown = [(e.source, e.value) for e in found.reasons[0].evidence]
    file = "island_matmul_chain.onnx"
    assert shown[:5] == [
        (f"{file}: node /mm2", "MatMul: input af is FLOAT"),
        (f"{file}: node /relu", "Relu: input c is FLOAT"),
        (f"{file}: node /up", "Cast to FLOAT"),
        (f"{file}: node /down", "Cast to FLOAT16"),
        (f"{file}: initializer w2", "FLOAT, 4096 elements"),
    ]
    assert shown[5][0] == f"engine: layer {found.layer}"
    assert found.region == "/up, /down"


def test_evidence_tells_the_number_that_data_are_lifted_for_and_whose_casts_they_are():
    (found,) = why("island_of_a_scalar")
    shown = {e.source.partition(": ")[2]: e.value for e in found.reasons[0].evidence}
    assert shown["initializer s"].startswith("FLOAT, one number, beside data that a Cast widens")
    assert shown["node x_cast_to_fp32"] == "Cast to FLOAT, named as AutoCast names its own"


@pytest.mark.parametrize("name", ["mlp_fp32", "island_softmax", "two_islands", "embedding_fp32"])
def test_no_number_lifts_what_was_not_cast_right_before_it(name):
    told = [e.value for layer in why(name) for r in layer.reasons for e in r.evidence]
    assert told and not any("one number" in value or "AutoCast" in value for value in told)


@pytest.mark.parametrize(
    ("name", "tensors", "casts"),
    [
        ("io_cast_fp16", "x, y", "/in_cast, /out_cast"),
        ("head_fp32", "x", "x_cast_to_fp16"),  # its last node computes in FP32
        ("mlp_fp32", None, None),
        ("mlp_fp16", None, None),
        ("residual_stream_fp32", None, None),  # the input is read in FP32 as well
    ],
)
def test_casts_at_the_edges_of_a_network_with_fp32_tensors(name, tensors, casts):
    told = edge_casts(read_onnx(graphmodels.MODELS[name]().SerializeToString(), name="m.onnx"))
    if tensors is None:
        assert told is None
    else:
        assert told is not None and f"({tensors})" in told and casts in told
