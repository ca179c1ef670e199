"""Plugins, really installed: a working one, one with a syntax error, one that leaves the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "plugin_example"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, *arguments], check=True)


@pytest.fixture(scope="session")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    pip("--target", str(folder), str(EXAMPLE))
    return folder


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "trtdoctor", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_a_plugins_check_is_listed_explained_and_judged(plugin_folder: Path) -> None:
    listed = doctor(plugin_folder, "list", "checks")
    assert "acme-gpu-too-small" in listed.stdout
    assert "trtdoctor-acme 1.0" in listed.stdout
    assert "Deploy on another machine" in doctor(plugin_folder, "why", "gpu901").stdout


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("raise SystemExit(7)\n", "SystemExit"),
        ("import nowhere\n", "nowhere"),
    ],
)
def test_a_plugin_that_does_not_load_is_told_and_costs_only_itself(
    tmp_path: Path, source: str, says: str
) -> None:
    (tmp_path / "acme_checks.py").write_text(source)
    info = tmp_path / "trtdoctor_acme-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trtdoctor-acme\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[trtdoctor.checks]\nacme = acme_checks\n")
    listed = doctor(tmp_path, "list", "checks")
    assert listed.returncode == 0
    assert "driver-missing" in listed.stdout
    assert "trtdoctor-acme 2.0" in listed.stderr
    assert says in listed.stderr


def test_an_id_that_is_left_to_trtdoctor_is_refused(tmp_path: Path) -> None:
    source = (EXAMPLE / "acme_checks.py").read_text().replace("GPU901", "GPU900")
    (tmp_path / "acme_checks.py").write_text(source)
    info = tmp_path / "trtdoctor_acme-3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trtdoctor-acme\nVersion: 3.0\n")
    (info / "entry_points.txt").write_text("[trtdoctor.checks]\nacme = acme_checks\n")
    listed = doctor(tmp_path, "list", "checks")
    assert (
        "plugin trtdoctor-acme 3.0 (acme_checks): did not load: check GPU900 acme-gpu-too-small: "
        "the ids of plugins end in 901 to 999, and trtdoctor's own never do\n"
    ) in listed.stderr
    assert "acme-gpu-too-small" not in listed.stdout
