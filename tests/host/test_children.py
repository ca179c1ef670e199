"""Children and processes on this machine: what bad imports become, and that nothing is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host, HostError, Missing, Target, TimedOut, Unusable
from trtdoctor.host.live import LiveBackend
from trtdoctor.host.processes import Runner
from trtdoctor.host.recorded import Recorder, RecordingHeader, load_recording
from trtdoctor.model.report import FactRecord, FactStatus
from trtdoctor.probes import PROBES, Probe
from trtdoctor.probes.asking import INVENTORY
from trtdoctor.probes.tensorrt import own_modules, tensorrt_imports, working_directory
from trtdoctor.reporting.collect import Collection

# Well below the 20 s after which a child is ended, and far above what starting one takes.
SOON_S = 15
NEVER = "import time\nwhile True: time.sleep(1)\n"
# Each marks its processes by an argument nobody else uses, so that leftovers can be found.
GRANDCHILD = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', {mark!r}],"
    " close_fds=False)\n"
)

BAD = {
    "segfault": ("import ctypes\nctypes.string_at(0)\n", "signal", "SIGSEGV"),
    "abort": ("import os\nos.abort()\n", "signal", "SIGABRT"),
    "sys-exit": ("import sys\nsys.exit(3)\n", "exit", "sys.exit(3)"),
    "os-exit": ("import os\nos._exit(0)\n", "exit", "exit status 0"),
    "no-library": (
        "raise ImportError('libnvinfer.so.10: cannot open shared object file')\n",
        "exception",
        "ImportError: libnvinfer.so.10: cannot open shared object file",
    ),
    "syntax": ("def\n", "exception", "SyntaxError"),
    "interrupt": ("raise KeyboardInterrupt\n", "exception", "KeyboardInterrupt"),
    "sleeps": (NEVER, "deadline", "no answer within"),
    "floods-for-ever": (
        "import sys\nwhile True: sys.stdout.write('x' * 9999); sys.stderr.write('y' * 9999)\n",
        "deadline",
        "no answer within",
    ),
    "deaf-to-signals": (
        "import signal\nfor n in range(1, 30):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
        + NEVER,
        "deadline",
        "no answer within",
    ),
}


def machine(
    folder: Path, source: str, monkeypatch: pytest.MonkeyPatch, *, budget: float = 20
) -> tuple[Host, LiveBackend]:
    (folder / "tensorrt").mkdir(parents=True, exist_ok=True)
    (folder / "tensorrt" / "__init__.py").write_text(source)
    # What makes it a TensorRT, by its files.
    (folder / "tensorrt" / "tensorrt.so").touch()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    backend = LiveBackend(budget=budget)
    return Host(backend, target=Target(path=sys.executable, chosen_by="--python")), backend


def record(host: Host, probe: Probe) -> FactRecord:
    return Collection(host, [probe], active=True).finish(budget=30).facts[probe.provides.FACT]


def imported(seen: FactRecord) -> dict[str, Any]:
    """The import of ``tensorrt``, whatever else is installed beside the tests."""
    return next(m for m in seen.value["modules"] if m["module"] == "tensorrt")


@pytest.mark.parametrize("name", BAD)
def test_how_an_import_ended_is_the_facts_value(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, ending, detail = BAD[name]
    # A deadline is waited for in full, so it is short here; the others need no more time.
    host, _ = machine(tmp_path / "m", source, monkeypatch, budget=2 if ending == "deadline" else 20)
    started = time.monotonic()
    seen = record(host, tensorrt_imports)
    assert seen.status is FactStatus.OK, seen.reason
    module = imported(seen)
    assert module["module"] == "tensorrt"
    assert module["attempt"]["ending"] == ending, module
    assert detail in module["attempt"]["detail"]
    assert time.monotonic() - started < SOON_S


def test_chatter_does_not_reach_the_answer_and_is_kept_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "import os, sys\n"
        'for number in (1, 2):\n    os.write(number, b\'{"ending": "returned"}\\n\' * 200000)\n'
        "print('last words', flush=True)\n__version__ = '10.1'\n"
    )
    host, _ = machine(tmp_path / "m", source, monkeypatch)
    module = imported(record(host, tensorrt_imports))
    assert module["attempt"]["ending"] == "returned" and module["version"] == "10.1"
    assert len(module["attempt"]["output"]) <= 2000


def test_a_module_that_forks_gives_one_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import os\n__version__ = 'parent' if os.fork() else 'child'\n"
    host, _ = machine(tmp_path / "m", source, monkeypatch)
    module = imported(record(host, tensorrt_imports))
    assert module["version"] == "parent"


def test_a_grandchild_neither_lives_on_nor_holds_up_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"trtdoctor-grandchild-{os.getpid()}"
    source = GRANDCHILD.format(mark=mark) + "__version__ = '1.0'\n"
    host, _ = machine(tmp_path / "m", source, monkeypatch)
    started = time.monotonic()
    module = imported(record(host, tensorrt_imports))
    assert module["version"] == "1.0"
    assert time.monotonic() - started < SOON_S
    assert not living(mark)


def living(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in words and state not in "ZX":
            found.append(entry.name)
    return found


def test_close_ends_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host, backend = machine(tmp_path / "m", NEVER, monkeypatch)
    collection = Collection(host, [tensorrt_imports], active=False)
    time.sleep(1)
    started = time.monotonic()
    backend.close()
    seen = collection.finish(budget=60).facts["tensorrt.imports"]
    assert time.monotonic() - started < SOON_S
    assert seen.status is FactStatus.FAILED or seen.value["modules"][0]["attempt"]["ending"] in (
        "signal",
        "deadline",
    )


@pytest.mark.parametrize("name", ["tensorrt", "json", "importlib", "resource"])
def test_code_in_the_working_directory_is_not_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "sprung"
    (tmp_path / f"{name}.py").write_text(f"open({str(trap)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", f".{os.pathsep}{os.pathsep}", str(tmp_path)):
        monkeypatch.setenv("PYTHONPATH", path)
        host = Host(LiveBackend(), target=Target(path=sys.executable, chosen_by="--python"))
        seen = record(host, tensorrt_imports)
        found = seen.value["modules"] if seen.status is FactStatus.OK else []
        assert "tensorrt" not in {module["module"] for module in found}, (path, seen)
        assert not trap.exists(), path


def test_a_working_directory_that_pythonpath_names_in_full_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "re", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('sprung')\n")
    host, _ = machine(tmp_path, "__version__ = '10.9.0'\n", monkeypatch)
    monkeypatch.chdir(tmp_path)
    seen = record(host, tensorrt_imports)
    assert imported(seen)["version"] == "10.9.0"
    assert imported(seen)["file"] == str(tmp_path / "tensorrt/__init__.py")


@pytest.mark.parametrize("kind", ["file", "package"])
def test_a_users_own_module_is_told_by_its_files_and_never_imported(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, folder = tmp_path / "sprung", tmp_path / "project"
    path = folder / ("tensorrt.py" if kind == "file" else "tensorrt/__init__.py")
    path.parent.mkdir(parents=True)
    path.write_text(f"open({str(trap)!r}, 'w').close()\n")
    monkeypatch.chdir(folder)
    for pythonpath, probe in ((str(folder), own_modules), ("", working_directory)):
        monkeypatch.setenv("PYTHONPATH", pythonpath)
        host = Host(LiveBackend(), target=Target(path=sys.executable, chosen_by="--python"))
        seen = record(host, probe)
        place = path if kind == "file" else path.parent
        assert seen.value["shadows"] == {"tensorrt": str(place)}, (pythonpath, seen)
        imports = record(host, tensorrt_imports)
        found = imports.value["modules"] if imports.status is FactStatus.OK else []
        assert "tensorrt" not in {module["module"] for module in found}
        assert not trap.exists()


def test_an_interpreters_own_folder_stays_where_one_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(Path(pytest.__file__).parents[1])
    host = Host(LiveBackend())
    said = host.child("inventory", {"families": ["pytest"], "modules": [], "requires": []})
    assert [package["name"] for package in said.value["packages"]] == ["pytest"]


def test_commands() -> None:
    host = Host(LiveBackend(budget=5))
    done = host.run(("sh", "-c", "echo out; echo err >&2; exit 7"))
    assert (done.exit_code, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert host.run(("sh", "-c", "kill -9 $$")).exit_code == -9
    with pytest.raises(Missing):
        host.run(("no-such-program-anywhere",))
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"did not end within 0\.5 s"):
        host.run(("sleep", "60"), deadline=0.5)
    assert time.monotonic() - started < SOON_S


def test_the_budget_binds_every_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _ = machine(tmp_path / "m", NEVER, monkeypatch, budget=1)
    ended = host.child("import_module", {"module": "tensorrt"}, python=sys.executable)
    assert ended.ending == "deadline"
    with pytest.raises(TimedOut):
        host.run(("sleep", "5"))


def test_an_interpreter_that_is_none_is_an_error() -> None:
    host = Host(LiveBackend())
    with pytest.raises(Missing):
        host.child("inventory", python="/no/such/python")
    with pytest.raises(HostError):
        host.child("inventory", python="/etc/passwd")


OLD = sorted(
    path
    for version in ("3.8", "3.9", "3.12", "3.13")
    for path in (Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")
)


@pytest.mark.parametrize("python", OLD or [None], ids=lambda p: p.parts[-3] if p else "none")
def test_every_child_runs_in_old_and_new_interpreters(
    python: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if python is None or shutil.which(str(python)) is None:
        pytest.skip("no other interpreters on this machine")
    host, _ = machine(tmp_path / "m", "__version__ = '8.6.1'\n", monkeypatch)
    asked = {"families": ["*"], "modules": ["tensorrt"], "requires": []}
    where = str(python)
    assert host.child("interpreter", python=where).value["version"][0] == 3
    found = host.child("inventory", asked, python=where).value["modules"]["tensorrt"]
    assert found["origin"].endswith("tensorrt/__init__.py")
    said = host.child("import_module", {"module": "tensorrt"}, python=where).value
    assert (said["ending"], said["version"], said["has_builder"]) == ("returned", "8.6.1", False)
    built = host.child("make_builder", {"module": "tensorrt"}, python=where).value
    assert built["ending"] == "exception" and "ILogger" in built["detail"]
    assert host.child("cuda_driver", python=where).ending == "returned"
    answer = host.child("nvml", {"system": [], "device": {}}, python=where)
    assert answer.ending == "returned" or "pynvml" in str(answer.detail)


def test_a_child_that_never_comes_back_does_not_keep_the_program(tmp_path: Path) -> None:
    # As a process in a hung driver, which not even SIGKILL ends.
    program = """
import threading
from trtdoctor.reporting.collect import Collection
from trtdoctor.host import Host
from trtdoctor.probes.tensorrt import own_modules, tensorrt_imports, working_directory
from trtdoctor.testing import FakeMachine

class Hung(FakeMachine):
    def _child(self, about, path):
        if about["script"] == "import_module":
            threading.Event().wait()
        modules = {"tensorrt": {"origin": "/x", "folders": []}}
        value = {"path": [], "denied": [], "packages": [], "modules": modules}
        return {"ending": "returned", "value": value}

facts = Collection(Host(Hung()), [tensorrt_imports], active=False).finish(budget=1).facts
print(facts["tensorrt.imports"].status.value)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "timeout", done.stderr


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + b"\xff" * 200])
def test_what_is_no_library_costs_itself_alone(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(content)
    os.mkfifo(tmp_path / "liby.so")
    for name in ("libx.so", "liby.so"):
        with pytest.raises(Unusable):
            Host(LiveBackend()).dynamic(str(tmp_path / name))


def test_a_library_cut_off_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    whole = Path(sys.executable).resolve().read_bytes()[:6000]
    for cut in range(0, len(whole), 97):
        (tmp_path / "libx.so").write_bytes(whole[:cut] + b"\xff\x00\x41" * 40)
        with contextlib.suppress(Unusable):
            Host(LiveBackend()).dynamic(str(tmp_path / "libx.so"))


def counting(folder: Path) -> tuple[Path, Path]:
    """An interpreter behind a script, as version managers put one, and the file it counts in."""
    program, starts = folder / "python3", folder / "starts"
    program.write_text(f'#!/bin/sh\necho >> {starts}\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return program, starts


def ordinary(host: Host) -> dict[str, Any]:
    """The answers to the scripts that every look asks the target, in one process where that can be."""
    asked = {"interpreter": {}, "inventory": {"families": [], "modules": ["json"], "requires": []}}
    python = host.target.path if host.target else None
    host.prepare_children(list(asked.items()), python=python)
    return {name: host.child(name, payload, python=python) for name, payload in asked.items()}


def test_the_target_is_started_once_for_all_that_shares_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    program, starts = counting(tmp_path)
    host = Host(LiveBackend(), target=Target(path=str(program), chosen_by="--python"))
    probes = [p for p in PROBES if p.provides.FACT in ("python.target", "python.packages")]
    seen = Collection(host, probes, active=False).finish(budget=30).facts
    assert {record.status for record in seen.values()} == {FactStatus.OK}
    assert starts.read_text() == "\n"
    apart = LiveBackend()
    for name, payload in (("interpreter", {}), ("inventory", INVENTORY)):
        alone = Host(apart).child(name, payload, python=str(program))
        assert alone == host.child(name, payload, python=str(program))
    assert starts.read_text() == "\n" * 3


@pytest.mark.parametrize(
    ("source", "ending", "starts_of_it"),
    [
        ("import os\nos._exit(3)", "exit", 2),
        ("import os\nos.abort()", "signal", 2),
        ("raise ValueError('no')", "raised", 1),
    ],
)
def test_a_script_that_ends_the_process_costs_itself_alone(
    source: str,
    ending: str,
    starts_of_it: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first script asks this module, the second does not.
    (tmp_path / "platform.py").write_text(source + "\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program, starts = counting(tmp_path)
    host = Host(LiveBackend(), target=Target(path=str(program), chosen_by="--python"))
    told = ordinary(host)
    assert told["interpreter"].ending == ending
    assert told["inventory"].ending == "returned"
    assert told["inventory"].value["modules"]["json"]["origin"]
    assert starts.read_text() == "\n" * starts_of_it


def test_scripts_that_share_a_process_share_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "platform.py").write_text(NEVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program, starts = counting(tmp_path)
    target = Target(path=str(program), chosen_by="--python")
    told = ordinary(Host(LiveBackend(budget=1.5), target=target))
    assert {answer.ending for answer in told.values()} == {"deadline"}
    assert starts.read_text() == "\n"


def test_an_interpreter_that_cannot_be_started_is_so_for_each_script() -> None:
    host = Host(LiveBackend(), target=Target(path="/no/such/python", chosen_by="--python"))
    with pytest.raises(Missing):
        ordinary(host)


def test_a_recording_has_each_answer_of_a_shared_process(tmp_path: Path) -> None:
    target = Target(path=sys.executable, chosen_by="--python")
    recorder = Recorder(LiveBackend())
    told = ordinary(Host(recorder, target=target))
    recorder.save(tmp_path / "here", RecordingHeader(target=target))
    replayed, _ = load_recording(tmp_path / "here")
    assert ordinary(Host(replayed, target=target)) == told
    assert len((tmp_path / "here" / "answers.jsonl").read_text().splitlines()) == 2


# Each leaves the group and the session, and some of them the environment too.
ESCAPES = {
    "setsid": "subprocess.Popen([*SLEEP], start_new_session=True)",
    "two forks": (
        "if os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0:\n        os.execv(SLEEP[0], SLEEP)\n    os._exit(0)\nos.wait()"
    ),
    "without environment": "subprocess.Popen([*SLEEP], start_new_session=True, env={})",
    "deaf": (
        "subprocess.Popen([*SLEEP], start_new_session=True, preexec_fn=lambda: "
        "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 13, 15)])"
    ),
}


def escape(how: str, mark: str) -> str:
    sleep = [sys.executable, "-c", "import time; time.sleep(300)", mark]
    return f"import os, signal, subprocess\nSLEEP = {sleep!r}\n{ESCAPES[how]}\n"


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has child subreapers")


@linux
@pytest.mark.parametrize("how", ESCAPES)
def test_what_leaves_the_group_does_not_live_on(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"trtdoctor-escape-{os.getpid()}-{how}"
    host, backend = machine(
        tmp_path / "m", escape(how, mark) + "__version__ = '1.0'\n", monkeypatch
    )
    assert imported(record(host, tensorrt_imports))["version"] == "1.0"
    assert not living(mark)
    backend.close()


@linux
@pytest.mark.parametrize("how", ESCAPES)
def test_nothing_lives_on_where_trtdoctor_is_killed(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"trtdoctor-killed-{os.getpid()}-{how}"
    # With bindings beside it, or it would be taken for a file of the user's own and not imported.
    (tmp_path / "m/tensorrt").mkdir(parents=True)
    (tmp_path / "m/tensorrt_bindings").mkdir()
    (tmp_path / "m/tensorrt/__init__.py").write_text(escape(how, mark) + NEVER)
    process = subprocess.Popen(
        [sys.executable, "-m", "trtdoctor", "check", "--python", sys.executable],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "m")},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert within(60, lambda: bool(living(mark)))
    process.kill()
    process.wait()
    assert within(60, lambda: not living(mark))
    assert within(60, lambda: not living(str(tmp_path / "m")))


def within(seconds: float, what: Any) -> bool:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if what():
            return True
        time.sleep(0.02)
    return False


@linux
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP", "SIGABRT", "SIGUSR1", "SIGALRM"])
def test_a_library_that_signals_its_parent_does_not_end_the_run(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "import os, signal\n"
        f"os.kill(os.getppid(), signal.{number})\nos.killpg(os.getppid(), signal.{number})\n"
        "__version__ = '1.0'\n"
    )
    host, _ = machine(tmp_path / "m", source, monkeypatch)
    assert imported(record(host, tensorrt_imports))["version"] == "1.0"


@linux
def test_a_library_that_kills_its_parent_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(300)\n"
    host, _ = machine(tmp_path / "m", source, monkeypatch)
    ended = host.child("import_module", {"module": "tensorrt"}, python=sys.executable)
    assert (ended.ending, ended.detail) == ("signal", "SIGKILL")
    assert host.child("interpreter", python=sys.executable).ending == "returned"


def test_no_process_of_the_programs_own_is_touched(tmp_path: Path) -> None:
    own = subprocess.Popen(["sleep", "300"], start_new_session=True)
    backend = LiveBackend()
    assert Host(backend).run(("sh", "-c", "exit 3")).exit_code == 3
    backend.close()
    assert own.poll() is None
    own.kill()
    own.wait()


@linux
def test_a_process_may_have_so_much_memory_and_no_more() -> None:
    asked = [sys.executable, "-c", "print(len(bytes(300 << 20)))"]
    for memory, code in ((200 << 20, 1), (900 << 20, 0)):
        runner = Runner(budget=60, memory=memory)
        ended = runner.run(asked, deadline=60, environment=dict(os.environ))
        runner.close()
        assert ended.exit_code == code, ended
        assert (b"MemoryError" in ended.stderr) is bool(code)


def test_an_answer_that_is_too_large_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _ = machine(tmp_path / "m", "__version__ = 'x' * (40 << 20)\n", monkeypatch)
    ended = host.child("import_module", {"module": "tensorrt"}, python=sys.executable)
    assert ended.ending == "raised"
    assert ended.detail == "an answer of 40 MiB, and no more than 16 are read"


def test_a_program_is_not_looked_for_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\ntouch sprung\n")
    (tmp_path / "tool").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}")
    with pytest.raises(Missing):
        Host(LiveBackend()).run(("tool",))
    assert not (tmp_path / "sprung").exists()
