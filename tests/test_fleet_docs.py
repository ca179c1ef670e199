"""What docs/fleet.md tells a site to run is what runs: each command, each manifest, the playbook."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleetmaker import machine, write

from trtdoctor.cli.app import run

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "fleet.md"
FILES = ROOT / "docs" / "fleet"
HOST = ROOT / "tests" / "hosts" / "healthy-h100-trt86"


def lines() -> list[str]:
    """The commands of the page, without their remarks."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in shown)
    return [re.sub(r"\s{2,}#.*", "", line[2:]) for line in shown]


def trtdoctors(words: list[str]) -> Iterator[list[str]]:
    """The arguments of each trtdoctor in a command of other programs."""
    while "trtdoctor" in words:
        words = words[words.index("trtdoctor") + 1 :]
        end = next((n for n, word in enumerate(words) if word in ("|", ";", ">")), len(words))
        if words and words[0] in ("check", "report"):
            yield words[:end]


def understood(words: list[str]) -> None:
    command = importlib.import_module(f"trtdoctor.cli.{words[0]}").command
    context = command.make_context(words[0], words[1:])
    if words[0] == "report":
        name, sub, rest = command.resolve_command(context, words[1:])
        context = sub.make_context(name, rest)
    assert not context.args


@pytest.mark.parametrize("line", lines())
def test_a_command_of_the_page_is_one(line: str) -> None:
    subprocess.run(["bash", "-n", "-c", line], check=True)
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    for arguments in trtdoctors(words):
        understood(arguments)
    for file in re.findall(r"docs/fleet/\S+", line):
        assert (ROOT / file).is_file()


def test_the_commands_on_reports_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    write(Path("reports"), machine("node01"), machine("node02", "imagined-gtx-1080"))
    own = [line for line in lines() if line.startswith("trtdoctor report")]
    assert len(own) >= 6
    codes = [run(shlex.split(line)[1:]) for line in own]
    assert set(codes) == {0, 1}
    assert Path("fleet.html").is_file() and Path("fleet.json").is_file()


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """Programs of a site that run what they are given, and a trtdoctor that looks at a recorded machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    own = f'exec {sys.executable} -m trtdoctor "$@"'
    recorded = f'[ "$1" = check ] && set -- "$@" --host {HOST}\n{own}'
    scripts = {
        "trtdoctor": recorded,
        "srun": 'while [ "${1#-}" != "$1" ]; do shift; done; "$@"',
        "pdsh": 'shift 2; "$@"',
        "ssh": 'shift; [ "$1" = down ] && exit 255; shift; "$@"',
        "kubectl": "cat pods.log",
    }
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_reports_are_collected_as_the_page_tells(tmp_path: Path, programs: dict[str, str]) -> None:
    (tmp_path / "hosts.txt").write_text("node01\ndown\n")
    shared = tmp_path / "shared"
    for program in ("srun", "pdsh", "mkdir"):
        (line,) = [line for line in lines() if line.startswith(program)]
        line = line.replace("/shared/", f"{shared}/")
        shared.mkdir(exist_ok=True)
        subprocess.run(["bash", "-c", line], cwd=tmp_path, env=programs, check=False, text=True)
    assert [file.name for file in (shared / "reports").iterdir()] == ["h100-box.json"]
    assert json.loads((tmp_path / "reports" / "node01.json").read_text())["command"] == "check"
    # A host that did not answer is not forgotten.
    done = subprocess.run(
        [sys.executable, "-m", "trtdoctor", "report", "fleet", "reports"],
        **{"cwd": tmp_path, "capture_output": True, "text": True},
    )
    assert done.returncode == 3 and "down.json: cannot be read: it is empty" in done.stdout


def test_logs_of_pods_are_a_fleet(tmp_path: Path, programs: dict[str, str]) -> None:
    (tmp_path / "pods.log").write_text(
        "".join(json.dumps(machine(f"node{n}"), indent=2) + "\n" for n in range(3))
    )
    piped = [line for line in lines() if line.startswith("kubectl logs")]
    assert len(piped) == 2
    for line in piped:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=programs, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Healthy: no errors and no warnings on any of 3 machines." in done.stdout


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    spec = manifest["spec"]["template"]["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


@pytest.mark.parametrize("name", ["job.yaml", "daemonset.yaml"])
def test_a_manifest_holds_to_the_schema_of_kubernetes(name: str) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    manifest = yaml.safe_load((FILES / name).read_text())
    for version in ("1.27", validator.latest_version()):
        validator.validate(manifest, version, strict=True)


@pytest.mark.parametrize("name", ["job.yaml", "daemonset.yaml"])
def test_a_manifest_looks_once_at_each_node_and_needs_no_privileges(name: str) -> None:
    manifest = yaml.safe_load((FILES / name).read_text())
    (check,) = [it for it in containers(manifest) if it["name"] == "check"]
    assert check["command"][0] == "trtdoctor"
    understood(check["command"][1:])
    for container in containers(manifest):
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "trtdoctor"}


def test_the_playbook_asks_for_what_trtdoctor_understands() -> None:
    (play,) = yaml.safe_load((FILES / "playbook.yaml").read_text())
    (block,) = play["tasks"]
    (argv,) = [
        task["ansible.builtin.command"]["argv"]
        for task in block["block"]
        if "ansible.builtin.command" in task
    ]
    understood([word.replace("{{ report.path }}", "a.json") for word in argv[1:]])


@pytest.mark.slow
def test_the_playbook_brings_the_reports(tmp_path: Path, programs: dict[str, str]) -> None:
    program = shutil.which("ansible-playbook", path=str(Path(sys.executable).parent))
    program = program or shutil.which("ansible-playbook")
    if program is None:
        pytest.skip("no ansible-playbook here")
    shutil.copy(FILES / "playbook.yaml", tmp_path)
    (tmp_path / "inventory").write_text(
        "[gpu]\n"
        + "".join(
            f"node0{n} ansible_connection=local ansible_python_interpreter={sys.executable}\n"
            for n in (1, 2)
        )
    )
    done = subprocess.run(
        [program, "-i", "inventory", "playbook.yaml"],
        **{"cwd": tmp_path, "env": programs, "capture_output": True, "text": True},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == [
        "node01.json",
        "node02.json",
    ]
