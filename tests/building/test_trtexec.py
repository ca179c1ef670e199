"""Builds by a trtexec. A program of the test's own stands in for it: none can be had here."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

import trtdoctor
from trtdoctor.builder.request import BuildRequest
from trtdoctor.engines.sidecar import find_side_car
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.reporting.look_session import Looking
from trtdoctor.run.bench import Building
from trtdoctor.run.building import examine_built

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

PROGRAM = """#!{python}
import gzip, json, os, shutil, sys
words = dict(word.partition("=")[::2] for word in sys.argv[1:])
here = os.path.dirname(os.path.abspath(__file__))
if "--help" in words:
    print(open(os.path.join(here, "help.txt")).read())
    sys.exit(0)
json.dump(sys.argv[1:], open(os.path.join(here, "asked.json"), "w"))
print("&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec " + " ".join(sys.argv[1:]))
print("[11/26/2026-10:00:00] [I] Precision: FP32+FP16" if "--fp16" in words else "[I] Precision: FP32")
if os.path.exists(os.path.join(here, "fails")):
    print("[11/26/2026-10:00:01] [E] Error[10]: Could not find any implementation for node /conv1/Conv.")
    sys.exit(1)
shutil.copyfile(os.path.join(here, "engine"), words["--saveEngine"])
if "--exportTimes" in words:
    runs = [dict(startComputeMs=i * 1.0, endComputeMs=i + 0.5, computeMs=0.5, startInMs=i, endInMs=i,
                 inMs=0.1, startOutMs=i, endOutMs=i, outMs=0.1, latencyMs=0.7, startEnqMs=i, endEnqMs=i,
                 enqMs=0.05) for i in range(40)]
    json.dump(runs, open(words["--exportTimes"], "w"))
"""
OPTIONS = (
    "--onnx --saveEngine --fp16 --bf16 --int8 --best --noTF32 --memPoolSize --minShapes --optShapes "
    "--maxShapes --inputIOFormats --outputIOFormats --layerPrecisions --layerOutputTypes "
    "--precisionConstraints --timingCacheFile --avgTiming --builderOptimizationLevel --tacticSources "
    "--profilingVerbosity --exportLayerInfo --exportProfile --exportTimes --separateProfileRun "
    "--skipInference --verbose --versionCompatible --hardwareCompatibilityLevel"
)


@pytest.fixture
def trtexec(tmp_path: Path, python: str) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "trtexec"
    program.write_text(PROGRAM.format(python=python))
    program.chmod(0o755)
    (folder / "help.txt").write_text(
        f"&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # x\n{OPTIONS}"
    )
    plans = sorted((CORPUS / "h100-trt86").rglob("*.plan")) if CORPUS.is_dir() else []
    if not plans:
        pytest.skip("no engines of TensorRT 8.6 are here")
    shutil.copyfile(plans[0], folder / "engine")
    return program


@pytest.fixture
def python() -> str:
    import sys

    return sys.executable


def _model(folder: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="/relu")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 8])],
    )
    path = folder / "m.onnx"
    onnx.save(helper.make_model(graph, ir_version=9), path)
    return path


def _build(tmp_path: Path, trtexec: Path, **change: object) -> trtdoctor.Report:
    request = BuildRequest(model=_model(tmp_path), engine=tmp_path / "m.engine")
    for name, value in change.items():
        request = type(request)(**{**request.__dict__, name: value})
    building = Building(request=request, trtexec=str(trtexec))
    return examine_built(building, Looking(deadline=60)).report()


def _asked(trtexec: Path) -> list[str]:
    found: list[str] = json.loads((trtexec.parent / "asked.json").read_text())
    return found


def test_an_engine_its_log_and_its_record_come_out(tmp_path: Path, trtexec: Path) -> None:
    report = _build(tmp_path, trtexec)
    engine = report.engines[0]
    assert engine.build is not None and engine.build.through == "trtexec"
    assert engine.build.version == "8.6.0" and engine.build.flags == ("FP16",)
    assert (
        engine.measured is not None and engine.measured.single_ms is not None
    ) or engine.measured
    log = gzip.decompress((tmp_path / "m.engine.build.log.gz").read_bytes())
    assert b"RUNNING TensorRT.trtexec" in log
    found = find_side_car(tmp_path / "m.engine")
    assert found is not None and found.engine is not None and found.log is not None
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_everything_that_is_asked_for_is_passed_on(tmp_path: Path, trtexec: Path) -> None:
    shape = ShapeRange(min=(1, 8), opt=(4, 8), max=(16, 8))
    _build(
        tmp_path,
        trtexec,
        shapes={"x": shape},
        io={"x": ("fp16", None)},
        pins={"/relu": "fp32"},
        constraints="obey",
        workspace=1 << 30,
        timing_cache=tmp_path / "t.cache",
        avg_timing=16,
        tactic_sources=("-CUBLAS", "+JIT_CONVOLUTIONS"),
        optimization_level=2,
        tf32=False,
        profile=False,
        hardware_compatible="AMPERE_PLUS",
    )
    asked = _asked(trtexec)
    for word in (
        "--fp16",
        "--noTF32",
        "--minShapes=x:1x8",
        "--optShapes=x:4x8",
        "--maxShapes=x:16x8",
        "--inputIOFormats=fp16:chw",
        "--outputIOFormats=fp32:chw",
        "--precisionConstraints=obey",
        "--layerPrecisions=/relu:fp32",
        "--layerOutputTypes=/relu:fp32",
        "--memPoolSize=workspace:1024",
        f"--timingCacheFile={tmp_path / 't.cache'}",
        "--avgTiming=16",
        "--builderOptimizationLevel=2",
        "--tacticSources=-CUBLAS,+JIT_CONVOLUTIONS",
        "--hardwareCompatibilityLevel=ampere+",
        "--skipInference",
    ):
        assert word in asked, asked


def test_what_it_has_no_option_for_is_refused(tmp_path: Path, trtexec: Path) -> None:
    (trtexec.parent / "help.txt").write_text("--onnx --saveEngine --fp16 --verbose")
    with pytest.raises(UsageError, match="has no --avgTiming"):
        _build(tmp_path, trtexec, avg_timing=4)
    assert not (tmp_path / "m.engine").exists()


def test_a_build_that_fails_says_why_and_keeps_its_log(tmp_path: Path, trtexec: Path) -> None:
    (trtexec.parent / "fails").touch()
    with pytest.raises(InputError, match=r"built no engine from .*m\.onnx: Error\[10\]"):
        _build(tmp_path, trtexec)
    assert (tmp_path / "m.engine.failed.log.gz").exists()
    assert not (tmp_path / "m.engine").exists()


def test_another_program_is_no_trtexec(tmp_path: Path, trtexec: Path) -> None:
    (trtexec.parent / "help.txt").write_text("usage: something else")
    with pytest.raises(InputError, match="is not trtexec"):
        _build(tmp_path, trtexec)


def test_it_is_found_where_no_python_has_tensorrt(
    tmp_path: Path, trtexec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    python = bare / "python"
    import sys

    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{trtexec.parent}:/usr/bin:/bin")
    request = BuildRequest(model=_model(tmp_path), engine=tmp_path / "m.engine")
    look = Looking(deadline=60, python=str(python))
    report = examine_built(Building(request=request), look).report()
    assert report.engines[0].build is not None
    assert report.engines[0].build.program == str(trtexec)


@pytest.mark.parametrize("change", [{"runtime": "rtx"}, {"targets": ("8.9",)}])
def test_it_does_not_stand_in_for_tensorrt_rtx(
    tmp_path: Path, trtexec: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    import sys

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{trtexec.parent}:/usr/bin:/bin")
    targets = {"targets": change["targets"]} if "targets" in change else {}
    request = BuildRequest(model=_model(tmp_path), engine=tmp_path / "m.engine", **targets)  # type: ignore[arg-type]
    building = Building(request=request, runtime=change.get("runtime"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="has no TensorRT that can build"):
        examine_built(building, Looking(deadline=60, python=str(python)))
    assert not (tmp_path / "m.engine").exists()
