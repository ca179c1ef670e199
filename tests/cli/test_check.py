"""``trtdoctor check`` as a person runs it: real processes, real exit codes, one sentence for errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from trtdoctor.model.codec import schema

MARK = "TRTDOCTOR_TEST_MARK"
HOST = Path(__file__).resolve().parents[1] / "hosts" / "container-without-gpu"


def start(
    arguments: Sequence[str], cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "trtdoctor", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def doctor(
    *arguments: str, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    process = start(arguments, cwd, environment)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def processes_with(mark: str) -> list[int]:
    """The processes whose environment holds the mark; zombies have none."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def outcomes(report: Path) -> dict[str, dict]:
    return {o["check"]["name"]: o for o in json.loads(report.read_text())["outcomes"]}


def fact(report: Path, name: str) -> dict:
    return json.loads(report.read_text())["snapshot"]["facts"][name]


@pytest.fixture
def module(tmp_path: Path):
    """Makes a folder with a module ``tensorrt`` that does something; returns the environment."""

    def make(source: str) -> dict[str, str]:
        folder = tmp_path / "patient"
        package = folder / "tensorrt"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(textwrap.dedent(source))
        # What makes it a TensorRT, by its files.
        (package / "tensorrt.so").touch()
        return {"PYTHONPATH": str(folder), MARK: str(tmp_path)}

    return make


def test_the_report_fits_its_schema_and_ends_with_a_contract_code(tmp_path: Path) -> None:
    done = doctor(
        "check", "-o", "r.json", "-o", "r.md", "-o", "r.html", "-o", "r.txt", cwd=tmp_path
    )
    assert done.returncode in (0, 1, 3)
    (said,) = done.stderr.splitlines()
    assert "private data" in said and "r.json" in said and "r.md" not in said
    report = json.loads((tmp_path / "r.json").read_text())
    jsonschema.validate(report, schema())
    assert report["verdict"] in ("healthy", "problems", "inconclusive")
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "r.md").read_text().startswith("### trtdoctor: ")
    assert done.stdout.strip().splitlines()[-1].startswith(("Healthy", "Problems", "Inconclusive"))


def test_replaying_a_recording_gives_the_same_result(tmp_path: Path) -> None:
    first = doctor("check", "--record", "rec", "-o", "a.json", cwd=tmp_path)
    again = doctor("check", "--host", "rec", "-o", "b.json", cwd=tmp_path, environment={"PATH": ""})
    assert again.returncode == first.returncode
    a, b = outcomes(tmp_path / "a.json"), outcomes(tmp_path / "b.json")
    assert {n: (o["status"], o["findings"]) for n, o in a.items()} == {
        n: (o["status"], o["findings"]) for n, o in b.items()
    }


def test_a_saved_report_judged_anew_says_the_same(tmp_path: Path) -> None:
    first = doctor("check", "-o", "a.json", cwd=tmp_path)
    again = doctor("report", "rejudge", "a.json", "-o", "b.json", cwd=tmp_path)
    assert again.returncode == first.returncode
    assert doctor("report", "diff", "a.json", "b.json", cwd=tmp_path).stdout.startswith(
        "The reports agree"
    )
    shown = doctor("report", "show", "a.json", cwd=tmp_path)
    assert shown.stdout == first.stdout
    assert shown.returncode == first.returncode


@pytest.mark.parametrize(
    ("source", "ending", "says"),
    [
        ("import ctypes; ctypes.string_at(0)", "signal", "SIGSEGV"),
        ("import os; os.abort()", "signal", "SIGABRT"),
        ("import sys; sys.exit(3)", "exit", "3"),
        ("import os; os._exit(5)", "exit", "5"),
        ("raise RuntimeError('boom')", "exception", "boom"),
        (
            "raise ImportError('libnvinfer.so.10: cannot open shared object file: No such file')",
            "exception",
            "libnvinfer.so.10",
        ),
        ("import time; time.sleep(999)", "deadline", ""),
        (
            "import sys\nwhile True:\n  print('x' * 65536); print('y' * 65536, file=sys.stderr)",
            "deadline",
            "",
        ),
        (
            "import os, time\nif os.fork() == 0:\n  time.sleep(999)\nraise RuntimeError('parent')",
            "exception",
            "parent",
        ),
    ],
    ids=["segv", "abort", "sys-exit", "os-exit", "raise", "no-library", "hang", "flood", "fork"],
)
def test_an_import_that_ends_badly_is_a_finding(
    source: str, ending: str, says: str, module, tmp_path: Path
) -> None:
    environment = module(source)
    arguments = ["check", "--python", sys.executable, "-o", "r.json"]
    if ending == "deadline":
        arguments += ["--deadline", "4"]
    done = doctor(*arguments, cwd=tmp_path, environment=environment)
    assert done.returncode == 1, done.stderr
    seen = fact(tmp_path / "r.json", "tensorrt.imports")
    assert seen["status"] == "ok"
    (imported,) = [m for m in seen["value"]["modules"] if m["module"] == "tensorrt"]
    assert imported["attempt"]["ending"] == ending
    assert says in (imported["attempt"]["detail"] or "")
    assert outcomes(tmp_path / "r.json")["tensorrt-import-fails"]["status"] == "failed"
    assert processes_with(str(tmp_path)) == []


def test_code_in_the_working_directory_is_never_run(tmp_path: Path) -> None:
    for name in ("tensorrt", "pynvml", "sitecustomize", "numpy", "msgspec", "json"):
        (tmp_path / f"{name}.py").write_text(f"open('{tmp_path}/{name}.ran', 'w')")
    script = Path(sys.executable).with_name("trtdoctor")
    command = [str(script)] if script.is_file() else None
    if command is None:
        pytest.skip("trtdoctor is not installed as a program here")
    subprocess.run(
        [*command, "check", "--python", sys.executable], cwd=tmp_path, capture_output=True
    )
    assert sorted(p.name for p in tmp_path.glob("*.ran")) == []


def test_an_nvidia_smi_that_hangs_costs_its_fact_alone(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nsleep 999\n")
    tool.chmod(0o755)
    environment = {"PATH": f"{tool.parent}:{os.environ['PATH']}", MARK: str(tmp_path)}
    done = doctor("check", "--deadline", "4", "-o", "r.json", cwd=tmp_path, environment=environment)
    assert done.returncode in (1, 3)
    assert fact(tmp_path / "r.json", "nvidia.smi")["status"] == "timeout"
    assert processes_with(str(tmp_path)) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_child_and_no_file(
    number: int, code: int, module, tmp_path: Path
) -> None:
    environment = module("import time; time.sleep(999)")
    arguments = ["check", "--python", sys.executable, "-o", "r.json", "--record", "rec"]
    process = start(arguments, tmp_path, environment)
    for _ in range(1200):
        time.sleep(0.05)
        if len(processes_with(str(tmp_path))) > 1:
            break
    else:
        pytest.fail("no child was ever started")
    time.sleep(0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert processes_with(str(tmp_path)) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["patient"]


INTERRUPTS_ITSELF = """
import os, signal, sys
left = None
def hook(frame, event, argument):
    global left
    if event != "call" or frame.f_code.co_name != "<module>":
        return
    file = frame.f_code.co_filename
    if file.endswith(os.path.join("trtdoctor", "cli", "app.py")):
        left = int(os.environ["INTERRUPT_AT"])
    # Text without a file is executed to make a dataclass or a named tuple.
    if left is not None and (file == "<string>") is (os.environ["INTERRUPT_IN"] == "text"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)
sys.setprofile(hook)
"""


@pytest.mark.parametrize("number", [1, 4, 40])
@pytest.mark.parametrize("what", ["module", "text"])
def test_an_interrupt_while_modules_are_imported_has_its_code(
    what: str, number: int, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS_ITSELF)
    environment = {
        "PYTHONPATH": str(tmp_path),
        "INTERRUPT_IN": what,
        "INTERRUPT_AT": str(number),
    }
    done = doctor("check", "--host", str(HOST), cwd=tmp_path, environment=environment)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


SIGNALS_ITSELF_IN_A_CALLBACK = """
import os, sys
heard = False
def hook(frame, event, argument):
    global heard
    code = frame.f_code
    if event == "call" and code.co_name == "run" and code.co_filename.endswith("app.py"):
        heard = True
    # What importlib calls when a module's lock is no longer used: its exceptions are ignored.
    if event == "call" and heard and code.co_name == "cb" and "importlib" in code.co_filename:
        sys.setprofile(None)
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
sys.setprofile(hook)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_callback_is_not_lost(number: int, code: int, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SIGNALS_ITSELF_IN_A_CALLBACK)
    environment = {"PYTHONPATH": str(tmp_path), "SIGNAL": str(int(number))}
    done = doctor("check", "--host", str(HOST), cwd=tmp_path, environment=environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def not_python(folder: Path) -> str:
    path = folder / "notpython"
    path.write_text("#!/bin/sh\necho hello\n")
    path.chmod(0o755)
    return str(path)


def old_python(folder: Path) -> str:
    path = folder / "python3.7"
    path.write_text("#!/bin/sh\necho Python 3.7.16\n")
    path.chmod(0o755)
    return str(path)


def data_file(folder: Path) -> str:
    path = folder / "data.bin"
    path.write_bytes(b"\0\1\2")
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (lambda d: ["check", "--python", "/nowhere/python"], "/nowhere/python"),
        (lambda d: ["check", "--python", "no-such-python"], "no-such-python"),
        (lambda d: ["check", "--python", not_python(d)], "is not a Python"),
        (lambda d: ["check", "--python", old_python(d)], "3.7"),
        (lambda d: ["check", "--python", data_file(d)], "data.bin"),
        (lambda d: ["check", "--python", str(d)], "is a folder"),
        (lambda d: ["check", "-o", "report.pdf"], "report.pdf"),
        (lambda d: ["check", "-o", "/nowhere/report.json"], "/nowhere"),
        (lambda d: ["check", "--host", str(d)], "is not a recording"),
        (lambda d: ["check", "--record", data_file(d)], "is a file"),
        (lambda d: ["check", "--record", str(Path(data_file(d)).parent)], "holds other files"),
        (lambda d: ["check", "--select", "nonsense"], "nonsense"),
        (lambda d: ["check", "--nonsense"], "--nonsense"),
        (lambda d: ["nonsense"], "nonsense"),
        (lambda d: ["why", "driver-mising"], "driver-missing"),
        (lambda d: ["report", "show", data_file(d)], "is not JSON"),
        (lambda d: ["report", "show", "/nowhere.json"], "/nowhere.json"),
        (lambda d: ["list", "tables", "nonsense"], "nonsense"),
    ],
)
def test_a_users_error_is_one_sentence_and_code_2(arguments, says: str, tmp_path: Path) -> None:
    done = doctor(*arguments(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_fail_on_moves_the_code_and_not_the_verdict(tmp_path: Path) -> None:
    doctor("check", "-o", "a.json", cwd=tmp_path)
    never = doctor("check", "-o", "b.json", "--fail-on", "never", cwd=tmp_path)
    assert never.returncode == 0
    a, b = (json.loads((tmp_path / f"{n}.json").read_text())["verdict"] for n in "ab")
    assert a == b


def test_stdout_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m trtdoctor check -v | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""


def test_a_terminal_without_unicode_gets_plain_marks(tmp_path: Path) -> None:
    done = doctor("check", cwd=tmp_path, environment={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode in (0, 1, 3)
    assert "✗" not in done.stdout
