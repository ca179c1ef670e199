"""Engines with several optimisation profiles, as TensorRT 10 logs them."""

from __future__ import annotations

import pytest

KERNEL = "sm80_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x16x32"
FORMATS = "Float(784,784,28,1) -> Float(6272,784,28,1)"
LOG = f"""\
[V] Constructing optimization profile number 0 [1/2].
[V] =============== Computing costs for c1
[V] *************** Autotuning format combination: {FORMATS} ***************
[V] --------------- Timing Runner: c1 (CaskConvolution[0x80000009])
[V] Tactic Name: {KERNEL} Tactic: 0xcf8ea142095f02d2 Time: 0.004
[V] c1 (CaskConvolution[0x80000009]) profiling completed in 0.1 seconds. \
Fastest Tactic: 0xcf8ea142095f02d2 Time: 0.004
[V] Formats and tactics selection completed in 0.5 seconds.
[V] Constructing optimization profile number 1 [2/2].
[V] =============== Computing costs for c1 [profile 1]
[V] c1 [profile 1] [{FORMATS}] got cached result: CaskConvolution, tactic 0xcf8ea142095f02d2, \
0.004 ms
[V] Formats and tactics selection completed in 0.1 seconds.
[V] Engine generation completed in 1.0 seconds.
[V] Engine Layer Information:
Layer(CaskConvolution): c1, Tactic: 0xcf8ea142095f02d2, x (Float[-1,1,28,28]) -> \
y (Float[-1,8,28,28])
Layer(CaskConvolution): c1 [profile 1], Tactic: 0xcf8ea142095f02d2, \
x [profile 1] (Float[-1,1,28,28]) -> y [profile 1] (Float[-1,8,28,28])
"""


@pytest.fixture
def engine(document, tmp_path):
    path = tmp_path / "build.log"
    path.write_text(LOG)
    return document("--log", path)


def test_the_kernels_of_every_profile_are_found(engine):
    assert [(x["tactic"], x["precision"], x["profile"]) for x in engine["layers"]] == [
        (KERNEL, "TF32", 0),
        (KERNEL, "TF32", 1),
    ]


def test_a_layer_counts_once(engine):
    assert engine["summary"]["layers_by_precision"] == {"TF32": 1}
