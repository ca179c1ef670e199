"""Identity of a 10 GB plan: at most 0.3 s and 80 MB, since only headers are read.

    python benchmarks/plan_identity.py [--gigabytes 10] [--directory DIR]

Writes sparse plans (their weights are a hole) of a release with weights in the stream, of one with
a section of weights, and of one whose stream is longer than what the identity walks; reads each in
a fresh interpreter and prints wall time, with and without the interpreter's start, and peak memory.
Ends with status 1 where a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "readers" / "plan")]

import planwriter  # noqa: E402

SECONDS, MEGABYTES = 0.3, 80
READ = r"""
import json, re, sys, time
begun = time.perf_counter()
from pathlib import Path
from trtdoctor.readers.plan import identify
imported = time.perf_counter()
found = identify(Path(sys.argv[1]))
done = time.perf_counter()
print(json.dumps({
    "import": imported - begun, "identify": done - imported,
    # Not getrusage: its peak is inherited from the process that started this one.
    "rss": int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6,
    "what": found.what, "weights": found.engine.weights_bytes, "io": len(found.engine.io or ()),
    "profiles": found.engine.profiles is not None, "verbosity": found.engine.profiling_verbosity,
    "problems": [problem.message for problem in found.problems],
}))
"""


def write_sparse(path: Path, engine: planwriter.Engine, hole: int) -> None:
    """Write a plan whose weights are followed by ``hole`` bytes of nothing."""
    small = planwriter.plan(engine)
    own_section = engine.rtx or engine.version >= (10, 9)
    marker = (b"\x42" if own_section else b"\x21") * engine.weights
    at = small.index(marker)
    grown = bytearray(small)
    _grow(grown, engine, hole)
    with path.open("wb") as file:
        file.write(grown[: at + engine.weights])
        file.seek(at + engine.weights + hole)
        file.write(grown[at + engine.weights :])


def _grow(data: bytearray, engine: planwriter.Engine, hole: int) -> None:
    """Let every length that covers the weights grow with them."""

    def add(offset: int, hole: int) -> None:
        value = int.from_bytes(data[offset : offset + 8], "little") + hole
        data[offset : offset + 8] = value.to_bytes(8, "little")

    block = data.index(b"ptrt")
    if engine.rtx or engine.version >= (10, 9):
        add(0x10, hole)
        table = 64 if engine.rtx else 32
        add(table + 24 + 16, hole)
        if engine.rtx:
            add(0x38, hole)
        return
    if engine.version >= (8, 6):
        add(0x10, hole)
        add(0x20 + 16, hole)
    add(block + 16, hole)
    length = engine.weights.to_bytes(8, "little")
    add(bytes(data).index(length + b"\x21" * 16), hole)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    hole = int(options.gigabytes * 1e9)
    base = planwriter.releases()
    cases = {
        "8.5, weights in the stream": replace(base["8.5"], weights=4096),
        "10.3, long stream": replace(base["10.3"], weights=4096, padding_items=2_000_000),
        "10.9, section of weights": base["10.9"],
        "RTX 1.7, section of weights": base["rtx-1.7"],
    }
    worst = 0
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        for name, engine in cases.items():
            path = Path(folder) / "sparse.plan"
            write_sparse(path, engine, hole)
            environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
            run = subprocess.run(
                [sys.executable, "-c", READ, str(path)],
                capture_output=True,
                text=True,
                env=environment,
                check=True,
            )
            found = json.loads(run.stdout)
            slow = found["identify"] > SECONDS or found["rss"] > MEGABYTES
            worst |= slow
            seen = {
                key: found[key] for key in ("weights", "io", "profiles", "verbosity", "problems")
            }
            print(
                f"{name}: {path.stat().st_size / 1e9:.1f} GB, "
                f"identity {found['identify'] * 1000:.0f} ms "
                f"(import {found['import'] * 1000:.0f} ms), peak {found['rss']:.0f} MB"
                f"{'  TOO MUCH' if slow else ''}\n    {found['what']} {seen}"
            )
            path.unlink()
    return int(worst)


if __name__ == "__main__":
    sys.exit(main())
