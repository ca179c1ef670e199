"""Prints what putting a fleet's reports beside each other costs, in time and memory.

    python benchmarks/fleet.py [--machines 100,1000]

The reports are those of the recorded hosts under other names, every tenth with an engine's layers in it.
Times are of the whole command in a process of its own; the yardstick of ``ratio`` is another process
that parses the same files with ``json.load``, one after the other, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests" / "reporting")]

import fleetmaker  # noqa: E402
import msgspec  # noqa: E402
from rendering import explained, grown  # noqa: E402

YARDSTICK = """
import json, pathlib, sys
for file in pathlib.Path(sys.argv[1]).glob("*.json"):
    json.loads(file.read_bytes())
"""
# Of twenty machines, what the odd ones are.
ODD = {3: "h100-no-tensorrt", 7: "imagined-gtx-1080", 11: "imagined-unknown-gpu"}


def make(folder: Path, number: int) -> int:
    """Write so many reports; returns their bytes."""
    engine = msgspec.to_builtins(grown(explained(), 500, "inspect").engines)
    size = 0
    for index in range(number):
        report = fleetmaker.machine(f"node{index:05}", ODD.get(index % 20, fleetmaker.HEALTHY))
        if index % 10 == 0:
            report["engines"] = engine
        data = json.dumps(report).encode()
        (folder / f"node{index:05}.json").write_bytes(data)
        size += len(data)
    return size


def measure(*command: str) -> tuple[float, float]:
    """Seconds and the most memory, in MB, of a process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return time.perf_counter() - started, used.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", default="100,1000")
    print(f"{'reports':>7} {'MB':>7} {'what':24} {'s':>6} {'MB of memory':>12} {'ratio':>6}")
    for number in map(int, parser.parse_args().machines.split(",")):
        with tempfile.TemporaryDirectory() as name:
            size = make(Path(name), number) / 1e6
            yardstick, memory = measure("-c", YARDSTICK, name)
            print(f"{number:7} {size:7.0f} {'json.loads':24} {yardstick:6.2f} {memory:12.0f}")
            for what, options in (
                ("terminal", ()),
                ("json", ("--format", "json")),
                ("html", ("--format", "html", "--no-share")),
                ("html, shared", ("--format", "html")),
            ):
                took, memory = measure("-m", "trtdoctor", "report", "fleet", name, *options)
                ratio = took / yardstick
                print(f"{number:7} {size:7.0f} {what:24} {took:6.2f} {memory:12.0f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
