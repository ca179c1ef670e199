"""``trtdoctor`` where its surroundings are hostile: streams, paths, the working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = f"exec {sys.executable} -m trtdoctor"
ROOT = Path(__file__).resolve().parents[2]
# What is installed as the command.
SCRIPT = f"exec {sys.executable} {ROOT}/bin/trtdoctor"


def shell(
    command: str, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_neither_the_facts_nor_the_code(closed: str, tmp_path: Path) -> None:
    usual = shell(f"{DOCTOR} check -o usual.json", tmp_path)
    done = shell(f"{DOCTOR} check -o r.json {closed}", tmp_path)
    assert done.returncode == usual.returncode
    assert done.stderr in ("", usual.stderr.replace("usual.json", "r.json"))
    differs = shell(f"{DOCTOR} report diff usual.json r.json", tmp_path).stdout
    assert "agree in every outcome" in differs, differs


def test_closed_streams_without_a_null_device_leave_no_traceback(tmp_path: Path) -> None:
    # As in a chroot without /dev: whatever opens the null device is told that there is none.
    (tmp_path / "sitecustomize.py").write_text(NO_NULL_DEVICE)
    environment = {"PYTHONPATH": str(tmp_path)}
    (tmp_path / "empty").mkdir()
    for closed in ("<&-", "<&- >&-", "<&- 2>&-"):
        done = shell(f"{DOCTOR} check {closed}", tmp_path / "empty", environment)
        assert done.returncode in (0, 1, 3), done.stderr
        assert done.stderr == ""


NO_NULL_DEVICE = """
import os
opened = os.open
def refuse(path, *arguments, **named):
    if path == os.devnull:
        raise FileNotFoundError(2, "No such file or directory", path)
    return opened(path, *arguments, **named)
os.open = refuse
"""

SIGNALS_ITSELF_AT_THE_END = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), getattr(signal, os.environ["AT_END"]))
"""


@pytest.mark.parametrize(("name", "code"), [("SIGHUP", 129), ("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_python_ends_leaves_no_traceback(
    name: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SIGNALS_ITSELF_AT_THE_END)
    environment = {"PYTHONPATH": str(tmp_path), "AT_END": name}
    (tmp_path / "empty").mkdir()
    done = shell(f"{DOCTOR} list causes", tmp_path / "empty", environment)
    # Python 3.10 runs no handler any more that late, and then the command has simply ended.
    expected = code if sys.version_info >= (3, 11) else 0
    assert (done.returncode, done.stderr) == (expected, "")
    assert "near-tie" in done.stdout


@pytest.mark.parametrize("arguments", ["check", "list checks", "why DRV001", "--help"])
def test_a_full_output_is_a_sentence(arguments: str, tmp_path: Path) -> None:
    done = shell(f"{DOCTOR} {arguments} > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "trtdoctor: cannot write the output (No space left on device)"


def test_a_complaint_that_cannot_be_written_keeps_its_code(tmp_path: Path) -> None:
    assert shell(f"{DOCTOR} check --nonsense 2> /dev/full", tmp_path).returncode == 2


def test_a_reader_that_went_away_does_not_change_the_code(tmp_path: Path) -> None:
    usual = shell(f"{DOCTOR} check", tmp_path).returncode
    piped = f"({DOCTOR} check --format json); echo $? >code) | true".replace("(exec", "((exec")
    done = shell(piped, tmp_path)
    assert done.stderr == ""
    assert (tmp_path / "code").read_text().strip() == str(usual)


def test_a_sentence_carries_no_escape_to_the_terminal(tmp_path: Path) -> None:
    done = shell(f"{DOCTOR} check --python $'/a\\e[31mred'", tmp_path)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr and "\\x1b[31mred" in done.stderr


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    run = f"{sys.executable} -m trtdoctor check"
    hang_up = f"trap '' HUP; {run} & sleep 0.4; kill -HUP $!; wait $!"
    usual = shell(DOCTOR + " check", tmp_path).returncode
    assert shell(hang_up, tmp_path).returncode == usual


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("check --python '~nobody-of-that-name/python'", "home folder"),
        (f"check -o {'x' * 300}.json", "File name too long"),
        (f"check --record /tmp/{'x' * 300}", "File name too long"),
        ("check -o loop.json", "symbolic links"),
        ("check --record closed", "closed"),
        ("check --python no-such-python", "no-such-python"),
    ],
)
def test_impossible_paths_are_a_sentence(arguments: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    done = shell(f"{DOCTOR} {arguments}", tmp_path) if "closed" not in arguments else None
    if done is None:
        (tmp_path / "closed").mkdir(mode=0)
        if os.access(tmp_path / "closed", os.R_OK):
            pytest.skip("this user may look into every folder")
        done = shell(f"{DOCTOR} {arguments}", tmp_path)
    assert done.returncode == 2
    assert says in done.stderr and "a bug" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", ["-o r.json", "--python bin/python", "--record rec"])
def test_a_working_directory_that_is_gone_is_a_sentence(arguments: str, tmp_path: Path) -> None:
    command = f"mkdir gone && cd gone && rmdir ../gone && {DOCTOR} check {arguments}"
    done = shell(command, tmp_path)
    assert done.returncode == 2
    assert "a bug" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_longest_file_name_can_be_written(tmp_path: Path) -> None:
    name = "x" * 250 + ".json"
    assert shell(f"{DOCTOR} check --share -o {name}", tmp_path).stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("path", [None, "", ".", ":", "./", "sub/.."])
@pytest.mark.parametrize("start", [DOCTOR, SCRIPT])
def test_the_doctor_imports_nothing_from_the_working_directory(
    start: str, path: str | None, tmp_path: Path
) -> None:
    names = ("click", "json", "msgspec", "rich", "pynvml", "email", "tomllib", "acme_checks")
    names += ("__future__", "re", "signal", "subprocess")
    # Python itself looks for what -m names, and for what that needs, in the working directory.
    names += ("trtdoctor", "types", "functools") if start == SCRIPT else ()
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open('sprung-{name}', 'w').close()\n")
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (tmp_path / "sub").mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trtdoctor.checks]\nacme = acme_checks\n")
    environment = {} if path is None else {"PYTHONPATH": path}
    done = shell(f"{start} check --fail-on never", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("sprung-*")) == []


def test_the_setup_script_imports_nothing_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("__future__", "shutil", "subprocess", "pathlib", "re", "venv", "trtdoctor"):
        (tmp_path / f"{name}.py").write_text(f"open('sprung-{name}', 'w').close()\n")
    for path in ("", ".", str(tmp_path)):
        done = shell(f"{sys.executable} {ROOT}/dev.py nothing", tmp_path, {"PYTHONPATH": path})
        assert "python3 dev.py doctor" in done.stderr
    assert list(tmp_path.glob("sprung-*")) == []


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_environment_relative_to_the_working_directory_is_passed_over(
    variable: str, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text("#!/bin/sh\ntouch sprung\n")
    (tmp_path / "bin/python").chmod(0o755)
    cleared = {"VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    done = shell(f"{DOCTOR} check", tmp_path, {**cleared, variable: "."})
    assert f"{variable} is ., which is not an absolute path" in " ".join(done.stdout.split())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.slow
def test_a_python_that_drops_docstrings_loses_no_check(tmp_path: Path) -> None:
    usual = shell(f"{DOCTOR} check -o usual.json", tmp_path)
    done = shell(f"{DOCTOR} check -o r.json", tmp_path, {"PYTHONOPTIMIZE": "2"})
    assert done.returncode == usual.returncode
    assert shell(f"{DOCTOR} report diff usual.json r.json", tmp_path).returncode == 0


def test_too_little_memory_for_threads_still_gives_a_report(tmp_path: Path) -> None:
    done = shell(f"ulimit -v 200000; {DOCTOR} check", tmp_path)
    assert done.returncode in (1, 3), done.stderr
    assert done.stdout.splitlines()[-1].startswith(("Problems", "Inconclusive"))
