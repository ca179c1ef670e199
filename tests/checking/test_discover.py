"""A doctor without checks is not one that finds nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import trtdoctor


def test_an_installation_without_checks_calls_nothing_healthy(tmp_path: Path) -> None:
    package = Path(trtdoctor.__file__).parent
    shutil.copytree(package, tmp_path / "trtdoctor", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "trtdoctor", "check"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3, done.stderr
    assert "the installation is incomplete; install trtdoctor again" in " ".join(
        done.stdout.split()
    )
    assert "Healthy" not in done.stdout
