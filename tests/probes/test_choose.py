"""Which interpreter is meant."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trtdoctor.host import Host
from trtdoctor.host.live import LiveBackend
from trtdoctor.probes import UnusablePython, choose
from trtdoctor.testing import FakeMachine


def test_without_a_wish() -> None:
    files = {"/v/bin/python": "", "/c/bin/python": "", "/usr/bin/python3": ""}
    env = {"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c/", "PATH": "relative:/bin:/usr/bin"}
    picked = []
    for variable in ("", "VIRTUAL_ENV", "CONDA_PREFIX", "PATH"):
        env.pop(variable, None)
        picked.append(choose(Host(FakeMachine(files=dict(files), env=dict(env))), None))
    assert [(t.path, t.chosen_by) for t in picked] == [
        ("/v/bin/python", "VIRTUAL_ENV"),
        ("/c/bin/python", "CONDA_PREFIX"),
        ("/usr/bin/python3", "the first python3 on PATH"),
        ("/usr/bin/python3", "trtdoctor's own interpreter"),
    ]


def test_a_broken_environment_is_passed_over_and_told() -> None:
    machine = FakeMachine(
        files={"/usr/bin/python3": ""}, env={"VIRTUAL_ENV": "/gone", "PATH": "/usr/bin"}
    )
    target = choose(Host(machine), None)
    assert target.path == "/usr/bin/python3"
    assert "VIRTUAL_ENV is /gone, which has no usable bin/python" in target.chosen_by


def test_a_good_wish() -> None:
    target = choose(Host(LiveBackend()), sys.executable)
    assert (target.path, target.chosen_by) == (sys.executable, "--python")


def test_a_relative_wish_and_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mine").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    assert choose(Host(LiveBackend()), "bin/mine").path == str(tmp_path / "bin/mine")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert choose(Host(LiveBackend()), "mine").path == str(tmp_path / "bin/mine")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("/no/such/python", "No such file"),
        ("no-such-python", "no no-such-python on PATH"),
        ("./folder", "is a folder; give its bin/python"),
        ("./text", "Permission denied"),
        ("./empty", "cannot be run"),
        ("./lies", "is not a Python interpreter: asked for its version it printed 'hello'"),
        ("./silent", "printed 'nothing' and ended with status 0"),
        ("./old", "is Python 3.7; trtdoctor can look at 3.8 and newer"),
        ("./pretends", "does not work as a Python"),
        ("/bin/ls", "is not a Python"),
    ],
)
def test_a_bad_wish(given: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    scripts = {
        "empty": "",
        "lies": "#!/bin/sh\necho hello\n",
        "silent": "#!/bin/sh\n",
        "old": "#!/bin/sh\necho Python 3.7.16\n",
        "pretends": "#!/bin/sh\necho Python 3.11.0\n",
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "text").write_text("not for running")
    (tmp_path / "text").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnusablePython) as refused:
        choose(Host(LiveBackend()), given)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
