"""The tests' own rules: what they need is there where all of them are meant to run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("environment", "stops"),
    [
        ({"CI": "true"}, True),
        ({"CI": "true", "TRTDOCTOR_NO_CORPUS": "1"}, False),
        ({"CI": "false"}, False),
        ({}, False),
    ],
)
def test_a_missing_corpus_fails_where_all_tests_are_meant_to_run(
    environment: dict[str, str], stops: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "checkout" / "tests"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_it.py").write_text("def test_it(shared): pass\n")
    clean = {k: v for k, v in os.environ.items() if k not in ("CI", "TRTDOCTOR_NO_CORPUS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (4 if stops else 0), done.stdout
    assert ("TRTDOCTOR_NO_CORPUS=1" in done.stderr) is stops
    assert ("1 skipped" in done.stdout) is not stops
