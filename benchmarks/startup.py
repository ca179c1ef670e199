"""Prints how long trtdoctor takes, against ``python -c pass``, torch's collect_env and cuda-doctor.

Run it with the interpreter that trtdoctor is installed in: ``python benchmarks/startup.py``. The
yardsticks count where they are installed: torch beside trtdoctor, cuda-doctor on PATH or where
``--cuda-doctor`` says. Times are medians in milliseconds; memory is the parent's largest resident
set. Installed packages are compiled and a checkout may not be, so compiled files are kept aside.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator


def measure(command: list[str], runs: int, environment: dict[str, str]) -> tuple[float, float]:
    """Median wall time (ms) and largest resident set of the process itself (MiB)."""
    times, memory = [], 0
    for _ in range(runs + 1):
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        _, _, usage = os.wait4(process.pid, 0)
        times.append((time.perf_counter() - started) * 1000)
        memory = max(memory, usage.ru_maxrss)
    # The first run warms the file cache and is left out.
    return statistics.median(times[1:]), memory / 1024


def rows(runs: int, cuda_doctor: str | None) -> Iterator[tuple[str, float, float, float]]:
    """Name, milliseconds, ratio to an empty Python, and MiB of each command."""
    doctor = [sys.executable, "-m", "trtdoctor"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "trtdoctor --version": [*doctor, "--version"],
        "trtdoctor --help": [*doctor, "--help"],
        "trtdoctor check": [*doctor, "check", "--fail-on", "never"],
        "trtdoctor check --format json": [*doctor, "check", "--format", "json"],
    }
    if importlib.util.find_spec("torch"):
        commands["torch collect_env"] = [sys.executable, "-m", "torch.utils.collect_env"]
    if cuda_doctor:
        commands["cuda-doctor"] = [cuda_doctor]
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        base, _ = measure(commands["python -c pass"], runs, environment)
        for name, command in commands.items():
            took, memory = measure(command, runs, environment)
            yield name, took, took / base, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cuda-doctor", default=shutil.which("cuda-doctor"), metavar="PROGRAM")
    arguments = parser.parse_args()
    print(f"{'command':32} {'ms':>8} {'x python':>9} {'MiB':>7}")
    for name, took, ratio, memory in rows(arguments.runs, arguments.cuda_doctor):
        print(f"{name:32} {took:8.0f} {ratio:9.1f} {memory:7.0f}")


if __name__ == "__main__":
    main()
