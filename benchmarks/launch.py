"""Runs a command in a process that nothing large started, and tells what it took."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A process begins with the largest resident set of the one that started it, so a small one has to.
_LAUNCH = """
import os, sys, time
started = time.perf_counter()
child = os.fork()
if not child:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.execv(sys.argv[1], sys.argv[1:])
usage = os.wait4(child, 0)[2]
print(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Cost:
    """Wall time and processor time in seconds, with that of children, and the peak memory in MB."""

    wall: float
    seconds: float
    megabytes: float


def launched(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Cost:
    """What a command takes, whose first word is the path of a program."""
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCH, *map(str, command)],
        stdout=subprocess.PIPE,
        cwd=folder,
        check=True,
        env={**os.environ, **environment},
    ).stdout
    wall, seconds, kilobytes = told.split()
    return Cost(float(wall), float(seconds), int(kilobytes) * 1024 / 1e6)
