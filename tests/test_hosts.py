"""Whole machines, recorded or made by hand, replayed: the same findings anywhere, for good.

A golden's name says the machine and the exit code. Hosts named ``healthy-*`` give no error and no
warning. ``recording.json`` of a host that was made by hand says so in its ``note``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trtdoctor.cli.app import run

ROOT = Path(__file__).resolve().parents[1]
HOSTS = sorted(p.parent for p in (Path(__file__).parent / "hosts").glob("*/recording.json"))


def replay(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = run(["check", "--host", str(folder), *options])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
def test_a_host_gives_what_was_read_and_agreed(
    host: Path, capsys: pytest.CaptureFixture[str], golden
) -> None:
    code, text = replay(host, capsys, "-v")
    # The first line tells today's version and the tables' date.
    golden(f"{host.name}.{code}.txt", text.partition("\n")[2])


@pytest.mark.parametrize(
    "host", [h for h in HOSTS if h.name.startswith("healthy-")], ids=lambda p: p.name
)
def test_a_healthy_host_has_no_error_and_no_warning(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = replay(host, capsys, "--format", "json", "--fail-on", "warning")
    assert code == 0
    assert json.loads(text)["verdict"] == "healthy"


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
def test_private_data_of_a_host_are_not_in_what_is_shared(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = replay(host, capsys, "--format", "json")
    facts = json.loads(text)["snapshot"]["facts"]
    private = {facts["system.os"]["value"][key] for key in ("host", "user")} - {"root", None}
    for gpu in (facts["nvidia.gpus"].get("value") or {"devices": []})["devices"]:
        private |= {gpu["uuid"], gpu["serial"]} - {None}
    for kind in ("markdown", "html", "junit", "sarif", "github", "prometheus"):
        _, shared = replay(host, capsys, "--format", kind)
        for secret in private:
            assert not re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", shared)


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
def test_an_answer_that_is_deleted_never_makes_a_machine_healthier(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each child's and command's answer in turn: what it told becomes unknown, never a pass."""
    _, text = replay(host, capsys, "--format", "json")
    before = {o["check"]["id"]: o for o in json.loads(text)["outcomes"]}
    copy = tmp_path / host.name
    shutil.copytree(host, copy)
    lines = (host / "answers.jsonl").read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if json.loads(line)["ask"] not in ("child", "run"):
            continue
        (copy / "answers.jsonl").write_text("".join(lines[:number] + lines[number + 1 :]))
        _, text = replay(copy, capsys, "--format", "json")
        for outcome in json.loads(text)["outcomes"]:
            old = before[outcome["check"]["id"]]["status"]
            if outcome["status"] == "passed":
                assert old in ("passed", "not_applicable"), (line[:120], outcome["check"]["id"])


def test_the_recordings_of_imagined_machines_are_current(tmp_path: Path) -> None:
    script = ROOT / "tests/hosts/imagined.py"
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    subprocess.run(
        [sys.executable, script, tmp_path], check=True, env={**os.environ, "PYTHONPATH": path}
    )
    refresh = "run 'python tests/hosts/imagined.py', then pytest --update-golden and read the diff"
    kept = {host.name for host in HOSTS if "imagined-" in host.name}
    assert kept == {folder.name for folder in tmp_path.iterdir()}, refresh
    for folder in tmp_path.iterdir():
        for file in folder.iterdir():
            old = script.parent / folder.name / file.name
            assert old.read_bytes() == file.read_bytes(), f"{old} is not current: {refresh}"
