"""Reading speed of the build log reader, on logs blown up to the size of a large network's.

    python benchmarks/buildlog.py [LOG ...] [--megabytes 300]

Each log is told again with other layer names until it is that large, as one build; then
it is read three times on one core. Prints the best MB/s of processor time and the peak memory.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import tempfile
import time
from pathlib import Path

from trtdoctor.readers.buildlog import read_build_log

DATA = Path(__file__).parents[1] / "tests" / "data" / "buildlog"
DEFAULT = ("trt86-cnn.fp16", "trt85-tiny.fp16", "trt86-simple.fp16")


def blow_up(log: Path, size: int, target: Path) -> None:
    """Repeat the autotuning part, each time with other names; the rest once, as in one build."""
    names = {t.layer for a in read_build_log(log).build.attempts for t in a.layers if t.layer}
    content = log.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    start = content.find(b"\n", content.find(b"Constructing optimization profile")) + 1
    end = content.rfind(b"\n", 0, content.find(b"Formats and tactics selection")) + 1
    head, middle, tail = content[:start], content[start:end], content[end:]
    with target.open("wb") as out:
        out.write(head)
        for copy in range(max(1, size // len(middle))):
            again = middle
            for name in names:
                again = again.replace(
                    b": %b (" % name.encode(), b": %b_%d (" % (name.encode(), copy)
                )
            out.write(again)
        out.write(tail)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=int, default=300)
    options = parser.parse_args()
    logs = options.logs or [DATA / f"{name}.log.gz" for name in DEFAULT]
    print(f"{'log':<28} {'MB':>6} {'MB/s':>6} {'Mlines/s':>9} {'candidates':>11} {'peak MB':>8}")
    for log in logs:
        with tempfile.TemporaryDirectory() as folder:
            large = Path(folder) / "build.log"
            blow_up(log, options.megabytes * 1_000_000, large)
            size = large.stat().st_size
            seconds = float("inf")
            for _ in range(3):
                started = time.process_time()
                read = read_build_log(large)
                seconds = min(seconds, time.process_time() - started)
        candidates = sum(len(t.candidates) for a in read.build.attempts for t in a.layers)
        candidates += sum(len(s.conversions) for a in read.build.attempts for s in a.conversions)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{log.name:<28} {size / 1e6:>6.0f} {size / seconds / 1e6:>6.0f} "
            f"{read.lines / seconds / 1e6:>9.2f} {candidates:>11} {peak:>8.0f}"
        )


if __name__ == "__main__":
    main()
