"""``trtdoctor build`` from end to end with the imagined TensorRT 8.6, whose engine and log are real."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

import graphmodels
import pytest
from imaginedmachine import Imagined
from planwriter import plan
from rtxbuilds import names, side_car, write

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.engines.trials import request_of
from trtdoctor.model.build import BuildRecord

LOG = Path(__file__).parents[1] / "data" / "buildlog" / "trt86-cnn.fp16.log.gz"
HERE = ("--python", sys.executable, "--runtime", "tensorrt", "--no-profile")


@pytest.fixture
def machine(imagined: Imagined) -> Imagined:
    """The imagined TensorRT with a GPU, an engine to give and a log to tell."""
    imagined.script(gpu=True)
    (imagined.folder / "plan").write_bytes(plan())
    (imagined.folder / "log.txt").write_text(told_by(LOG))
    return imagined


def told_by(log: Path) -> str:
    """The messages of a log, each as the logger was given it."""
    with gzip.open(log, "rt") as stream:
        first, *rest = re.split(r"^\[(?:VERBOSE|INFO|WARNING|ERROR)\] ", stream.read(), flags=re.M)
    assert not first
    return "\x1e".join(text.removesuffix("\n") for text in rest)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return write(folder, graphmodels.MODELS["mlp_fp32"]())


def build(model: Path, *words: str) -> int:
    return run(["build", str(model), str(model.with_name("m.engine")), *HERE, *words])


def record(model: Path) -> BuildRecord:
    made = side_car(model.with_name("m.engine")).build
    assert made is not None
    return made


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr()
    assert "Traceback" not in told.err and told.out == ""
    return " ".join(told.err.split())


def test_all_that_was_asked_is_recorded(machine: Imagined, model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "t.cache"
    words = [
        *("--workspace", "1536K", "--avg-timing", "4", "--optimization-level", "2", "--no-tf32"),
        *("--tactic-sources=-CUBLAS", "--hardware-compatible", "ampere+", "--version-compatible"),
        *("--io", "x=fp16:hwc8", "--pin", "/conv*=fp32", "--constraints", "obey"),
        *("--timing-cache", str(cache)),
    ]
    assert build(model, *words) in (0, 1)
    made = record(model)
    assert made.flags == ("FP16", "VERSION_COMPATIBLE", "OBEY_PRECISION_CONSTRAINTS")
    assert made.pins == {"/conv1/Conv": "fp32", "/conv2/Conv": "fp32"}
    assert made.io == {"x": "fp16:hwc8"} and made.settings.workspace_bytes == 1536 << 10
    assert made.converted_by is None and made.product == "tensorrt"
    assert "it was not run: --no-profile" in made.notes
    assert made.timing_cache is None and cache.read_bytes() == b" and new timings"
    again = request_of(made, model.with_name("again"), model)
    assert (again.constraints, again.tf32, again.workspace) == ("obey", False, 1536 << 10)
    assert again.tactic_sources == ("CUBLAS_LT",)
    assert names(model.parent) == [
        "m.engine",
        "m.engine.build.log.gz",
        "m.engine.trtdoctor.json",
        "m.onnx",
    ]
    # The next build reads what this one learnt, and says what it was.
    assert build(model, "--timing-cache", str(cache)) in (0, 1)
    told = record(model).timing_cache
    assert told is not None and told.size == len(b" and new timings")
    assert cache.read_bytes() == b" and new timings and new timings"


def test_its_log_is_heard(machine: Imagined, model: Path) -> None:
    """The engine is none of that log's, which is noticed."""
    assert build(model) in (0, 1)
    (told,) = trtdoctor.explain(model.with_name("m.engine"), live=False).engines
    assert told.log is None and any("m.engine.build.log.gz" in note for note in told.notes)
    assert told.typing.value == "weak"


def test_best_without_quantised_nodes_is_told(machine: Imagined, model: Path) -> None:
    assert build(model, "--precision", "best") in (0, 1)
    assert record(model).flags == ("FP16",)
    assert any("INT8 and FP8 were not allowed" in note for note in record(model).notes)


def test_an_engine_that_cannot_be_run_is_kept(machine: Imagined, model: Path) -> None:
    """There is no GPU in truth, so that running it fails; the build was not in vain."""
    words = ["build", str(model), str(model.with_name("m.engine")), *HERE[:-1]]
    assert run(words) in (0, 1)
    assert any("it could not be run here, so nothing is timed" in n for n in record(model).notes)
    assert not model.with_name(".m.engine.trtdoctor-build").exists()


@pytest.mark.parametrize(
    ("script", "said", "left"),
    [
        (
            {"ending": "crash"},
            "TensorRT 8.6.1 ended with",
            ["m.engine.failed.log.gz", "m.onnx"],
        ),
        (
            {"ending": "none", "errors": ["10: Could not find any implementation for node a"]},
            "built no engine from",
            ["m.engine.failed.log.gz", "m.onnx"],
        ),
        ({"ending": "raise"}, "an argument is none", ["m.engine.failed.log.gz", "m.onnx"]),
        ({"unparsed": True}, "at node /odd (Odd)", None),
        ({"ending": "full"}, "no space is left for the engine", None),
        ({"ending": "memory"}, "not enough memory to build", None),
    ],
)
def test_builds_that_fail(
    machine: Imagined,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    script: dict[str, Any],
    said: str,
    left: list[str] | None,
) -> None:
    machine.script(gpu=True, **script)
    assert build(model) == 2
    assert said in refused(capsys)
    if left is not None:
        assert names(model.parent) == left
    assert not model.with_name("m.engine").exists()
    assert not model.with_name("m.engine.trtdoctor.json").exists()


def test_a_builder_that_hangs(
    machine: Imagined, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.script(gpu=True, ending="hang")
    assert build(model, "--timeout", "1") == 2
    assert "did not finish building" in (told := refused(capsys)) and "--timeout" in told
    assert not model.with_name("m.engine").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--precision", "bf16"], "has no BF16 flag"),
        (["--precision", "int8"], "needs a quantised model"),
        (["--target-cc", "8.9"], "--target-cc is for TensorRT-RTX"),
        (["--strongly-typed"], "has no strongly typed networks"),
        (["--pin", "/nothing=fp32"], "has no node /nothing, which --pin names"),
    ],
)
def test_what_this_release_cannot_do(
    machine: Imagined,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    assert build(model, *words) == 2
    assert said in refused(capsys)
    assert not model.with_name("m.engine").exists()


def test_without_a_gpu_nothing_is_built(
    machine: Imagined, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.script()
    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU")
    assert build(model) == 2
    assert "builds on the GPU that the engine is for, and finds none" in refused(capsys)
    assert names(model.parent) == ["m.onnx"]


def test_a_cache_that_cannot_be_read(
    machine: Imagined, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(model, "--timing-cache", str(tmp_path)) == 2
    assert str(tmp_path) in refused(capsys)
    assert names(model.parent) == ["m.onnx"]


def test_remedies_of_an_fp32_build(
    machine: Imagined, model: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FP16 was not allowed: it is allowed, built, and cannot be run on a GPU that is imagined."""
    made = shared / "corpus" / "h100-trt85" / "cnn.noflag" / "engine.plan"
    if not made.exists():
        pytest.skip("the corpus has no such engine")
    machine.script(gpu=True, version="8.5.3.1")
    (machine.folder / "plan").write_bytes(made.read_bytes())
    (machine.folder / "log.txt").write_text(told_by(LOG.with_name("trt85-cnn.noflag.log.gz")))
    assert build(model, "--precision", "fp32") in (0, 1)
    capsys.readouterr()
    engine = str(model.with_name("m.engine"))
    words = ["explain", engine, "--verify", "--python", sys.executable, "--format", "json"]
    assert run(words) in (0, 1)
    (told,) = json.loads(capsys.readouterr().out)["engines"]
    assert [proof["remedies"] for proof in told["proofs"]] == [["allow FP16"]]
    (proof,) = told["proofs"]
    assert (
        proof["change"][0] == "trtdoctor"
        and "fp16" in proof["change"]
        and proof["promised_ms"] is None
    )
    assert proof["gained_ms"] is None and "nothing is proven" in proof["verdict"]
    assert "none could be timed" in told["answer"]
    assert machine.asked["flags"] == ["FP16"]


def test_what_was_not_built_here_cannot_be_verified(
    machine: Imagined, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(model) in (0, 1)
    engine = model.with_name("m.engine")
    capsys.readouterr()
    model.unlink()
    verify = ["explain", str(engine), "--verify", "--python", sys.executable]
    assert run(verify) == 2
    assert "is not there any more; put it back" in refused(capsys)
    engine.with_name("m.engine.trtdoctor.json").unlink()
    assert run(verify) == 2
    assert "has no record of its build" in refused(capsys)
