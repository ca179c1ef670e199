"""Reading speed of the build log reader, on logs blown up to the size of a large network's.

    python benchmarks/buildlog.py [LOG ...] [--megabytes 300]

Each log is told again with other layer names until it is that large, as one build; the first also
as GitHub Actions wraps it, and the ONNX parser's lines of all of them alone. Each is read three times
on one core. Prints the best MB/s of processor time, how many times longer that is than a bare loop
over the lines takes, and the peak memory of the process so far.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from trtdoctor.readers.buildlog import read_build_log

DATA = Path(__file__).parents[1] / "tests" / "data" / "buildlog"
PARSER = (
    b"Parsing node: ",
    b"Searching for input: ",
    b"Registering tensor: ",
    b"Registering layer: ",
    b"] inputs: [",
    b"] outputs: [",
)
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


def wrap(log: Path, target: Path) -> None:
    """Put before each line what GitHub Actions does."""
    with log.open("rb") as lines, target.open("wb") as out:
        for number, line in enumerate(lines):
            out.write(b"2026-04-30T18:02:%02d.%07dZ " % (number // 9999 % 60, number % 9999) + line)


def parsing(logs: Sequence[Path], size: int, target: Path) -> None:
    """What the ONNX parser prints of each node, again and again with other names."""
    said: list[bytes] = []
    for log in logs:
        content = log.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        lines = content.splitlines(keepends=True)
        said += [line for line in lines if any(phrase in line for phrase in PARSER)]
    with target.open("wb") as out:
        out.write(b"[VERBOSE] Adding network input: x with dtype: float32, dimensions: (1, 2)\n")
        copy = 0
        while said and out.tell() < size:
            out.writelines(line.replace(b"node: ", b"node: %d_" % copy) for line in said)
            copy += 1


def seconds(work: Callable[[], object]) -> float:
    """The best of three, of processor time."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def bare_loop(log: Path) -> int:
    """The least that a program in Python can do with each line."""
    found = 0
    with log.open("rb") as lines:
        for line in lines:
            if b"Error" in line:
                found += 1
    return found


def report(name: str, log: Path) -> None:
    size = log.stat().st_size
    reading = seconds(lambda: read_build_log(log))
    ratio = reading / seconds(lambda: bare_loop(log))
    read = read_build_log(log)
    candidates = sum(len(t.candidates) for a in read.build.attempts for t in a.layers)
    candidates += sum(len(s.conversions) for a in read.build.attempts for s in a.conversions)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:<28} {size / 1e6:>6.0f} {size / reading / 1e6:>6.0f} {ratio:>6.2f} "
        f"{read.lines / reading / 1e6:>9.2f} {candidates:>11} {peak:>8.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=int, default=300)
    options = parser.parse_args()
    logs = options.logs or [DATA / f"{name}.log.gz" for name in DEFAULT]
    size = options.megabytes * 1_000_000
    print(
        f"{'log':<28} {'MB':>6} {'MB/s':>6} {'x loop':>6} {'Mlines/s':>9} {'candidates':>11} "
        f"{'peak MB':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        large, other = Path(folder) / "build.log", Path(folder) / "other.log"
        for number, log in enumerate(logs):
            blow_up(log, size, large)
            report(log.name, large)
            if number == 0:
                wrap(large, other)
                report("the same, wrapped", other)
        parsing(logs, size, other)
        report("parser lines alone", other)


if __name__ == "__main__":
    main()
