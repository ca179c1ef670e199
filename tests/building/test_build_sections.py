"""How a build and its tried remedies are shown."""

from __future__ import annotations

from buildworld import record, spread

from trtdoctor.model.build import BuildSettings, FileHash, Proof
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.finding import Command
from trtdoctor.render.build_sections import build_sections, proof_sections, signed, time


def rows(engine: EngineReport, *, proofs: bool = False) -> dict[str, str]:
    (section,) = (proof_sections if proofs else build_sections)(engine)
    told = {str(row[0]): str(row[1]) for row in section.rows if not isinstance(row, Command)}
    lines = [line for row in section.rows if isinstance(row, Command) for line in row.lines]
    return {**told, **({"to run": "; ".join(lines)} if lines else {})}


def test_times_in_the_unit_that_fits() -> None:
    assert [time(ms) for ms in (0.0123, 1.5, 2500.0)] == ["12.3 us", "1.500 ms", "2.50 s"]
    assert [signed(ms) for ms in (0.5, 0.0, -1.5)] == ["+500.0 us", "0.0 us", "-1.500 ms"]


def test_a_build_that_was_not_recorded() -> None:
    assert list(build_sections(EngineReport(path="e"))) == []
    assert list(proof_sections(EngineReport(path="e"))) == []


def test_how_it_was_built() -> None:
    build = record(
        given=FileHash(path="/m/given.onnx", size=2048, sha256=""),
        converted_by="plan",
        kept=tuple(f"/n{i}" for i in range(7)),
        precision="fp16",
        flags=("FP16", "INT8"),
        io={"x": "fp16:hwc8"},
        pins={"/a": "fp32"},
        settings=BuildSettings(workspace_bytes=1024),
        environment={"NVIDIA_TF32_OVERRIDE": "0"},
        timing_cache=FileHash(path="t.cache", size=1, sha256=""),
        command=("build", "my model.onnx", "e"),
        took_s=12.34,
        notes=("a note",),
    )
    told = rows(EngineReport(path="e", build=build))
    assert told == {
        "Builder": "tensorrt 8.6.1 in 12.3 s, by python",
        "Model": "/m/given.onnx (2.0 KiB)",
        "Converted": "/models/m.onnx, by plan",
        "In FP32": "/n0, /n1, /n2, /n3, /n4 and 2 more",
        "Precision": "fp16; flags FP16, INT8",
        "Network I/O": "x as fp16:hwc8",
        "Pinned": "/a=fp32",
        "Setting": "workspace 1.0 KiB",
        "Variable": "NVIDIA_TF32_OVERRIDE=0",
        "Cache": "t.cache as of before the build",
        "Log": "f",
        "Again": "this builds it again:",
        "to run": "trtdoctor build 'my model.onnx' e",
        "Note": "a note",
    }


def test_a_remedy_that_was_proven() -> None:
    proof = Proof(
        remedies=("allow FP16", "more workspace"),
        change=("--precision", "fp16"),
        promised_ms=(0.1, 0.4),
        before_ms=spread(1.0),
        after_ms=spread(0.5),
        gained_ms=(0.5, 0.48, 0.52),
        plan_before_ms=0.9,
        plan_after_ms=0.4,
        fp16_before=0.0,
        fp16_after=0.75,
        verdict="Worth it.",
    )
    engine = EngineReport(path="e", proofs=(proof,))
    (section,) = proof_sections(engine)
    assert section.title == "Tried: allow FP16 and more workspace"
    told = rows(engine, proofs=True)
    assert told["Promised"] == "100.0 us to 400.0 us less"
    assert told["Measured"] == (
        "1.000 ms (990.0 us to 1.010 ms) before, 500.0 us (490.0 us to 510.0 us) after"
    )
    assert told["Gained"] == "+500.0 us (+480.0 us to +520.0 us)"
    assert told["In the log"].startswith("900.0 us before, 400.0 us after")
    assert told["FP16"] == "0.0% of compute layers before, 75.0% after"


def test_a_remedy_that_was_not() -> None:
    proof = Proof(
        remedies=("allow FP16",), withheld="nobody timed it", verdict="No.", failed="no memory"
    )
    told = rows(EngineReport(path="e", proofs=(proof,)), proofs=True)
    assert told == {"Verdict": "No.", "Promised": "nothing: nobody timed it", "Failed": "no memory"}
