"""Prints how long trtdoctor takes, against ``python -c pass`` and torch's collect_env.

Run it with the interpreter that trtdoctor is installed in: ``python benchmarks/startup.py``.
Times are medians in milliseconds; memory is the parent's largest resident set.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time


def measure(command: list[str], runs: int) -> tuple[float, float]:
    """Median wall time (ms) and largest resident set of the process itself (MiB)."""
    times, memory = [], 0
    for _ in range(runs + 1):
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        times.append((time.perf_counter() - started) * 1000)
        memory = max(memory, usage.ru_maxrss)
    # The first run warms the file cache and is left out.
    return statistics.median(times[1:]), memory / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    doctor = [sys.executable, "-m", "trtdoctor"]
    rows = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "trtdoctor --version": [*doctor, "--version"],
        "trtdoctor --help": [*doctor, "--help"],
        "trtdoctor check": [*doctor, "check", "--fail-on", "never"],
        "trtdoctor check --format json": [*doctor, "check", "--format", "json"],
    }
    if importlib.util.find_spec("torch"):
        rows["torch collect_env"] = [sys.executable, "-m", "torch.utils.collect_env"]
    base, _ = measure(rows["python -c pass"], runs)
    print(f"{'command':32} {'ms':>8} {'x python':>9} {'MiB':>7}")
    for name, command in rows.items():
        took, memory = measure(command, runs)
        print(f"{name:32} {took:8.0f} {took / base:9.1f} {memory:7.0f}")


if __name__ == "__main__":
    main()
