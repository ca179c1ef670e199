"""Processes with a deadline: each leads its own group, which never outlives it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO


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
    """Starts processes and remembers the living ones, so that all of them can be ended at once."""

    def __init__(self, *, budget: float) -> None:
        """``budget``: seconds from now after which no process lives, whatever its own deadline."""
        self._ends_at = time.monotonic() + budget
        self._living: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline: float,
        environment: dict[str, str],
        pass_fds: tuple[int, ...] = (),
        output_limit: int = 1 << 20,
        keep_last: bool = False,
    ) -> Ended:
        """Run a process to its end or its deadline (seconds), then kill what is left of its group.

        Raises:
            OSError: it could not be started, or the runner is closed.
        """
        with self._lock:
            if self._closed:
                raise OSError("the run is over")
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                pass_fds=pass_fds,
                start_new_session=True,
            )
            self._living.add(process)
        assert process.stdout is not None and process.stderr is not None
        out = _Drain(process.stdout, output_limit, keep_last=keep_last)
        err = _Drain(process.stderr, output_limit, keep_last=keep_last)
        try:
            left = max(0.0, min(deadline, self._ends_at - time.monotonic()))
            in_time = _ends_within(process, left)
        finally:
            # The leader is not yet reaped here, so its group's number cannot belong to another.
            _kill_group(process)
            process.wait()
            with self._lock:
                self._living.discard(process)
        return Ended(process.returncode if in_time else None, left, out.close(), err.close())

    def close(self) -> None:
        """End every living process and its group; nothing more can be started."""
        with self._lock:
            self._closed = True
            for process in self._living:
                _kill_group(process)


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process ends in time; it is left unreaped."""
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                return bool(poll.poll(max(0, int(seconds * 1000))))
            finally:
                os.close(descriptor)
    ends_at = time.monotonic() + seconds
    while True:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        if time.monotonic() >= ends_at:
            return False
        time.sleep(0.005)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
