"""A command of the user's own, run to its end or to its time's: all that it started ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from ...model.errors import InputError


def run_to_its_end(
    words: Sequence[str], seconds: float, *, folder: str | None = None, heard: bool = False
) -> tuple[int | None, str]:
    """Its exit code, None where its time was over, and what it said where that is to be heard.

    What is not heard of its output is dropped, and its errors go where ours go.

    Raises:
        InputError: it cannot be started.
    """
    try:
        child = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if heard else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if heard else None,
            cwd=folder,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise InputError(f"cannot start {words[0]}: {error.strerror or error}") from None
    try:
        said, _ = child.communicate(timeout=seconds)
        return child.returncode, said or ""
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
