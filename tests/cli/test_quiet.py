"""``-q`` prints one line, whatever was asked and however it ends: what a log or CI keeps of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import planwriter
import pytest

from trtdoctor.cli.app import run
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import EngineReport, Precision, Summary
from trtdoctor.model.report import Report, Tool, Verdict
from trtdoctor.render.one_line import render_one_line
from trtdoctor.testing import snapshot_of

HOSTS = Path(__file__).parents[1] / "hosts"
DATA = Path(__file__).parents[1] / "data"


def line(words: list[str], capsys: Any) -> tuple[int, str]:
    code = run(words)
    out = capsys.readouterr().out
    assert out.endswith("\n") and out.count("\n") == 1
    assert out.startswith("trtdoctor: ")
    return code, out.removeprefix("trtdoctor: ").strip()


@pytest.mark.parametrize(
    ("host", "code", "says"),
    [
        ("healthy-h100-trt86", 0, "healthy: no errors and no warnings"),
        ("imagined-driver-too-old", 1, "problems: 1 error; first DRV003 driver-too-old-for-cuda"),
        ("container-without-gpu", 1, "problems: 2 errors; first CTR001 container-without-gpu: "),
        ("imagined-gtx-1080", 0, "problems: 1 warning; first GPU002 hardware-no-fast-fp16"),
        ("imagined-unknown-gpu", 3, "inconclusive: 3 checks could not decide; first GPU002"),
    ],
)
def test_a_machine_is_one_line(host: str, code: int, says: str, capsys: Any) -> None:
    assert (found := line(["check", "--host", str(HOSTS / host), "-q"], capsys))[0] == code
    assert found[1].startswith(says)


def test_what_does_not_apply_is_why_nothing_was_checked(capsys: Any) -> None:
    host = str(HOSTS / "healthy-h100-trt86")
    code, said = line(["check", "--host", host, "--select", "ENG", "-q"], capsys)
    assert code == 3
    assert said.startswith("inconclusive: nothing was checked")


def test_an_explained_log_is_its_answer(capsys: Any) -> None:
    log = DATA / "buildlog" / "trt86-cnn.fp16.log.gz"
    code, said = line(["explain", "--log", str(log), "-q"], capsys)
    assert code == 0
    assert said.startswith("trt86-cnn.fp16.log.gz: ") and "compute layers are FP16" in said


def test_listed_layers_are_counted(capsys: Any) -> None:
    layers = DATA / "layers" / "trt86.cnn.fp16.layers.json"
    code, said = line(["inspect", "--layers", str(layers), "-q"], capsys)
    assert code == 0 and "compute layers are FP16" in said
    failed, said = line(["inspect", "--layers", str(layers), "-q", "--expect", "fp16:1"], capsys)
    assert failed == 1
    assert said.startswith("problems: 1 error; first PRC001")
    assert "compute layers are FP16" in said


def test_a_broken_file_is_one_line_too(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "m.engine"
    file.write_bytes(planwriter.plan(planwriter.releases()["10.3"])[:300])
    code, said = line(["inspect", str(file), "-q", "--no-live"], capsys)
    assert code == 2 and "ENG" in said


def test_a_saved_report_is_told_as_it_was(tmp_path: Path, capsys: Any) -> None:
    target = tmp_path / "r.json"
    host = str(HOSTS / "imagined-driver-too-old")
    first = line(["check", "--host", host, "-q", "-o", str(target)], capsys)
    assert line(["report", "show", str(target), "-q"], capsys) == first
    assert line(["report", "rejudge", str(target), "-q"], capsys) == first


def test_files_hold_all_of_it(tmp_path: Path, capsys: Any) -> None:
    text = tmp_path / "r.txt"
    line(["check", "--host", str(HOSTS / "container-without-gpu"), "-q", "-o", str(text)], capsys)
    assert len(text.read_text().splitlines()) > 20


def report(verdict: Verdict = Verdict.HEALTHY, **parts: Any) -> Report:
    return Report(
        created="2026-01-01T00:00:00Z",
        tool=Tool(version="0", knowledge="2026-01-01"),
        command="inspect",
        verdict=verdict,
        snapshot=snapshot_of({}),
        **parts,
    )


def test_a_comparison_is_its_verdict() -> None:
    compared = Comparison(a="a.engine", b="b.engine", verdict="Worth it: B is twice as fast.")
    assert render_one_line(report(comparisons=(compared,))) == (
        "trtdoctor: Worth it: B is twice as fast\n"
    )


def test_many_files_are_named_up_to_three() -> None:
    summary = Summary(layers_by_precision={Precision.FP16: 1, Precision.UNKNOWN: 1})
    engine = EngineReport(path="/x/e.engine", what="A plan.", summary=summary)
    told = render_one_line(report(engines=(engine,) * 5))
    assert told.count("e.engine: ") == 3 and told.endswith("; 2 more\n")


def test_no_name_makes_a_line_of_its_own() -> None:
    engine = EngineReport(path="a\nb\x1b[31m\u2028.engine", answer="One\ntwo. Three.")
    told = render_one_line(report(engines=(engine,)))
    assert told.count("\n") == 1 and "\x1b" not in told and "\u2028" not in told
    assert "One two" in told and "Three" not in told


def test_a_report_that_names_no_finding_is_believed() -> None:
    hollow = msgspec.structs.replace(report(), verdict=Verdict.PROBLEMS)
    assert render_one_line(hollow) == "trtdoctor: problems, which the report does not name\n"
