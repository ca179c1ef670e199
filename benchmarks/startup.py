"""Prints how long trtdoctor takes, against ``python -c pass``, torch's collect_env and cuda-doctor.

Run it with the interpreter that trtdoctor is installed in: ``python benchmarks/startup.py``. The
yardsticks count where they are installed: torch beside trtdoctor, cuda-doctor on PATH or where
``--cuda-doctor`` says. Times are medians in milliseconds; memory is the parent's largest resident
set. Installed packages are compiled and a checkout may not be, so compiled files are kept aside.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from launch import launched


def measure(command: list[str], runs: int, environment: dict[str, str]) -> tuple[float, float]:
    """Median wall time (ms) and largest resident set of the process itself (MB)."""
    # The first run warms the file cache and is left out.
    costs = [launched(command, environment, Path.cwd()) for _ in range(runs + 1)][1:]
    wall = statistics.median(cost.wall for cost in costs)
    return wall * 1000, max(cost.megabytes for cost in costs)


def rows(runs: int, cuda_doctor: str | None) -> Iterator[tuple[str, float, float, float]]:
    """Name, milliseconds, ratio to an empty Python, and MB of each command."""
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
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}
        base, _ = measure(commands["python -c pass"], runs, environment)
        for name, command in commands.items():
            took, memory = measure(command, runs, environment)
            yield name, took, took / base, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cuda-doctor", default=shutil.which("cuda-doctor"), metavar="PROGRAM")
    arguments = parser.parse_args()
    print(f"{'command':32} {'ms':>8} {'x python':>9} {'MB':>7}")
    for name, took, ratio, memory in rows(arguments.runs, arguments.cuda_doctor):
        print(f"{name:32} {took:8.0f} {ratio:9.1f} {memory:7.0f}")


if __name__ == "__main__":
    main()
