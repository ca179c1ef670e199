"""What kernel names tell, family by family."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from trtdoctor.precision.layers import read_tactic, uses_tensor_cores

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
XMMA = "sm80_xmma_fprop_implicit_gemm_{}_nhwckrsc_nhwc_tilesize128x32x32_stage4_warpsize4x1x1_g1_{}"
TENSOR, FFMA = "tensor16x8x16", "ffma"

NAMES = {
    XMMA.format("f16f16_f16f16_f16", TENSOR): ("FP16", True),
    XMMA.format("f16f16_f16f32_f32", TENSOR): ("FP16", True),
    XMMA.format("f32f32_tf32f32_f32", TENSOR): ("TF32", True),
    XMMA.format("f32f32_f32f32_f32", FFMA): ("FP32", False),
    XMMA.format("f16f16_f32f32_f32", FFMA): ("FP16", False),
    XMMA.format("bf16bf16_bf16f32_f32", TENSOR): ("BF16", True),
    XMMA.format("i8i8_i8i32_f32", "tensor16x8x32"): ("INT8", True),
    XMMA.format("i8f16_i8i32_f32", "tensor16x8x32"): ("INT8", True),
    XMMA.format("e4m3f16_e4m3f32_f32", "tensor16x8x32"): ("FP8", True),
    "sm90_xmma_gemm_f16f16_f16f16_f16_tn_n_tilesize64x64x64_cgasize1x1x1_warpgroupsize1x1x1": (
        "FP16",
        True,
    ),
    "sm90_xmma_gemm_f64f64_f64f64_f64_tn_n_tilesize64x64x64_stage3": (None, None),
    "sm80_xmma_fprop_wngd_f32f32_f32_f32_nchwkcrs_nchw_tilesize8x16x16x8_wngd2x2": ("FP32", False),
    "sm50_xmma_cublas_gemvx_f16f16_f32_f32_nn_n_int32_unit_n_launch_param8x32x32": ("FP16", False),
    "sm53_xmma_cublas_smallN_NN_f16f16_f16_f16_nn_n_thread_count256": ("FP16", False),
    "sm70_xmma_fprop_conv1x1_i8f32_f32_f32_nchw_vect_c_4kcrs_vect_c_4_nchw_simt": ("INT8", False),
    "sm90_xmma_fprop_image_first_layer_f16f16_f32_f16_nhwckrsc_nhwc_hmma_k32c4r3s3": ("FP16", True),
    "trt_turing_cutlass_image_network_first_layer_hmma_fprop_f16f16f32_nhwc_nhwc_k64r7s7c4": (
        "FP16",
        True,
    ),
    "sm50_xmma_conv_fprop_fused_conv_act_fp32_NCHW_fp32_NCHW_KCRS_fp32_fp32_fp32_Accfloat": (
        "FP32",
        False,
    ),
    "sm50_xmma_pooling_fw_4d_FP16FP32NHWC_Average_FastDiv_CAlign8": ("FP16", False),
    "sm50_xmma_pooling_tiled_FP32NCHW_kMAX_tP2_tQ16": ("FP32", False),
    "sm50_xmma_pooling_nd_NDHWC_kMAX_kGENERIC_3D_POOLING_MODE_kHALF_3": ("FP16", False),
    "sm50_xmma_pooling_coalescedC_NHWC_kMAX_2_False": (None, False),
    "ampere_scudnn_128x64_relu_xregs_large_nn_v1": ("FP32", False),
    "ampere_scudnn_winograd_128x128_ldg1_ldg4_relu_tile148t_nt_v1": ("FP32", False),
    "ampere_h16816cudnn_128x128_ldg8_relu_exp_stages_64x3_large_nhwc_tn_v1": ("FP16", True),
    "trt_volta_h884cudnn_256x64_ldg8_relu_exp_interior_nhwc_tn_v1": ("FP16", True),
    "turing_fp16_s1688cudnn_fp16_128x128_ldg8_relu_f2f_exp_small_nhwc_tn_v1": ("FP16", True),
    "volta_fp16x2_hcudnn_fp16x2_128x32_relu_interior_nn_v1": ("FP16", None),
    "volta_fp16_scudnn_fp16_128x64_relu_small_nn_v1": ("FP16", False),
    "ampere_fp32_icudnn_int8x4_128x64_relu_medium_nn_v1": ("INT8", False),
    "turing_fp16_i8816cudnn_int8_128x128_ldg16_relu_small_nt_v1": ("INT8", True),
    "ampere_sgemm_128x64_tn": ("FP32", False),
    "ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_64x3_tn": ("BF16", True),
    "cutlass_80_tensorop_s1688gemm_128x256_16x3_nn_align4": ("TF32", True),
    "cutlass_tensorop_f16_s16816fprop_optimized_f16_128x128_32x5_nhwc_align8": ("FP16", True),
    "cutlass_80_tensorop_d884gemm_64x64_16x4_tn_align1": (None, True),
    "cutlass3x_sm100_tensorop_s128x128x16gemm_f16_f16_f32_f16_f16_128x128x64_0_align8": (
        "FP16",
        True,
    ),
    "cutlass3x_sm100_tensorop_s128x128x8tf32gemm_f32_f32_f32_f32_f32_128x128x32_0_align4": (
        "TF32",
        True,
    ),
    "cutlass3x_sm100_bstensorop_s128x128x32gemm_block_scaled_ue8m0xe4m3_ue8m0xe4m3_f32_bf16_bf16"
    "_128x128x128_0_align16_q_1sm_bias_bf16_gelu": ("FP8", True),
    "cutlass3x_sm100_bstensorop_s128x128x64gemm_block_scaled_ue4m3xe2m1_ue4m3xe2m1_f32_bf16_bf16"
    "_128x128x256_0_align32_o_vs16_1sm_bias_bf16_relu": ("FP4", True),
    "cutlass3x_sm100_sptensorop_i128x128x64spgemm_s8_s8_s32_bf16_bf16_128x128x128": ("INT8", True),
    "cutlass3x_sm100_tensorop_s256x128x32gemm_f8_f8_f32_e4m3_e4m3_256x128x128": ("FP8", True),
    "sm50_xmma_convolution_depthwiseHMMA_FP16NHWCx8_TR3_TS3_STRIDEH1_STRIDEW1": ("FP16", True),
    "sm50_xmma_convolution_trt_depthwiseFP32NHWC4_fp32nhwcx4_fp32nhwcx4_fp32kcrs": ("FP32", False),
    "fmha_v2_flash_attention_fp16_64_128_S_80_causal_sm86_kernel_nl_tiled": ("FP16", None),
    "void gemv2T_kernel_val<int, int, __half, __half, __half, __half, 128>": ("FP16", None),
    "void gemv2T_kernel_val<int, int, float, __half, __half, float, 128>": (None, None),
    "__myelin_CASK_STUB": (None, None),
    "__myl_MulSum_0xf51780477f7b66bae3896079c053d676": (None, None),
    "_gemm_mha_v2_0x1234": (None, None),
    "nvjet_hsh_128x64_64x8": (None, None),
    "sm110_xmma_gemm_q7q7_new_grammar_bias_bf16": (None, None),
    "": (None, None),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    operand = read_tactic(name).operand
    assert (operand.value if operand else None, uses_tensor_cores(name)) == NAMES[name]


def test_stored_types_of_xmma():
    reading = read_tactic(XMMA.format("i8f16_i8i32_f32", TENSOR))
    assert (reading.stored.value, reading.output.value) == ("INT8", "FP16")
    assert reading.token == "i8f16_i8i32_f32"


def test_16_bit_data_in_fp32_instructions_is_marked():
    assert read_tactic(XMMA.format("f16f16_f32f32_f32", FFMA)).widened
    assert not read_tactic(XMMA.format("f16f16_f16f32_f32", TENSOR)).widened


def test_stubs_are_told_apart_from_names_not_understood():
    assert read_tactic("__myelin_CASK_STUB").stub
    assert read_tactic(None).stub
    assert not read_tactic("nvjet_hsh_128x64_64x8").stub


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not here")
def test_every_tactic_in_the_corpus():
    names: set[str] = set()
    for path in [*CORPUS.glob("h100*/*/*"), *CORPUS.glob("public/*")]:
        if path.is_file() and path.suffix in (".json", ".txt", ".gz"):
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(
                "utf-8", "replace"
            )
            names |= set(re.findall(r'Tactic ?Name"?: "?(\w*_\w+)', text))
    assert len(names) > 900
    silent = {n for n in names if not read_tactic(n).stub and read_tactic(n).operand is None}
    assert all("pooling" in n for n in silent), silent
    undecided = {n for n in names if not read_tactic(n).stub and uses_tensor_cores(n) is None}
    assert all("_wngd_f16" in n for n in undecided), undecided
