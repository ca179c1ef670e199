"""What a shell gets when somebody presses Tab, through the program that it calls and its own protocol."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(ROOT / "bin" / "trtdoctor")]


def ask(cwd: Path, shell: str, **variables: str) -> str:
    done = subprocess.run(
        PROGRAM,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_TRTDOCTOR_COMPLETE": shell, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def tab(line: str, cwd: Path) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    answer = ask(cwd, "bash_complete", COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1))
    return [item.partition(",")[2] for item in answer.splitlines() if item]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_back(shell: str, tmp_path: Path) -> None:
    if shell == "bash" and not shutil.which("bash"):
        pytest.skip("needs bash")
    script = ask(tmp_path, f"{shell}_source")
    assert f"_TRTDOCTOR_COMPLETE={shell}_complete" in script and "trtdoctor" in script


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("trtdoctor ch", ["check"]),
        ("trtdoctor report sh", ["show"]),
        ("trtdoctor check --sel", ["--select"]),
        ("trtdoctor check --select GPU00", [f"GPU00{n}" for n in range(1, 10)]),
        ("trtdoctor check --ignore driver-m", ["driver-missing"]),
        ("trtdoctor check --select GPU001,driver-m", ["GPU001,driver-missing"]),
        ("trtdoctor check --select drv001", ["DRV001"]),
        ("trtdoctor check --format m", ["markdown"]),
        ("trtdoctor check --fail-on w", ["warning"]),
        (
            "trtdoctor check -o out/re",
            [f"out/re.{end}" for end in ("json", "md", "html", "txt", "xml", "sarif", "prom")],
        ),
        ("trtdoctor check -o r.js", ["r.json"]),
        ("trtdoctor why pinn", ["pinned"]),
        ("trtdoctor why DRV001", ["DRV001"]),
        ("trtdoctor why driver-m", ["driver-missing"]),
        ("trtdoctor list ta", ["tables"]),
        ("trtdoctor list tables cuda_dr", ["cuda_drivers"]),
        ("trtdoctor list checks cuda_dr", []),
        ("trtdoctor report show ", ["a.json"]),
        ("trtdoctor report diff a.json ", ["a.json"]),
        ("trtdoctor audit m", ["m.onnx"]),
        ("trtdoctor build m.onnx m.engine --precision b", ["bf16", "best"]),
    ],
)
def test_what_fits_is_offered(line: str, offered: list[str], tmp_path: Path) -> None:
    for name in ("a.json", "b.txt", "m.onnx", "m.engine"):
        (tmp_path / name).touch()
    assert tab(line, tmp_path) == offered


def test_where_there_are_folders_the_shell_offers_files_itself(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    (tmp_path / "reports").mkdir()
    words = {"COMP_WORDS": "trtdoctor report show ", "COMP_CWORD": "3"}
    assert ask(tmp_path, "bash_complete", **words).startswith("file,")


def test_a_dash_is_not_read_while_it_is_completed(tmp_path: Path) -> None:
    assert "--log" in tab("trtdoctor explain - --lo", tmp_path)


def test_completing_a_word_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom trtdoctor.cli.app import run\n"
        "try:\n    run([])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'onnx', 'numpy', 'highspy', 'onnxruntime', 'rich', 'jinja2'} & set(sys.modules)))"
    )
    for line in ("trtdoctor ch", "trtdoctor check --select GP", "trtdoctor why pin"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "_TRTDOCTOR_COMPLETE": "bash_complete",
                "COMP_WORDS": line.replace(" ", "\n"),
                "COMP_CWORD": str(line.count(" ")),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.splitlines()[-1] == "[]", done
