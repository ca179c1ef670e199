"""Witnesses of another engine, given by mistake: what they say must not be told of this one."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from trtdoctor.cli.app import run


def engine_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    run([*map(str, arguments), "--no-live", "--format", "json"])
    (engine,) = json.loads(capsys.readouterr().out)["engines"]
    return engine


@pytest.mark.parametrize(
    ("engine", "log"),
    [
        ("simple.fp16", "cnn.fp16"),  # another model
        ("simple.fp16", "simple.fp32"),  # another build: other kernels
        ("simple.fp16", "simple.fp16_io16"),  # another build: other types
        ("encoder.fp32", "encoder.fp16"),  # a fused block, and reformats around it
        ("tiny.fp16", "tiny.fp32"),  # the same layers and types, another kernel
    ],
)
def test_a_log_of_another_build_proves_nothing(engine: str, log: str, shared: Path, capsys) -> None:
    pytest.importorskip("numpy")
    corpus = shared / "corpus" / "h100-trt86"
    told = engine_of(
        capsys, "explain", corpus / engine / "engine.plan", "--log", corpus / log / "build.log.gz"
    )
    assert any("is the log of another build" in note for note in told["notes"])
    assert told["choice"] is None
    assert told["layers_source"] == "static"
    assert {e["cause"] for e in told["explanations"]} <= {"unknown", "inside-fused-block"}
    assert any("log" in item["text"] for item in told["missing"]) or not told["explanations"]


@pytest.mark.slow
def test_the_log_of_the_engines_own_build_is_used(shared: Path, capsys) -> None:
    pytest.importorskip("numpy")
    folders = [p.parent for p in (shared / "corpus").glob("h100-*/*/engine.plan")]
    with_log = [p for p in folders if (p / "build.log.gz").exists()]
    assert with_log
    for folder in with_log:
        told = engine_of(
            capsys, "explain", folder / "engine.plan", "--log", folder / "build.log.gz"
        )
        assert not any("another build" in note for note in told["notes"]), folder
        assert told["choice"] is not None, folder


def test_layers_of_another_engine_are_not_taken_for_this_ones(shared: Path, capsys) -> None:
    corpus = shared / "corpus" / "h100-trt86"
    told = engine_of(
        capsys,
        "inspect",
        corpus / "simple.fp16" / "engine.plan",
        "--layers",
        corpus / "cnn.fp16" / "layers.json",
    )
    assert told["layers_source"] == "static"
    assert "/fc1/Gemm + /relu/Relu" in {layer["name"] for layer in told["layers"]}
    assert any("another engine" in note for note in told["notes"])


def test_another_model_is_named_as_such_and_in_no_command(shared: Path, capsys) -> None:
    pytest.importorskip("onnx")
    corpus = shared / "corpus" / "h100-trt86"
    told = engine_of(
        capsys,
        "explain",
        corpus / "simple.fp16" / "engine.plan",
        "--onnx",
        corpus / "onnx" / "cnn.onnx",
    )
    assert any("cnn.onnx is not the model of this engine" in note for note in told["notes"])
    assert "cnn.onnx" not in json.dumps([told["missing"], told["explanations"]])


def test_the_engines_own_model_is_used(shared: Path, capsys) -> None:
    pytest.importorskip("onnx")
    corpus = shared / "corpus" / "h100-trt86"
    for folder in sorted({p.parent for p in corpus.glob("*/layers.json")}):
        model = corpus / "onnx" / f"{folder.name.partition('.')[0]}.onnx"
        told = engine_of(capsys, "explain", "--layers", folder / "layers.json", "--onnx", model)
        assert not any("not the model" in note for note in told["notes"]), folder


def test_an_opened_block_is_as_sure_as_the_least_sure_layer_in_it(shared: Path, capsys) -> None:
    plan = shared / "corpus" / "h100-trt86" / "encoder.fp16" / "engine.plan"
    told = engine_of(capsys, "inspect", plan)
    (inside,) = [block["layers"] for block in told["blocks"]]
    (block,) = [x for x in told["layers"] if x["type"] == "Myelin"]
    assert {x["precision_confidence"] for x in inside if x["role"] == "compute"} == {
        "likely",
        "possible",
    }
    assert (block["precision"], block["precision_confidence"]) == ("FP16", "possible")
    assert not any("not visible" in text for text in block["precision_evidence"])


@pytest.mark.parametrize(("name", "share"), [("T-DevH*d7b6aa32", 1.0), ("tomgoter*", 0.56)])
def test_conversions_of_old_plans_are_not_counted_as_computing(
    name: str, share: float, shared: Path, capsys
) -> None:
    (plan,) = (shared / "corpus" / "public" / "plans").glob(f"{name}.plan")
    told = engine_of(capsys, "inspect", plan)
    moved = [x for x in told["layers"] if " reformatter " in x["name"]]
    assert moved and {x["role"] for x in moved} == {"data-movement"}
    assert told["summary"]["fp16_share"]["layers"] == pytest.approx(share, abs=0.01)


def test_a_log_that_was_cut_off_is_told_as_such(shared: Path, tmp_path: Path, capsys) -> None:
    whole = (shared / "corpus" / "h100-trt86" / "cnn.fp16" / "build.log.gz").read_bytes()
    plain, packed = tmp_path / "cut.log", tmp_path / "cut.log.gz"
    plain.write_bytes(gzip.decompress(whole)[:100_000])
    packed.write_bytes(whole[: len(whole) // 2])
    told = engine_of(capsys, "explain", "--log", plain)
    assert any("ends before the build does" in note for note in told["notes"])
    told = engine_of(capsys, "explain", "--log", packed)
    assert any("damaged" in note for note in told["notes"])


def test_a_second_log_of_another_model_is_not_said_to_agree(shared: Path, capsys) -> None:
    pytest.importorskip("numpy")
    corpus = shared / "corpus" / "h100-trt86"
    logs = [corpus / name / "build.log.gz" for name in ("simple.fp16", "cnn.fp16")]
    told = engine_of(capsys, "explain", "--log", logs[0], "--log", logs[1])
    assert any("no layer of this engine" in note for note in told["notes"])


def test_an_error_at_the_end_of_a_build_is_told_beside_the_answer(shared: Path, capsys) -> None:
    pytest.importorskip("numpy")
    log = shared / "corpus" / "h100-trt86" / "failed" / "simple.vc.build.log.gz"
    told = engine_of(capsys, "explain", "--log", log)
    assert any("libnvinfer_lean" in note for note in told["notes"])
    own = shared / "corpus" / "h100-trt86" / "simple.fp16" / "build.log.gz"
    assert not engine_of(capsys, "explain", "--log", own)["notes"]


def test_without_highspy_the_builders_choice_is_not_solved_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setitem(sys.modules, "highspy", None)
    monkeypatch.setattr("trtdoctor.precision.log.solver.LARGEST_TABLE", 0)
    log = Path(__file__).parents[1] / "data" / "buildlog" / "trt86-cnn.fp16.log.gz"
    told = engine_of(capsys, "explain", "--log", log)
    assert any("could not be solved again: " in note for note in told["notes"])
    assert told["choice"] is None and told["layers"]
