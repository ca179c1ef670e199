"""Single layers: roles, agreement, contradiction, and what is left unknown."""

from __future__ import annotations

import msgspec
import pytest

from trtdoctor.model.engine import IOTensor, Layer, LayerTensor, LayerWeights, Role
from trtdoctor.precision.layers import classify, classify_layers, converts, role_of, summarize

F16 = "sm80_xmma_gemm_f16f16_f16f16_f16_tn_n_tilesize32x32x64_stage6_warpsize2x2x1_tensor16x8x16"
TF32 = "sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize32x32x64_stage3_warpsize2x1x2_tensor16x8x8"
FFMA = "sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize32x32x8_stage3_warpsize1x2x1_ffma"


def tensors(types: str, prefix: str, shape=(8, 8)) -> tuple[LayerTensor, ...]:
    return tuple(
        LayerTensor(name=f"{prefix}{i}", dtype=None if t == "?" else t, shape=shape)
        for i, t in enumerate(types.split())
    )


def layer(
    kind: str, inputs="", outputs="", *, name="n", weights=None, constants="", **more
) -> Layer:
    return Layer(
        name=name,
        type=kind,
        inputs=tensors(inputs, "i"),
        outputs=tensors(outputs, "o"),
        constants=tensors(constants, "c"),
        weights=LayerWeights(dtype=weights, count=64) if weights else None,
        **more,
    )


def told(item: Layer, **options) -> tuple[str, str | None]:
    found = classify(item, **options)
    sure = found.precision_confidence
    return found.precision.value, sure.value if sure else None


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        # Two or three witnesses that agree.
        (layer("CaskConvolution", "FP16", "FP16", weights="FP16", tactic=F16), "FP16 certain"),
        (layer("CaskConvolution", "FP16", "FP32", weights="FP16"), "FP16 certain"),
        (layer("CaskConvolution", "FP32", "FP32", weights="FP32", tactic=TF32), "TF32 certain"),
        (layer("CaskConvolution", "?", "?", weights="FP32", tactic=TF32), "TF32 certain"),
        (layer("CaskConvolution", "?", "?", weights="FP32", tactic=FFMA), "FP32 certain"),
        (layer("CaskConvolution", "INT8 FP16", "FP16", weights="INT8"), "INT8 certain"),
        (layer("gemm", "FP8", "BF16", weights="FP8", tactic="__myelin_CASK_STUB"), "FP8 certain"),
        (layer("gemm", "BF16 BF16", "BF16"), "BF16 likely"),
        # One witness.
        (layer("MatrixMultiply", "FP16 FP16", "FP16"), "FP16 likely"),
        (layer("MatrixMultiply", "? ?", "?", tactic=F16), "FP16 likely"),
        (layer("CaskConvolution", "?", "?", weights="FP16"), "FP16 likely"),
        (layer("MatrixMultiply", "? ?", "?"), "unknown None"),
        # FP32 or TF32: only a tactic's name tells.
        (layer("CaskConvolution", "FP32", "FP32", weights="FP32"), "FP32 possible"),
        (layer("gemm", "FP32", "FP32", weights="FP32", tactic="__myelin_CASK_STUB"), "FP32 likely"),
        (layer("correlation", "FP32", "FP32", weights="FP32", name="/c_myl0_1"), "FP32 likely"),
        (layer("CudaDepthwiseConvolution", "FP32", "FP32", weights="FP32"), "FP32 certain"),
        (layer("scudnn", "FP32", "FP32"), "FP32 certain"),
        (layer("h884cudnn", "FP16", "FP16"), "FP16 certain"),
        # Contradictions.
        (layer("CaskConvolution", "FP32", "FP32", weights="FP32", tactic=F16), "FP32 possible"),
        (layer("CaskConvolution", "FP16", "FP16", weights="FP32", tactic=F16), "FP16 possible"),
        (layer("CaskConvolution", "?", "?", weights="FP32", tactic=F16), "unknown None"),
        (
            layer("CaskPooling", "FP32", "FP32", tactic="sm50_xmma_pooling_FP16FP32NHWC"),
            "unknown None",
        ),
        # Weight-only quantisation computes in the activations' type.
        (layer("gemm", "FP16", "FP16", weights="INT4"), "FP16 likely"),
        # Fused regions and plugins.
        (layer("Myelin", "FP16", "FP16", name="{ForeignNode[a...b]}"), "unknown None"),
        (layer("Myelin", "FP16", "FP16", name="anything"), "unknown None"),
        (layer("PluginV2DynamicExt", "FP32", "FP32"), "FP32 possible"),
        (layer("PluginV3", "FP16 INT32", "FP16"), "FP16 possible"),
        (layer("PluginV2", "?", "?"), "unknown None"),
        # Layers that pass over their data once.
        (layer("PointWiseV2", "FP16 FP16", "FP16"), "FP16 certain"),
        (layer("ElementWise", "INT32 INT32", "INT32"), "INT32 certain"),
        (layer("ElementWise", "INT32 INT32", "BOOL"), "INT32 likely"),
        (layer("ElementWise", "FP16 FP16", "BOOL"), "FP16 certain"),
        (layer("Reduce", "FP16", "FP32"), "mixed certain"),
        (layer("TopK", "FP16", "FP16 INT32"), "FP16 certain"),
        (layer("CudaPooling", "INT8", "INT8"), "INT8 certain"),
        (layer("SoftMax", "?", "?"), "unknown None"),
        (layer("SoftMax", "FP16", "?"), "FP16 likely"),
        # Generated kernels.
        (layer("kgen", "FP16", "FP16", name="__myl_AddRelu_myl0_1"), "FP16 likely"),
        (layer("kgen", "FP16", "FP16", name="__mye5907_myl56_2"), "FP16 possible"),
        (layer("kgen", "FP16", "FP16", name="__myl_MulCastErfCast_myl0_1"), "mixed likely"),
        (layer("kgen", "FP16", "FP16", name="__myl_MaxMinCas_myl2_0"), "FP16 likely"),
        (layer("kgen", "BF16", "BF16", name="__myl_CastMulCosSinCastConc_myl2_0"), "mixed likely"),
        (layer("kgen", "FP8", "FP16", name="__myl_FcCast_myl0_8"), "FP8 likely"),
        (layer("kgen", "FP16", "FP32", name="__myl_CastMeanSub_myl0_1"), "FP32 likely"),
        (layer("kgen", "FP32", "FP16", name="__myl_MulAddCast_myl0_1"), "FP32 likely"),
        (layer("kgen", "FP32", "FP16", name="__myl_MulAdd_myl0_1"), "mixed likely"),
        (
            layer("kgen", "FP16", "FP16", name="__myl_CastAddCast_0x1", constants="FP32"),
            "FP32 likely",
        ),
        (
            layer("kgen", "INT64", "FP16", name="__myl_CastGathMean_0x1", constants="FP16"),
            "FP16 likely",
        ),
        (
            layer("kgen", "FP16", "INT8", name="__myl_AddReluMulMinMaxRounCast_myl0_3"),
            "FP16 likely",
        ),
        (
            layer("fusion", "INT8", "FP16", tactic=F16.replace("f16f16_f16f16", "i8f16_i8i32")),
            "INT8 certain",
        ),
        (layer("MadeUp", "FP16", "FP16"), "FP16 certain"),
        (layer("", ""), "unknown None"),
    ],
)
def test_compute_layers(item, expected):
    assert role_of(item) is Role.COMPUTE
    assert " ".join(map(str, told(item))) == expected


@pytest.mark.parametrize(
    ("item", "role"),
    [
        (layer("NoOp"), "data-movement"),
        (layer("Reformat"), "data-movement"),
        (layer("MyelinReformat"), "data-movement"),
        (layer("Shuffle"), "data-movement"),
        (layer("Cast"), "data-movement"),
        (layer("CopyNode"), "data-movement"),
        (layer("signal"), "data-movement"),
        (layer("wait"), "data-movement"),
        (layer("signal_and_wait"), "data-movement"),
        (layer("kgen", "INT32", "FP16", name="__myl_CastReshCastOne__myl0_1"), "compute"),
        (layer("Scale", "FP32", "INT8", origin="QDQ"), "data-movement"),
        (layer("Scale", "FP32", "INT8", name="QuantizeLinear_2"), "data-movement"),
        (layer("Scale", "INT8", "FP32", name="/a/b/DequantizeLinear"), "data-movement"),
        (layer("Scale", "FP32", "INT8", name="conv/QuantizeLinear__32:0"), "data-movement"),
        (layer("Scale", "FP32", "FP32", name="QuantizeLinear_2"), "compute"),
        (layer("Scale", "FP32", "INT8", name="bn1 + QuantizeLinear_2"), "compute"),
        (layer("Scale", "FP32", "INT8", name="QuantizeLinear/Mul"), "compute"),
        (layer("TrainStation", name="[trainStation1]"), "data-movement"),
        (layer(None, name="[trainStation2]"), "data-movement"),
        (layer("jmp", name="jmp__mye29_myl0_4"), "shape"),
        (layer("cjmp", name="__mye23cbr_myl0_2"), "shape"),
        (layer(None, name="jmp__mye35_myl0_6"), "shape"),
        (layer(None, name="Reformatting CopyNode for Input Tensor 0 to x"), "data-movement"),
        (layer(None, name="__myl_Tra_myl56_9"), "data-movement"),
        (layer("kgen", "FP16", "FP32", name="__myl_Cast_myl0_1"), "data-movement"),
        (layer("kgen", "FP32", "INT8", name="__myl_MulMinMaxRounCast_myl0_1"), "data-movement"),
        (layer("kgen", "INT8", "FP16", name="__myl_CastMul_myl0_1"), "data-movement"),
        (layer("kgen", "FP32", "INT8", name="__myl_MulMulRounCast_myl0_1"), "compute"),
        (layer("kgen", "FP32 FP32", "INT8", name="__myl_MulRounCast_myl0_1"), "compute"),
        (layer("kgen", "FP32", "FP32", name="__myl_MulCast_myl0_1"), "compute"),
        (layer("kgen", "FP16", "FP16", name="__myl_ResTra_myl0_1"), "data-movement"),
        (layer("Constant"), "constant"),
        (layer("shape_call"), "shape"),
        (layer("ShapeElementWise"), "shape"),
        (layer("DeviceToShapeHost", "INT32", "INT32"), "shape"),
        (layer("ShapeHostToDevice", "INT32", "INT32"), "shape"),
        (layer("TopK"), "compute"),
        (layer(None, name="dummy_shape_call__mye5965_0_myl56_0"), "shape"),
    ],
)
def test_roles(item, role):
    assert role_of(item).value == role


def test_a_resize_is_no_reshape():
    inputs = (LayerTensor(name="a", dtype="FP16", shape=(1, 8, 4, 4)),)
    outputs = (LayerTensor(name="b", dtype="FP16", shape=(1, 8, 8, 8)),)
    item = Layer(name="__myl_Res_myl0_1", type="kgen", inputs=inputs, outputs=outputs)
    assert role_of(item) is Role.COMPUTE


def test_layers_on_the_host_are_shape_arithmetic():
    place = (LayerTensor(name="a", dtype="INT32", location="Host"),)
    assert role_of(Layer(name="n", type="ElementWise", inputs=place, outputs=place)) is Role.SHAPE


def test_evidence_names_the_contradiction():
    found = classify(layer("CaskConvolution", "?", "?", weights="FP32", tactic=F16))
    assert found.precision_evidence == (
        "weights FP32",
        "input type unknown",
        "output type unknown",
        "tactic f16f16_f16f16_f16",
        "the sources contradict each other: tactic FP16, weights FP32",
    )


def chain(*layers_: tuple[str, str, str, str | None]) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            name=f"{kind}:{source}",
            type=kind,
            inputs=(LayerTensor(name=source),),
            outputs=(LayerTensor(name=target),),
            tactic=tactic,
        )
        for kind, source, target, tactic in layers_
    )


def test_types_left_out_come_from_the_layers_around():
    engine = chain(
        ("NoOp", "x", "x2", None),
        ("CaskGemmMatrixMultiply", "x2", "a", F16),
        ("PointWiseV2", "a", "b", None),
        ("Shuffle", "b", "c", None),
        ("Reformat", "c", "y", None),
    )
    noop, _, pointwise, _, reformat = classify_layers(engine)
    assert (noop.precision.value, noop.precision_confidence) == ("FP16", "likely")
    assert (pointwise.precision.value, pointwise.precision_confidence) == ("FP16", "likely")
    assert reformat.precision.value == "unknown"
    assert converts(reformat) is None
    network = (IOTensor(name="y", mode="output", dtype="FP32", shape=(-1, 8)),)
    *_, shuffle, reformat = classify_layers(
        chain(("PointWiseV2", "a", "b", None), ("Shuffle", "b", "c", None)) + engine[-1:],
        io=(*network, IOTensor(name="a", mode="input", dtype="FP16")),
    )
    assert shuffle.precision.value == "unknown"
    assert reformat.precision.value == "unknown"


def test_clues_that_disagree_tell_nothing():
    engine = chain(("Gemm", "x", "a", F16), ("Gemm", "a", "b", FFMA), ("SoftMax", "a", "c", None))
    assert classify_layers(engine)[2].precision.value == "unknown"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (layer("Reformat", "FP32", "FP16"), True),
        (layer("Reformat", "FP16", "FP16"), False),
        (layer("Reformat", "FP32", "INT8", origin="QDQ"), True),
        (layer("Cast", "INT32", "INT64"), False),
        (layer("Cast", "UINT8", "FP16"), True),
        (layer("Gather", "FP16 INT32", "FP16"), False),
        (layer("Slice", "FP16 INT64 INT64", "FP16"), False),
        (layer("kgen", "INT64", "FP16", name="__myl_CastGath_myl0_1", constants="FP16"), False),
        (layer("Reformat", "FP32", "?"), None),
        (layer("Shuffle", "?", "?"), False),
        (layer("PointWise", "FP16", "FP32"), False),
    ],
)
def test_conversions(item, expected):
    assert converts(classify(item)) is expected


def test_summary():
    engine = (
        layer("PointWise", "FP16", "FP16", time_ms=3.0),
        layer("CaskConvolution", "FP32", "FP32", weights="FP32", tactic=TF32, time_ms=1.0),
        layer("CaskConvolution", "FP16", "FP16", weights="FP16", tactic=F16, time_ms=2.0),
        layer("Myelin", "FP16", "FP16", time_ms=2.0),
        layer("Reformat", "FP32", "FP16", time_ms=2.0),
        layer("NoOp", "FP32", "FP32"),
        layer("PointWise", "FP16", "FP16", profile=1, time_ms=9.0),
    )
    assert msgspec.to_builtins(summarize(classify_layers(engine))) == {
        "layers_by_precision": {"TF32": 1, "FP16": 2, "unknown": 1},
        "fp16_share": {"layers": 0.5, "time": 5 / 8, "weights": 0.5},
        "unknown_share": {"layers": 0.25, "time": 0.25, "weights": 0.0},
        "counted": {"layers": 4, "time": 4, "weights": 2},
        "conversions": {"count": 1, "time_ms": 2.0, "share_of_time": 0.2, "undecided": 0},
    }


def test_summary_of_nothing():
    assert msgspec.to_builtins(summarize(())) == {
        "layers_by_precision": {},
        "fp16_share": {"layers": None, "time": None, "weights": None},
        "unknown_share": {"layers": None, "time": None, "weights": None},
        "counted": {"layers": 0, "time": 0, "weights": 0},
        "conversions": {"count": 0, "time_ms": None, "share_of_time": None, "undecided": 0},
    }
