"""Golden tables: which precision each layer of real engines computes in."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from trtdoctor.model.engine import Layer, Precision, Role, Shares
from trtdoctor.model.finding import Confidence
from trtdoctor.precision.layers import classify_layers, summarize, uses_tensor_cores
from trtdoctor.readers.layers import read_layers
from trtdoctor.readers.profile import join, read_profile

DATA = Path(__file__).parents[1] / "data" / "layers"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def classified(data: bytes) -> tuple[Layer, ...]:
    file = read_layers(data)
    return classify_layers(file.layers, io=file.io or ())


def ours(name: str) -> tuple[Layer, ...]:
    file = read_layers((DATA / f"{name}.layers.json").read_bytes())
    times = read_profile((DATA / f"{name}.profile.json").read_bytes())
    return classify_layers(join(file.layers, times).layers, io=file.io or ())


def public(name: str) -> tuple[Layer, ...]:
    path = CORPUS / "public" / name
    if not path.is_file():
        pytest.skip("the shared corpus is not here")
    data = path.read_bytes()
    return classified(gzip.decompress(data) if name.endswith(".gz") else data)


def told(confidence: Confidence | None) -> str:
    return confidence.value if confidence else "None"


def compute(layers: tuple[Layer, ...], profile: int = 0) -> dict[str, str]:
    return {
        layer.name: f"{layer.precision.value} {told(layer.precision_confidence)}"
        for layer in layers
        if layer.role is Role.COMPUTE and layer.profile == profile
    }


CONVS = ("stem + stem_relu", "c1 + c1_relu", "c2 + c2_relu", "c3 + c3_relu")
GOLDEN = {
    "trt86.cnn.noflag": dict.fromkeys(CONVS, "TF32 certain")
    | {"gap": "FP32 certain", "head": "FP32 certain"},
    "trt86.cnn.fp16": dict.fromkeys(CONVS, "TF32 certain")
    | {"gap": "FP32 certain", "head": "FP32 certain"},
    "trt86.cnn.pin_obey": dict.fromkeys(CONVS, "TF32 certain")
    | {"gap": "FP32 certain", "head": "FP32 certain"},
    "trt86.cnn.io16": dict.fromkeys((*CONVS, "gap", "head"), "FP16 certain"),
    "trt85.cnn.noflag": {
        "stem + stem_relu": "FP32 certain",
        "c1 + c1_relu": "FP32 certain",
        "c2 + c2_relu": "TF32 certain",
        "c3 + c3_relu": "TF32 certain",
        "gap": "FP32 certain",
        "head": "FP32 certain",
    },
    "trt85.cnn.io16": dict.fromkeys((*CONVS, "gap", "head"), "FP16 certain"),
    "trt86.simple.fp32": {"/fc1/Gemm + /relu/Relu": "TF32 certain", "/fc2/Gemm": "FP32 certain"},
    "trt86.simple.fp16": {"/fc1/Gemm + /relu/Relu": "TF32 certain", "/fc2/Gemm": "TF32 certain"},
    "trt86.simple.fp16_io16": {
        "/fc1/Gemm + /relu/Relu": "FP16 certain",
        "/fc2/Gemm": "FP16 certain",
    },
    "trt86.casts.fp16": dict.fromkeys(("mm1", "PWN(exp16)", "mean", "div"), "FP32 certain"),
    "trt86.tiny.fp16": dict.fromkeys(("tc1 + tc1_relu", "tc2"), "FP32 certain"),
    "trt86.tiny.notf32": dict.fromkeys(("tc1 + tc1_relu", "tc2"), "FP32 certain"),
    "trt85.tiny.fp16": dict.fromkeys(("tc1 + tc1_relu", "tc2"), "FP32 certain"),
    "trt86.tiny.names": dict.fromkeys(("tc1 + tc1_relu", "tc2"), "unknown None"),
    "trt86.encoder.fp16": {"{ForeignNode[e.norm1.weight.../e/Add_1]}": "unknown None"},
    "trt86.topk.fp16": {"mm1": "FP32 certain", "softmax + topk": "FP32 certain"},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_our_builds(name):
    assert compute(ours(name)) == GOLDEN[name]


def test_casts_that_the_builder_removed_move_data():
    roles = {layer.name: layer.role for layer in ours("trt86.casts.fp16")}
    assert roles["to_f16"] is roles["to_f32"] is Role.DATA_MOVEMENT


def test_a_fused_region_is_unknown_and_its_conversions_are_counted():
    summary = summarize(ours("trt86.encoder.fp16"))
    assert summary.layers_by_precision == {Precision.UNKNOWN: 1}
    assert summary.fp16_share == Shares(layers=0.0, time=0.0, weights=None)
    assert summary.unknown_share.time == 1.0
    assert summary.conversions.count == 2
    assert summary.conversions.share_of_time == pytest.approx(0.2465, abs=1e-4)


def test_fp16_network_io_makes_everything_half():
    summary = summarize(ours("trt86.cnn.io16"))
    assert summary.fp16_share == Shares(layers=1.0, time=1.0, weights=1.0)
    assert summary.conversions.count == 0


def test_a100_fp16_build():
    path = CORPUS / "public" / "trex_resnet18_A100_fp16.graph.json"
    layers = public(path.name)
    times = read_profile(path.with_name("trex_resnet18_A100_fp16.profile.json").read_bytes())
    layers = join(layers, times).layers
    assert set(compute(layers).values()) == {"FP16 certain"}
    summary = summarize(layers)
    assert summary.layers_by_precision == {Precision.FP16: 23}
    assert summary.fp16_share == Shares(layers=1.0, time=1.0, weights=1.0)
    assert summary.conversions.count == 2
    assert summary.conversions.share_of_time == pytest.approx(0.087, abs=0.0005)


def test_a100_fp32_build_is_tf32():
    layers = public("trex_resnet18_A100_fp32.graph.json")
    convolutions = [layer for layer in layers if layer.type == "CaskConvolution"]
    assert Counter(layer.precision.value for layer in convolutions) == {"TF32": 20, "FP32": 1}
    assert {layer.precision_confidence for layer in convolutions} == {"certain"}
    assert sum(uses_tensor_cores(layer.tactic) is True for layer in convolutions) == 20
    assert next(c.name for c in convolutions if c.precision.value == "FP32") == "Conv_0 + Relu_1"


def test_a100_qat_build():
    layers = public("trex_resnet18_A100_qat_int8.graph.json")
    table = compute(layers)
    assert table["MaxPool_12"] == "FP32 certain"
    assert table["GlobalAveragePool_246"] == "FP16 certain"
    others = {k: v for k, v in table.items() if k not in ("MaxPool_12", "GlobalAveragePool_246")}
    assert len(others) == 21
    assert set(others.values()) == {"INT8 certain"}
    assert summarize(layers).conversions.count == 11


def test_a100_qat_residual_build():
    table = compute(public("trex_resnet18_A100_qat_residual_qgap.graph.json"))
    assert Counter(table.values()) == {"INT8 certain": 22}


def test_10_16_with_two_profiles():
    layers = public("trt1016_mnist_cnn_fp16mix_2profiles_oneline.txt")
    table = compute(layers)
    assert table["node_conv2d + node_relu"] == "FP32 certain"
    assert table["node_conv2d_1 + node_relu_1"] == "FP16 certain"
    assert table["node_linear_1_2_myl5_3"] == "FP16 certain"
    assert table["__myl_MaxrSubExpSum_myl5_4"] == "FP16 likely"
    assert Counter(v.split()[0] for v in table.values()) == {"FP16": 6, "FP32": 2}
    assert len(compute(layers, profile=1)) == 8
    assert summarize(layers, profile=0).conversions.count == 2


def test_10_16_json_without_execution_context():
    table = compute(public("trt1016_mnist_cnn_fp32_nocontext.layerinfo.json"))
    assert set(table.values()) == {"FP32 certain", "FP32 likely"}


def test_10_16_console_output():
    table = compute(public("trt1016_trtexec_dumpLayerInfo_fp32.log.txt"))
    assert len(table) == 8
    assert {v.split()[0] for v in table.values()} == {"FP32"}


def test_10_16_verbose_log_cannot_tell_tf32_from_fp32():
    table = compute(public("trt1016_verbose_engine_layer_information_fp32.log.txt"))
    assert table["node_conv2d + node_relu"] == "FP32 possible"
    assert table["node_max_pool2d"] == "FP32 certain"
    assert table["{ForeignNode[gemm1.weight...ONNXTRT_castHelper_9]}"] == "unknown None"


def test_10_16_fp16_flag_log():
    table = compute(public("trt1016_trtexec_fp16_flag_build.log.txt.gz"))
    assert Counter(v.split()[0] for v in table.values()) == {"unknown": 3, "FP32": 1, "FP16": 1}


def test_10_x_quantised_mlp():
    table = compute(public("trt10x_qdq_mlp_int8_tf32_dynamic_excerpt.layerinfo.json"))
    assert table == {
        "/fc1/Gemm_myl0_2": "INT8 certain",
        "/fc2/Gemm_myl0_4": "TF32 certain",
        "__myl_MulMinMaxRounCastCastMul_myl0_5": "FP32 likely",
    }


RTX = {
    "rtx171.mlp_fp32.txt": {
        "__myl_FcAddRelu_myl0_1": "FP32 likely",
        "/fc2/Gemm_myl0_2": "FP32 likely",
        "__myl_AddMaxrSubExpSumDiv_myl0_3": "FP32 likely",
    },
    "rtx171.island.txt": {
        "/mm_myl0_0": "FP16 certain",
        "__myl_CastMeanSubMulMeanAddSqrtDivMulMulAddCast_myl0_1": "FP32 likely",
        "/mm2_myl0_2": "FP16 certain",
    },
    "rtx171.qdq_int8.txt": {"/mm1_myl0_1": "INT8 certain", "/mm2_myl0_2": "INT8 certain"},
    "rtx171.qdq_fp8.txt": {
        "/mm1_myl0_1": "FP8 certain",
        "__myl_ReluMulCast_myl0_2": "FP32 likely",
        "/mm2_myl0_3": "FP8 certain",
    },
    "rtx171.attn_fp16.txt": {
        "__myl_CastMeanSubMulMean_myl0_0": "FP32 likely",
        "__myl_AddSqrtDivMulCastMulAddTran_myl0_1": "mixed likely",
        "/v+/q_myl0_2": "FP16 certain",
        "/k_myl0_4": "FP16 certain",
        "_gemm_mha_v2_myl0_7": "FP16 likely",
        "__myl_AddDivCastErfCastAddMulMul_myl0_8": "mixed likely",
    },
}


@pytest.mark.parametrize("name", RTX)
def test_tensorrt_rtx(name):
    assert compute(classified((DATA / name).read_bytes())) == RTX[name]


def test_tf32_ruled_out_makes_fp32_certain():
    file = read_layers((DATA / "rtx171.mlp_fp32.txt").read_bytes())
    layers = classify_layers(file.layers, tf32_possible=False)
    assert compute(layers)["/fc2/Gemm_myl0_2"] == "FP32 certain"
