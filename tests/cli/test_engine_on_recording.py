"""An engine of today on a machine that was recorded: told by its file and by that machine's facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import planwriter
import pytest

from trtdoctor.cli.app import run

HOSTS = Path(__file__).parents[1] / "hosts"


@pytest.mark.parametrize(
    "host", ["healthy-h100-trt86", "imagined-gtx-1080", "container-without-gpu"]
)
def test_an_engine_is_judged_by_its_file(host: str, tmp_path: Path, capsys: Any) -> None:
    engine = tmp_path / "m.engine"
    engine.write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    code = run(["check", str(engine), "--host", str(HOSTS / host), "--format", "json"])
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert code in (0, 1) and said.err == ""
    loads = report["snapshot"]["facts"]["engine.loads"]
    if host == "healthy-h100-trt86":
        assert loads["status"] == "not_run"
        assert "`trtdoctor check ENGINE --record DIR` records it" in loads["reason"]
    decided = {o["check"]["name"]: o for o in report["outcomes"]}
    files = report["snapshot"]["facts"]["engine.files"]
    assert files["status"] == "ok" and files["value"]["files"][0]["path"] == str(engine)
    assert decided["engine-not-a-plan"]["status"] == "passed"
    for outcome in report["outcomes"]:
        reason = outcome["reason"] or ""
        assert "NotRecorded" not in reason and "payload" not in reason


def test_a_machine_that_runs_it_is_not_called_undecided(tmp_path: Path, capsys: Any) -> None:
    engine = tmp_path / "m.engine"
    engine.write_bytes(planwriter.plan(planwriter.releases()["8.6"]))
    host = str(HOSTS / "healthy-h100-trt86")
    run(["check", str(engine), "--host", host, "--format", "json"])
    with_engine = json.loads(capsys.readouterr().out)["outcomes"]
    unknown = {o["check"]["id"] for o in with_engine if o["status"] == "unknown"}
    assert not unknown & {"ENG010", "ENG011", "ENG013"}


def test_what_a_recording_lacks_is_told_in_a_users_words(tmp_path: Path, capsys: Any) -> None:
    host = HOSTS / "healthy-h100-trt86"
    lines = (host / "answers.jsonl").read_text().splitlines(keepends=True)
    for name in ("recording.json", "answers.jsonl"):
        text = (host / name).read_text()
        if name == "answers.jsonl":
            text = "".join(line for line in lines if json.loads(line)["ask"] != "child")
        (tmp_path / name).write_text(text)
    run(["check", "--host", str(tmp_path)])
    out = " ".join(capsys.readouterr().out.split())
    assert "the recording says nothing of it" in out and "trtdoctor check --record DIR" in out
    assert "NotRecorded" not in out and "payload" not in out
