"""Engines that ``trtdoctor build`` makes with TensorRT-RTX on the CPU."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import graphmodels
import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from rtxbuilds import ADA, HERE, build, names, side_car, write

import trtdoctor
from trtdoctor.builder.hashes import is_still
from trtdoctor.cli.app import run
from trtdoctor.engines.trials import request_of
from trtdoctor.model.build import BuildRecord
from trtdoctor.model.engine import EngineReport

pytest.importorskip("tensorrt_rtx")


def record(report: EngineReport) -> BuildRecord:
    assert report.build is not None
    return report.build


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr()
    assert "Traceback" not in told.err and told.out == ""
    return " ".join(told.err.split())


def open_model() -> Any:
    """One MatMul whose batch is open."""
    return graphmodels.model(
        [graphmodels.n("MatMul", ["x", "w"], ["y"], name="/mm")],
        [("x", T.FLOAT, ["batch", 64])],
        [("y", T.FLOAT, ["batch", 64])],
        [graphmodels.w("w", 64, 64)],
    )


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An FP32 model built as FP16 for Ada."""
    folder = tmp_path_factory.mktemp("converted")
    model = write(folder, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA) == 0
    return folder / "m.engine"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model in FP32, for two GPUs."""
    folder = tmp_path_factory.mktemp("wide")
    model = write(folder, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, "--precision", "fp32", "--target-cc", "8.9,12.0") == 0
    return folder / "m.engine"


def test_what_lies_beside_an_engine(converted: Path) -> None:
    assert names(converted.parent) == [
        "m.engine",
        "m.engine.build.log.gz",
        "m.engine.onnx",
        "m.engine.trtdoctor.json",
        "m.onnx",
    ]
    with gzip.open(converted.parent / "m.engine.build.log.gz", "rt") as log:
        assert "Precision: Strongly Typed" in log.read()


def test_a_converted_model_is_told(converted: Path) -> None:
    told = side_car(converted)
    made = record(told)
    assert made.converted_by == "plan" and made.kept == ()
    assert made.given is not None and made.given.path.endswith("/m.onnx")
    assert made.model.path.endswith("/m.engine.onnx")
    assert made.product == "tensorrt-rtx" and made.targets == ("8.9",)
    assert any("it was converted to FP16 as by 'trtdoctor plan'" in note for note in made.notes)
    assert any("it was built on a CPU and not run" in note for note in made.notes)
    assert told.measured is None and told.summary is not None
    assert told.summary.fp16_share.layers == 1.0
    for what in (made.model, made.given):
        assert is_still(Path(what.path), what)
    assert is_still(converted, made.engine) and made.engine.path == "m.engine"


def test_fp32_for_two_gpus(wide: Path) -> None:
    made = record(side_car(wide))
    assert made.converted_by is None and made.given is None
    assert made.targets == ("8.9", "12.0") and made.precision == "fp32"
    assert made.settings.compute_capabilities == ("8.9", "12.0")
    report = side_car(wide)
    assert {told.cause.value for told in report.explanations} == {"graph-says-fp32"}


def test_a_record_asks_for_what_was_built(wide: Path, converted: Path) -> None:
    for engine in (wide, converted):
        made = record(side_car(engine))
        again = request_of(made, engine, engine.parent / "m.onnx")
        assert again.words() == made.command[: len(again.words())]


@pytest.mark.parametrize("name", ["mlp_fp16", "io_cast_fp16"])
def test_a_16_bit_model_is_built_as_it_is(tmp_path: Path, name: str) -> None:
    model = write(tmp_path, graphmodels.MODELS[name]())
    assert build(model, *ADA) == 0
    made = record(side_car(tmp_path / "m.engine"))
    assert made.converted_by is None and made.given is None
    assert "built as it is and not converted" in made.notes[0]
    assert not (tmp_path / "m.engine.onnx").exists()


def test_types_that_no_option_changes(tmp_path: Path) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp16"]())
    assert build(model, *ADA, "--precision", "fp32") == 0
    made = record(side_car(tmp_path / "m.engine"))
    assert "--precision fp32 changes nothing of that" in made.notes[0]


def test_without_conversion_the_engine_is_fp32(tmp_path: Path) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--convert", "none", "--io", "fp16") == 0
    told = side_car(tmp_path / "m.engine")
    made = record(told)
    assert "the engine is FP32 although --precision fp16 was asked for" in made.notes[0]
    assert told.summary is not None and told.summary.fp16_share.layers == 0.0
    again = request_of(made, tmp_path / "m.engine", model)
    assert again.convert == "none" and again.io_all == "fp16"
    assert again.words() == made.command[: len(again.words())]


def test_bf16(tmp_path: Path) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--precision", "bf16") == 0
    made = record(side_car(tmp_path / "m.engine"))
    assert made.converted_by == "plan" and "converted to BF16" in made.notes[0]


def test_explain_finds_all_by_itself(wide: Path) -> None:
    (told,) = trtdoctor.explain(wide, live=False).engines
    assert {each.cause.value for each in told.explanations} == {"graph-says-fp32"}
    assert told.layers and told.build is not None
    assert any("how it was built is told by m.engine.trtdoctor.json" in n for n in told.notes)


def test_inspect_and_check_find_the_layers(wide: Path) -> None:
    (told,) = trtdoctor.inspect(wide, live=False).engines
    assert len(told.layers) == len(side_car(wide).layers) > 0
    stale = next(
        each for each in trtdoctor.check(wide, live=False).outcomes if each.check.id == "ENG014"
    )
    assert stale.status.value == "passed" and not stale.findings


def test_compare_reads_both_side_cars(wide: Path, converted: Path) -> None:
    (found,) = trtdoctor.compare(wide, converted, live=False).comparisons
    assert found.layers and "neither engine was measured" in found.verdict


def test_remedies_are_built_and_not_timed(wide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", str(wide), "--verify", "--python", sys.executable, "--format", "json"]
    assert run(words) == 0
    (told,) = json.loads(capsys.readouterr().out)["engines"]
    (proof,) = told["proofs"]
    assert proof["remedies"] == ["convert the model to FP16"]
    assert proof["verdict"].startswith("It was built and not timed, so nothing is proven")
    assert proof["fp16_after"] == 1.0 and proof["fp16_before"] == 0.0
    assert proof["withheld"] and proof["promised_ms"] is None
    assert names(wide.parent) == [
        "m.engine",
        "m.engine.build.log.gz",
        "m.engine.trtdoctor.json",
        "m.onnx",
    ]


def test_pins_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--pin", "/fc1/Gemm=fp32") == 2
    assert "--pin and --constraints are for builders that choose precisions" in refused(capsys)
    assert names(tmp_path) == ["m.onnx"]


def test_no_target_and_no_gpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU")
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model) == 2
    assert "finds no GPU" in (told := refused(capsys)) and "--target-cc 8.9" in told
    assert names(tmp_path) == ["m.onnx"]


def test_open_extents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, open_model())
    assert build(model, *ADA, "--precision", "fp32") == 2
    assert "input x of" in (told := refused(capsys)) and "--shapes x=1x64" in told
    assert not (tmp_path / "m.engine").exists()
    shapes = ("--shapes", "x=4x64", "--min-shapes", "x=1x64", "--max-shapes", "x:8x64")
    assert build(model, *ADA, *shapes) == 0
    made = record(side_car(tmp_path / "m.engine"))
    shape = made.shapes["x"]
    assert (shape.min, shape.opt, shape.max) == ((1, 64), (4, 64), (8, 64))
    again = request_of(made, tmp_path / "m.engine", model)
    assert again.words() == made.command[: len(again.words())]


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ("x=4x65", "4x65 does not fit input x"),
        ("x=4", "4 does not fit input x"),
        ("z=4x64", "has no input z, which --shapes names; there is x"),
    ],
)
def test_shapes_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shapes: str, said: str
) -> None:
    model = write(tmp_path, open_model())
    assert build(model, *ADA, "--precision", "fp32", "--shapes", shapes) == 2
    assert said in refused(capsys)


def test_shapes_of_what_is_not_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--precision", "fp32", "--shapes", "x=1x64") == 2
    assert "input x of" in (told := refused(capsys)) and "nothing of it is open" in told
    assert build(model, *ADA, "--precision", "fp32", "--shapes", "x=8x64") == 0


def test_an_operator_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = h.make_node("Oddity", ["x"], ["y"], name="/odd/Oddity", domain="nowhere")
    proto = graphmodels.model([odd], [("x", T.FLOAT, [2, 3])], [("y", T.FLOAT, [2, 3])])
    proto.opset_import.append(h.make_opsetid("nowhere", 1))
    model = write(tmp_path, proto)
    assert build(model, *ADA, "--precision", "fp32") == 2
    told = refused(capsys)
    assert "cannot parse" in told and "at node /odd/Oddity (Oddity)" in told
    assert "'trtdoctor audit" in told
    assert names(tmp_path) == ["m.engine.failed.log.gz", "m.onnx"]


def test_types_of_network_tensors_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--precision", "fp32", "--io", "q=fp16") == 2
    assert "has no network input or output q, which --io names" in refused(capsys)


def test_models_that_are_none(
    tmp_path: Path, converted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"\xff" * 100)
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    for model in (tmp_path / "absent.onnx", garbage, empty, tmp_path):
        assert run(["build", str(model), str(tmp_path / "e"), *HERE, *ADA]) == 2
        assert str(model) in refused(capsys)
    assert run(["build", str(converted), str(tmp_path / "e"), *HERE, *ADA]) == 2
    assert "engine" in refused(capsys)
    assert names(tmp_path) == ["empty.onnx", "garbage.onnx"]


def test_places_where_no_engine_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    before = model.read_bytes()
    assert run(["build", str(model), str(tmp_path), *HERE, *ADA]) == 2
    assert "it is a folder" in refused(capsys)
    assert run(["build", str(model), str(tmp_path / "no" / "e"), *HERE, *ADA]) == 2
    assert "there is no folder" in refused(capsys)
    assert run(["build", str(model), str(model), *HERE, *ADA]) == 2
    assert "m.onnx" in refused(capsys)
    engine = str(tmp_path / "m.engine")
    for output in (engine, f"{engine}.trtdoctor.json", str(model)):
        assert run(["build", str(model), engine, *HERE, *ADA, "-o", output]) == 2
        assert Path(output).name in refused(capsys)
    assert names(tmp_path) == ["m.onnx"] and model.read_bytes() == before


def test_a_failed_build_keeps_the_engine_that_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--precision", "fp32") == 0
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    capsys.readouterr()
    assert build(model, *ADA, "--precision", "fp32", "--io", "q=fp16") == 2
    for name, content in before.items():
        assert (tmp_path / name).read_bytes() == content


def test_an_engine_that_is_a_link_stays_one(tmp_path: Path) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    (tmp_path / "disk").mkdir()
    (tmp_path / "m.engine").symlink_to(tmp_path / "disk" / "real.engine")
    assert build(model, *ADA, "--precision", "fp32") == 0
    assert (tmp_path / "m.engine").is_symlink()
    assert names(tmp_path / "disk") == ["real.engine"]
    assert is_still(tmp_path / "m.engine", record(side_car(tmp_path / "m.engine")).engine)


def test_autocast_needs_an_interpreter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--convert", "autocast") == 2
    assert "needs an interpreter that has NVIDIA ModelOpt" in refused(capsys)
    assert names(tmp_path) == ["m.onnx"]


def test_nodes_that_a_conversion_keeps_are_named(tmp_path: Path) -> None:
    """Numbers that FP16 cannot hold: what makes them stays as it was."""
    proto = graphmodels.model(
        [
            graphmodels.n("MatMul", ["x", "w"], ["a"], name="/mm"),
            graphmodels.n("Mul", ["a", "big"], ["b"], name="/large"),
            graphmodels.n("Mul", ["b", "small"], ["c"], name="/back"),
            graphmodels.n("MatMul", ["c", "w"], ["y"], name="/mm2"),
        ],
        [("x", T.FLOAT, [8, 64])],
        [("y", T.FLOAT, [8, 64])],
        [
            graphmodels.w("w", 64, 64),
            graphmodels.const("big", 1e8, np.float32),
            graphmodels.const("small", 1e-8, np.float32),
        ],
    )
    model = write(tmp_path, proto)
    assert build(model, *ADA) in (0, 1)
    made = record(side_car(tmp_path / "m.engine"))
    assert made.converted_by == "plan" and made.kept
    assert "nodes stay" in made.notes[0] and "none of its" not in made.notes[0]


def test_weights_beside_the_model(tmp_path: Path) -> None:
    """A model whose weights lie in a file of their own is built, and converted."""
    import onnx

    model = tmp_path / "m.onnx"
    onnx.save(
        graphmodels.MODELS["mlp_fp32"](),
        str(model),
        save_as_external_data=True,
        location="m.weights",
        size_threshold=0,
    )
    assert build(model, *ADA, "--precision", "fp32") == 0
    assert record(side_car(tmp_path / "m.engine")).converted_by is None
    assert build(model, *ADA) == 0
    made = record(side_car(tmp_path / "m.engine"))
    assert made.converted_by == "plan"
    assert not names(tmp_path)[0].startswith(".")


def test_a_recorded_machine_builds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    machine = Path(__file__).parents[1] / "hosts" / "imagined-gtx-1080"
    assert run(["build", str(model), str(tmp_path / "e"), *ADA, "--host", str(machine)]) == 2
    refused(capsys)
    assert names(tmp_path) == ["m.onnx"]


def large_model() -> Any:
    """A chain of MatMuls that no builder is done with in a second."""
    number = 160
    nodes = [
        graphmodels.n(kind, [f"t{i}", f"w{i}"][: 2 if kind == "MatMul" else 1], [f"t{i + 1}"])
        for i, kind in enumerate(["MatMul", "Softmax"] * number)
    ]
    weights = [
        graphmodels.nh.from_array(
            np.random.default_rng(i).standard_normal((192, 192)).astype(np.float32), f"w{i}"
        )
        for i in range(0, 2 * number, 2)
    ]
    return graphmodels.model(
        nodes,
        [("t0", T.FLOAT, [64, 192])],
        [(f"t{2 * number}", T.FLOAT, [64, 192])],
        weights,
    )


def test_a_build_that_takes_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, large_model())
    assert build(model, *ADA, "--precision", "fp32", "--timeout", "1") == 2
    told = refused(capsys)
    assert "did not finish building" in told and "within 1 s" in told and "--timeout" in told
    assert [name for name in names(tmp_path) if "failed" not in name] == ["m.onnx"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    model = write(tmp_path, large_model())
    words = ["build", str(model), str(tmp_path / "m.engine"), *HERE, *ADA, "--precision", "fp32"]
    process = subprocess.Popen(
        [sys.executable, "-m", "trtdoctor", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(trtdoctor.__file__).parents[1])},
    )
    log = tmp_path / ".m.engine.trtdoctor-build" / "build.log"
    while not log.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode not in (0, None), told
    assert "Traceback" not in told
    assert names(tmp_path) == ["m.onnx"]
