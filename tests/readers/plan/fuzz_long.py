"""Mutates plans and whatever holds them, and reads the results: none may raise, be slow or take
much memory.

    python tests/readers/plan/fuzz_long.py --count 1000000 [--seconds 3600] [--seed 1] [--corpus DIR
    ...]

Prints the count, the slowest input by processor time and the peak memory. An input that raises is
written to the working directory as ``fuzz-crash-N.bin`` and makes the exit status 1. Inputs are at
most 64 KiB, one in 256 up to 1 MiB, so that a run is many inputs and not a few long ones.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import io
import json
import pickle
import random
import resource
import struct
import sys
import time
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

import planwriter  # noqa: E402

from trtdoctor.readers.plan import extract, identify, static_layers  # noqa: E402

SMALL, LARGE = 64 << 10, 1 << 20
NUMBERS = (
    0,
    1,
    2,
    7,
    0x7F,
    0xFF,
    0xFFFF,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    1 << 62,
    1 << 63,
    (1 << 64) - 1,
)


def wrappers(plan: bytes) -> list[bytes]:
    """Every kind of file around a plan."""
    meta = json.dumps({"task": "detect", "names": {"0": "a"}, "batch": 1}).encode()
    found = [
        struct.pack("<i", len(meta)) + meta + plan,
        gzip.compress(plan, 1),
        base64.b64encode(plan),
        b"\x0a\x07wrapper" + b"\x12" * 40 + plan,
        pickle.dumps({"engine": bytearray(plan), "input_names": ["x"]}, protocol=2),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        b"TRT-8601-EntropyCalibration2\nx: 3c010a14\n",
        b"\x08\x08\x12\x03own\x3a\x10" + b"\x0a\x09EPContext" + b"\0" * 5,
        planwriter.legacy_plan(),
    ]
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("own/data.pkl", found[4])
        archive.writestr("own/code/__torch__.py", "x")
        archive.writestr(
            "own/constants.pkl",
            pickle.dumps(["0%8%6%0%Own GPU", base64.b64encode(plan).decode()], 2),
        )
    return [*found, memory.getvalue()]


def seeds(corpus: list[Path]) -> list[bytes]:
    plans = [planwriter.plan(engine) for engine in planwriter.releases().values()]
    found = plans + [w for plan in plans[5::3] for w in wrappers(plan)]
    for folder in corpus:
        for path in sorted(folder.rglob("*.plan")):
            found.append(path.read_bytes()[:LARGE])
    return found


def mutate(data: bytearray, source: random.Random, pool: list[bytes]) -> bytes:
    for _ in range(source.choice((1, 1, 1, 2, 4, 16))):
        size = len(data)
        if not size:
            break
        at = source.randrange(size)
        kind = source.randrange(12)
        if kind == 0:
            data[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at] = source.randrange(256)
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + source.randrange(1, 64)]
        elif kind == 4:
            data[at:at] = source.randbytes(source.randrange(1, 64))
        elif kind == 5:
            number = source.choice(NUMBERS)
            data[at : at + 8] = struct.pack("<Q", number)
        elif kind == 6:
            data[at : at + 4] = struct.pack("<I", source.choice(NUMBERS) & 0xFFFFFFFF)
        elif kind == 7:
            length = source.randrange(1, 256)
            data[at:at] = data[at : at + length] * source.randrange(1, 8)
        elif kind == 8:
            other = source.choice(pool)
            start = source.randrange(len(other)) if other else 0
            data[at:at] = other[start : start + source.randrange(1, 512)]
        elif kind == 9:
            number = struct.pack("<Q", source.choice(NUMBERS))
            at = source.randrange(min(size, 128))
            data[at : at + 8] = number
        elif kind == 10 and source.random() < 0.1:
            data = bytearray(bytes(data).replace(b"\n", b"\r\n"))
        elif kind == 11 and source.random() < 0.1:
            data = bytearray(bytes(data).decode("utf-8", "replace").encode())
    return bytes(data)


def read(data: bytes) -> None:
    found = identify(data)
    static_layers(data)
    if found.plan is not None:
        try:
            for _ in extract(data, found.plan):
                pass
        except ValueError:
            # Documented: what is around the plan is damaged.
            pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    source = random.Random(options.seed)
    pool = seeds(options.corpus)
    small = [data for data in pool if len(data) <= SMALL]
    print(f"{len(pool)} seeds, {len(small)} of them small", flush=True)
    started, slowest, crashes, done = time.monotonic(), (0.0, b""), 0, 0
    for done in range(1, options.count + 1):
        data = mutate(bytearray(source.choice(pool if done % 256 == 0 else small)), source, pool)
        begun = time.process_time()
        try:
            read(data)
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            crashes += 1
            Path(f"fuzz-crash-{crashes}.bin").write_bytes(data)
            print(f"crash {crashes}: {error!r}", flush=True)
        took = time.process_time() - begun
        if took > slowest[0]:
            # Once more, so that a pause of the whole process is not taken for work.
            begun = time.process_time()
            with contextlib.suppress(Exception):
                read(data)
            took = min(took, time.process_time() - begun)
            slowest = max(slowest, (took, data), key=lambda entry: entry[0])
        if done % 20_000 == 0:
            report(done, started, slowest, crashes)
        if time.monotonic() - started > options.seconds:
            break
    report(done, started, slowest, crashes)
    return 1 if crashes else 0


def report(done: int, started: float, slowest: tuple[float, bytes], crashes: int) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{done} inputs in {time.monotonic() - started:.0f} s, {crashes} raised, "
        f"slowest {slowest[0] * 1000:.0f} ms ({len(slowest[1])} bytes), peak memory {peak:.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
