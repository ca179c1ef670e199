"""What a log tells of the machine: identity, GPUs without fast FP16, who decided the types."""

from __future__ import annotations

import pytest
from realbuilds import text_of

RUN = "&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec --onnx=m.onnx --fp16{}\n"
DEVICE = (
    "[INFO] === Build Options ===\n[INFO] Precision: FP32+FP16\n"
    "[INFO] Selected Device: A board\n[INFO] Compute Capability: {}\n"
)


@pytest.fixture
def told(document, tmp_path):
    """The report of a log that begins with these lines."""

    def report(head, name="cnn.fp16"):
        log = tmp_path / "build.log"
        log.write_text(head + text_of(name))
        return document("--log", log)

    return report


def test_the_identity_is_the_logs_where_no_engine_file_tells_one(told):
    identity = told(RUN.format("") + DEVICE.format("8.6"))["identity"]
    assert identity["tensorrt_version"] == "8.6.1"
    assert identity["compute_capabilities"] == ["8.6"]
    assert identity["built_on"] == {"board": "A board", "compute_capability": "8.6"}
    assert identity["metadata"]["command"] == "trtexec --onnx=m.onnx --fp16"
    assert set(identity["confidence"].values()) == {"likely"}


@pytest.mark.parametrize(
    ("capability", "first"),
    [("6.1", True), ("5.2", True), ("7.5", False), ("6.0", False), ("99.0", False)],
)
@pytest.mark.parametrize("name", ["cnn.fp16", "cnn.noflag"])
def test_a_gpu_without_fast_fp16_comes_first(told, capability, first, name):
    found = told(DEVICE.format(capability), name)["explanations"]
    assert found
    for explanation in found:
        assert (explanation["cause"] == "hardware-no-fast-fp16") is first
        assert explanation["other_causes"] or not first or name == "cnn.noflag"


def test_the_command_decides_the_typing(told, document, tmp_path):
    log = tmp_path / "quiet.log"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v101601] # trtexec --stronglyTyped --onnx=m\n"
        "[04/25/2026-04:28:06] [I] Engine built in 2.7 sec.\n"
    )
    assert document("--log", log)["typing"] == "strong"


def test_a_jit_build_is_strongly_typed(document, tmp_path):
    log = tmp_path / "rtx.log"
    log.write_text(
        "[W] In JIT build, strongly typed is enabled by default.\n[V] Original: 1 layers\n"
        "[V] Engine generation completed in 0.1 seconds.\n"
    )
    assert document("--log", log)["typing"] == "strong"


@pytest.mark.parametrize(("capability", "doubt"), [("6.1", False), ("8.6", True)])
def test_a_gpu_without_tf32_leaves_no_doubt_about_fp32(document, tmp_path, capability, doubt):
    """Convolutions whose kernels are not named are FP32 where the log's GPU has no TF32."""
    nameless = "\n".join(
        line for line in text_of("cnn.noflag").splitlines() if "Tactic Name: " not in line
    )
    log = tmp_path / "build.log"
    log.write_text(RUN.format("") + DEVICE.format(capability) + nameless)
    layers = [one for one in document("--log", log)["layers"] if one["precision"] == "FP32"]
    told = [line for layer in layers for line in layer["precision_evidence"]]
    assert layers and any("TF32 cannot be told apart" in line for line in told) is doubt
