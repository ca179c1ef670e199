"""Processes with a deadline: all of them end with the run, however they try to leave it.

They are started by a process of our own (`children/spawner.py`), which is the parent of whatever they
leave behind. A process of somebody else's, that uses trtdoctor as a library, keeps its own children.
"""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_SPAWNER = Path(__file__).parent / "children" / "spawner.py"
# How long the end of a process that is killed is waited for, in seconds; the kernel's part is short.
_PATIENCE = 2.0
# Bytes of memory of its own that any process may have. Loading TensorRT takes a fraction of it.
_LEAST_MEMORY = 4 << 30


@dataclass(frozen=True)
class Ended:
    """How a process ended: ``exit_code`` is None at the deadline, negative for a signal.

    ``allowed`` is how many seconds it had: its deadline, or what was left of the budget.
    """

    exit_code: int | None
    allowed: float
    stdout: bytes
    stderr: bytes


class _Drain:
    """Reads a pipe to its end in a thread and keeps at most ``limit`` bytes, the first or the last."""

    def __init__(self, pipe: IO[bytes], limit: int, *, keep_last: bool) -> None:
        self._pipe, self._limit, self._keep_last = pipe, limit, keep_last
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while block := os.read(self._pipe.fileno(), 65536):
                if self._keep_last:
                    self._kept += block
                    del self._kept[: -self._limit]
                elif (room := self._limit - len(self._kept)) > 0:
                    self._kept += block[:room]

    def close(self) -> bytes:
        # A process that left the group may still hold the pipe; it is not waited for.
        self._thread.join(0.5)
        if not self._thread.is_alive():
            self._pipe.close()
        return bytes(self._kept)


class Runner:
    """Starts processes, and ends all of them and what they left behind at once."""

    def __init__(self, *, budget: float, memory: int | None = None) -> None:
        """What holds for all processes together.

        Args:
            budget: seconds from now after which no process lives, whatever its own deadline.
            memory: bytes that each may have for itself; None is most of what is free.
        """
        self._ends_at = time.monotonic() + budget
        self._memory = memory
        self._lock = threading.Lock()
        self._spawner: _Spawner | None = None
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline: float,
        environment: dict[str, str],
        answer: IO[bytes] | None = None,
        output_limit: int = 1 << 20,
        keep_last: bool = False,
    ) -> Ended:
        """Run a process to its end or its deadline (seconds), then kill what is left of it.

        ``answer``: a file that the process has as its descriptor 3.

        Raises:
            OSError: it could not be started, or the runner is closed.
        """
        program = _found(argv[0], environment)
        with contextlib.ExitStack() as stack:
            life, theirs = socket.socketpair()
            stack.enter_context(life)
            stack.enter_context(theirs)
            (out, out_end), (err, err_end) = _pipe(), _pipe()
            stack.enter_context(out_end)
            stack.enter_context(err_end)
            streams = [out_end.fileno(), err_end.fileno()]
            if answer is not None:
                streams.append(answer.fileno())
            with self._lock:
                if self._closed:
                    raise OSError("the run is over")
                if self._spawner is None or not self._spawner.lives:
                    self._spawner = _Spawner(environment)
                if self._memory is None:
                    self._memory = max(_LEAST_MEMORY, free_memory() * 9 // 10)
                request = {
                    "argv": [program, *argv[1:]],
                    "env": environment,
                    "memory": self._memory,
                }
                self._spawner.send(request, [theirs.fileno(), *streams])
            for end in (theirs, out_end, err_end):
                end.close()
            drains = [_Drain(pipe, output_limit, keep_last=keep_last) for pipe in (out, err)]
            left = max(0.0, min(deadline, self._ends_at - time.monotonic()))
            said = _said(life, left)
            in_time = said is not None
            if not in_time:
                with contextlib.suppress(OSError):
                    life.shutdown(socket.SHUT_WR)
                _said(life, _PATIENCE)
        stdout, stderr = (drain.close() for drain in drains)
        if not in_time:
            return Ended(None, left, stdout, stderr)
        if not said:
            # The spawner died, and it took all processes with it.
            return Ended(-signal.SIGKILL, left, stdout, stderr)
        told = marshal.loads(said)
        if isinstance(told, list):
            number, what = told
            raise OSError(number or errno.EINVAL, what, argv[0])
        return Ended(os.waitstatus_to_exitcode(told), left, stdout, stderr)

    def close(self) -> None:
        """End every living process and whatever it left behind; nothing more can be started."""
        with self._lock:
            self._closed = True
            if self._spawner is not None:
                self._spawner.close()


class _Spawner:
    """The process that starts the others."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._control, theirs = socket.socketpair()
        nothing = _nothing()
        try:
            # A session of its own: Ctrl-C on the terminal is trtdoctor's to answer.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SPAWNER), str(theirs.fileno())],
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        finally:
            os.close(nothing)
            theirs.close()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        with nameless_file() as file:
            file.write(marshal.dumps(request))
            file.flush()
            socket.send_fds(self._control, [b"\0"], [file.fileno(), *descriptors])

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def nameless_file() -> Any:
    """A nameless file, open for writing and reading."""
    if hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError):
            return os.fdopen(os.memfd_create("trtdoctor"), "w+b")
    return tempfile.TemporaryFile()


def _nothing() -> int:
    """What there is nothing to read from; a pipe without a writer where there is no /dev/null."""
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:
        reader, writer = os.pipe()
        os.close(writer)
        return reader


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


def _found(program: str, environment: dict[str, str]) -> str:
    """The path of a program; one without a folder is looked for in the absolute ones of PATH."""
    if "/" in program:
        return program
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if folder.startswith("/"))
    found = shutil.which(program, path=path) if path else None
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    return found


def _said(life: socket.socket, seconds: float) -> bytes | None:
    """All that is told until the other end is closed; None if that is not within the time."""
    ends_at, said = time.monotonic() + seconds, b""
    poll = select.poll()
    poll.register(life, select.POLLIN)
    while True:
        left = max(0.0, ends_at - time.monotonic())
        if not poll.poll(int(left * 1000) + (left > 0)):
            return None
        try:
            piece = life.recv(4096)
        except OSError:
            piece = b""
        if not piece:
            return said
        said += piece


# A container's own limit, of cgroups version 2 and 1: the most, and what is in use.
_CGROUPS = (
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    (
        "sys/fs/cgroup/memory/memory.limit_in_bytes",
        "sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that a new process could take before others would have to give way; 0 if unknown.

    ``root`` is where the machine's ``proc`` and ``sys`` are.
    """
    free = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) << 10)
    for most, used in _CGROUPS:
        # Where there is no limit the file says "max", or a number larger than any memory.
        with contextlib.suppress(OSError, ValueError):
            free.append(int((root / most).read_text()) - int((root / used).read_text()))
    return max(0, min(free, default=0))
