"""Reports that somebody else wrote: shown, compared and judged anew without obeying them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EVIL = "\x1b[31m**</details><script>\n# H"


def doctor(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trtdoctor", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def report(tmp_path: Path) -> dict:
    doctor("check", "-o", "good.json", cwd=tmp_path)
    return json.loads((tmp_path / "good.json").read_text())


def test_a_hostile_report_is_shown_and_not_obeyed(report: dict, tmp_path: Path) -> None:
    for outcome in report["outcomes"]:
        outcome["check"] |= {"id": EVIL, "name": EVIL, "title": EVIL, "plugin": EVIL}
        outcome["reason"] = EVIL
    report["snapshot"]["facts"][EVIL] = {"status": "ok", "value": EVIL}
    (tmp_path / "evil.json").write_text(json.dumps(report))
    for format in ("terminal", "markdown", "html"):
        shown = doctor("report", "show", "evil.json", "-v", "--format", format, cwd=tmp_path)
        assert "a bug" not in shown.stderr
        assert "\x1b" not in shown.stdout
        assert format == "html" or "\n# H" not in shown.stdout
        if format != "terminal":
            assert "<script>" not in shown.stdout.replace("\\<script\\>", "")
    differs = doctor("report", "diff", "good.json", "evil.json", cwd=tmp_path)
    assert differs.returncode == 1
    assert "\x1b" not in differs.stdout and "\n# H" not in differs.stdout


@pytest.mark.parametrize("value", [3, "text", [], ["a"], {"variables": 3}, {"variables": {"A": 1}}])
def test_a_fact_of_another_shape_costs_at_most_its_checks(
    value: object, report: dict, tmp_path: Path
) -> None:
    for fact in report["snapshot"]["facts"].values():
        fact |= {"status": "ok", "value": value}
    (tmp_path / "odd.json").write_text(json.dumps(report))
    for command in ("show", "rejudge"):
        done = doctor("report", command, "odd.json", "--share", cwd=tmp_path)
        assert done.returncode in (0, 1, 3), done.stderr
    assert doctor("report", "rejudge", "odd.json", cwd=tmp_path).returncode == 3


def test_showing_ends_as_the_check_did_where_a_note_crashed(report: dict, tmp_path: Path) -> None:
    for outcome in report["outcomes"]:
        outcome |= {"status": "passed", "findings": []}
    crashed = next(o for o in report["outcomes"] if o["check"]["severity"] == "info")
    crashed["status"] = "crashed"
    where = f"check {crashed['check']['id']} {crashed['check']['name']} (trtdoctor)"
    report["problems"] = [{"kind": "crashed", "where": where, "message": "ValueError: x"}]
    (tmp_path / "crashed.json").write_text(json.dumps(report))
    assert doctor("report", "show", "crashed.json", cwd=tmp_path).returncode == 0
    noted = doctor("report", "show", "crashed.json", "--fail-on", "info", cwd=tmp_path)
    assert noted.returncode == 3
    report["problems"] = [{"where": "plugin acme 1.0", "message": "did not load"}]
    (tmp_path / "unloaded.json").write_text(json.dumps(report))
    assert doctor("report", "show", "unloaded.json", cwd=tmp_path).returncode == 3


def test_json_on_a_terminal_is_not_obeyed_either(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    name = "conv\x9b31m\u202ex\x7f"
    (tmp_path / "layers.json").write_text(
        json.dumps({"Layers": [{"Name": name, "LayerType": "b"}]})
    )
    ours, theirs = pty.openpty()
    words = ["inspect", "--layers", "layers.json", "--format", "json"]
    with subprocess.Popen(
        [sys.executable, "-m", "trtdoctor", *words], cwd=tmp_path, stdout=theirs
    ) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 1 << 16):
                said += piece
        os.close(ours)
    assert process.returncode == 0
    assert not {"\x9b", "\u202e", "\x7f"} & set(said.decode())
    assert json.loads(said)["engines"][0]["layers"][0]["name"] == name
    piped = doctor(*words, cwd=tmp_path).stdout
    assert "\u202e" in piped
