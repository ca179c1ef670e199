"""The machine itself, answering the host port's questions."""

from __future__ import annotations

import base64
import json
import os
import platform
import re
import shutil
import signal
import stat as stat_module
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trtdoctor.model.json_bounds import excess

from .port import Answer, Question
from .processes import Runner, nameless_file

_CHILDREN = Path(__file__).parent / "children"
_ANSWER_LIMIT = 16 << 20
_CHATTER_LIMIT = 8 << 10
_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}


def environment() -> dict[str, str]:
    """The environment of this process, secrets and all."""
    return dict(os.environ)


def child_source(script: str) -> str:
    """The source of one of ``children``, behind that of the parts which its ``# Needs:`` line names."""
    text = (_CHILDREN / f"{script}.py").read_text("utf-8")
    needs = re.search(r"^# Needs: (.+)$", text, re.MULTILINE)
    parts = needs.group(1).split(", ") if needs else []
    return "\n".join([*((_CHILDREN / f"{part}.py").read_text("utf-8") for part in parts), text])


class LiveBackend:
    """Answers from this machine. ``close`` ends every process it started."""

    def __init__(self, *, budget: float = 45.0) -> None:
        """``budget``: seconds that all processes together may live."""
        self._runner = Runner(budget=budget)
        self._operations: dict[str, Callable[..., Answer]] = {
            "read": _read,
            "list": _list,
            "stat": _stat,
            "resolve": _resolve,
            "env": _env,
            "system": _system,
            "volume": _volume,
            "dynamic": _dynamic,
            "run": self._run,
            "child": self._child,
        }

    def answer(self, question: Question) -> Answer:
        """Answer one question; what the operating system refuses is an answer too."""
        try:
            return self._operations[question.kind](**question.about)
        except (FileNotFoundError, NotADirectoryError) as error:
            return {"error": "missing", "detail": _says(error)}
        except PermissionError as error:
            return {"error": "denied", "detail": _says(error)}
        except (OSError, ValueError, TypeError, RecursionError, RuntimeError) as error:
            return {"error": "unusable", "detail": _says(error)}

    def close(self) -> None:
        """End every child; nothing more can be started."""
        self._runner.close()

    def _run(self, argv: list[str], deadline: float) -> Answer:
        environment = {**_without_working_directory(), "LC_ALL": "C", "LANGUAGE": "C"}
        ended = self._runner.run(argv, deadline=deadline, environment=environment)
        if ended.exit_code is None:
            said = f"{argv[0]} did not end within {ended.allowed:.3g} s"
            return {"error": "timeout", "detail": said}
        return {
            "exit_code": ended.exit_code,
            "stdout": ended.stdout.decode("utf-8", "replace"),
            "stderr": ended.stderr.decode("utf-8", "replace"),
        }

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question; scripts for one interpreter share a process while it works.

        Starting an interpreter costs more than most scripts do, and where a version manager stands
        before it, many times as much.
        """
        programs = {q.about["python"] for q in questions if q.kind == "child"}
        if len(programs) != 1 or any(q.kind != "child" for q in questions):
            return [self.answer(question) for question in questions]
        try:
            told = self._children(
                [(q.about["script"], q.about["payload"]) for q in questions],
                python=programs.pop(),
                deadline=max(q.about["deadline"] for q in questions),
            )
        except (OSError, ValueError):
            told = []
        # What the end of the process left unasked is asked on its own.
        return told + [self.answer(question) for question in questions[len(told) :]]

    def _child(
        self, script: str, payload: dict[str, Any], python: str | None, deadline: float
    ) -> Answer:
        return self._children([(script, payload)], python=python, deadline=deadline)[0]

    def _children(
        self, scripts: Sequence[tuple[str, dict[str, Any]]], *, python: str | None, deadline: float
    ) -> list[Answer]:
        """The answers of scripts that one process runs in turn, up to the one that ended it."""
        program = [(_CHILDREN / "prelude.py").read_text("utf-8")]
        for script, _ in scripts:
            program += [child_source(script), "_answer(main)"]
        # Libraries that crash while the interpreter shuts down would hide an answer already given.
        program.append("os._exit(0)\n")
        environment, late = _child_environment()
        with nameless_file() as private:
            ended = self._runner.run(
                [
                    python or sys.executable,
                    "-c",
                    "\n".join(program),
                    "3",
                    json.dumps([payload for _, payload in scripts]),
                    json.dumps(late),
                ],
                deadline=deadline,
                environment=environment,
                answer=private,
                output_limit=_CHATTER_LIMIT,
                keep_last=True,
            )
            private.seek(0)
            raw = private.read(_ANSWER_LIMIT * len(scripts))
        output = b"\n".join(part for part in (ended.stdout, ended.stderr) if part)
        answer: Answer = {"output": output.decode("utf-8", "replace")}
        # Only a whole answer counts; a crash while it was written leaves no closing newline.
        *lines, _ = raw.split(b"\n")
        told = [{**answer, **_told(line)} for line in lines[: len(scripts)]]
        unanswered = len(scripts) - len(told)
        if not unanswered:
            return told
        if ended.exit_code is None:
            # Those after it had as long.
            said = f"no answer within {ended.allowed:.3g} s"
            return told + [{**answer, "ending": "deadline", "detail": said}] * unanswered
        if ended.exit_code < 0:
            name = _signal_name(-ended.exit_code)
            return [*told, {**answer, "ending": "signal", "detail": name}]
        return [*told, {**answer, "ending": "exit", "detail": f"exit status {ended.exit_code}"}]


def _told(line: bytes) -> Answer:
    """What one script answered."""
    too_much = excess(line)
    if too_much is not None:
        return {"ending": "raised", "detail": f"an answer that is not read: {too_much}"}
    told: Answer = json.loads(line)
    return told


def _says(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _child_environment() -> tuple[dict[str, str], list[tuple[int, str]]]:
    """The environment of a child, and entries of its module path that are put in once it runs.

    An empty or a relative entry of PYTHONPATH means the working directory by accident and is left out.
    One that names it in full is there on purpose; put in later, it gives modules that are asked for,
    and no code that Python or the scripts run of their own accord.
    """
    environment = {
        **_without_working_directory(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONFAULTHANDLER": "1",
    }
    entries = [e for e in environment.pop("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(e)]
    here = None
    with suppress(OSError):
        here = str(Path.cwd())
    late = [(n, entry) for n, entry in enumerate(entries) if os.path.realpath(entry) == here]
    kept = [entry for entry in entries if os.path.realpath(entry) != here]
    if kept:
        environment["PYTHONPATH"] = os.pathsep.join(kept)
    return environment, late


def _without_working_directory() -> dict[str, str]:
    """The environment, less the entries by which the loader would look into the working directory."""
    environment = dict(os.environ)
    if path := environment.pop("LD_LIBRARY_PATH", None):
        here = os.path.realpath(".")
        kept = [
            entry
            for entry in re.split("[:;]", path)
            if os.path.isabs(entry) or (entry and os.path.realpath(entry) != here)
        ]
        if kept:
            environment["LD_LIBRARY_PATH"] = ":".join(kept)
    return environment


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _read(path: str, limit: int) -> Answer:
    # A FIFO or a device would block or act; only regular files are opened.
    if not stat_module.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path}: not a regular file")
    with Path(path).open("rb") as stream:
        data = stream.read(limit)
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _list(path: str) -> Answer:
    return {"names": sorted(os.listdir(path))}


def _stat(path: str) -> Answer:
    found = os.stat(path)
    kind = "file" if stat_module.S_ISREG(found.st_mode) else "other"
    if stat_module.S_ISDIR(found.st_mode):
        kind = "folder"
    return {
        "kind": kind,
        "size": found.st_size,
        "readable": os.access(path, os.R_OK),
        "writable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }


def _resolve(path: str) -> Answer:
    return {"path": os.path.realpath(path, strict=True)}


def _env(name: str) -> Answer:
    return {"value": os.environ.get(name)}


def _system() -> Answer:
    uname = platform.uname()
    home = os.path.expanduser("~")
    answer = {
        "system": uname.system,
        "release": uname.release,
        "machine": uname.machine,
        "host": uname.node,
        "home": home,
        "user": os.environ.get("USER") or os.environ.get("LOGNAME") or Path(home).name,
        "python": sys.executable,
        "libc": "",
        **_other_names(home),
    }
    with suppress(OSError, ValueError, AttributeError):
        answer["libc"] = os.confstr("CS_GNU_LIBC_VERSION") or ""
    with suppress(OSError):
        answer["directory"] = str(Path.cwd())
    return dict(answer)


def _other_names(home: str) -> dict[str, str]:
    """By what other names this user, this host and the home folder go, one a line.

    Who became another user by sudo, or runs with a HOME of somebody's choice, has two of each.
    """
    users = [os.environ.get(name) for name in ("LOGNAME", "SUDO_USER")]
    homes = [home]
    with suppress(ImportError, KeyError, OSError):
        import pwd

        numbers = [os.getuid()]
        with suppress(ValueError):
            numbers.append(int(os.environ.get("SUDO_UID", "")))
        for number in numbers:
            with suppress(KeyError, OverflowError):
                account = pwd.getpwuid(number)
                users.append(account.pw_name)
                homes.append(account.pw_dir)
    hosts = [os.environ.get("HOSTNAME")]
    return {"users": _lines(users), "hosts": _lines(hosts), "homes": _lines(homes)}


def _lines(names: Sequence[str | None]) -> str:
    return "\n".join(dict.fromkeys(name for name in names if name))


def _volume(path: str) -> Answer:
    usage = shutil.disk_usage(path)
    return {"total": usage.total, "free": usage.free}


def _dynamic(path: str) -> Answer:
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    answer: dict[str, Any] = {"needed": [], "rpath": [], "runpath": [], "soname": None}
    if not stat_module.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path}: not a regular file")
    try:
        with Path(path).open("rb") as stream:
            elf = ELFFile(stream)
            machine = elf["e_machine"]
            answer["machine"] = _MACHINES.get(machine, str(machine))
            for segment in elf.iter_segments():
                if segment["p_type"] == "PT_GNU_STACK":
                    answer["executable_stack"] = bool(segment["p_flags"] & 1)
                if not isinstance(segment, DynamicSegment):
                    continue
                for tag in segment.iter_tags():
                    if tag.entry.d_tag == "DT_NEEDED":
                        answer["needed"].append(tag.needed)
                    elif tag.entry.d_tag == "DT_SONAME":
                        answer["soname"] = tag.soname
                    elif tag.entry.d_tag == "DT_RPATH":
                        answer["rpath"] = [part for part in tag.rpath.split(":") if part]
                    elif tag.entry.d_tag == "DT_RUNPATH":
                        answer["runpath"] = [part for part in tag.runpath.split(":") if part]
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged file makes pyelftools raise anything
        raise ValueError(f"{path}: not a readable ELF library ({error})") from None
    return answer
