"""Mutates what every reader reads, and has each of them read the results.

    python tests/readers/fuzz_all.py --count 10000000 [--seconds 36000] [--seed 1] [--only NAME ...]

None may raise anything but its own sentence (an ``InputError``), and none may take a second of
processor time. Prints for each reader how many inputs it read and which was the slowest, as rows for
docs/seen.md. An input that breaks a promise is written to the working directory as
``fuzz-READER-N.bin`` and makes the exit status 1. Inputs are at most 64 KiB, and most made of texts
a tenth of that, so that a run is many inputs and not a few long ones; what large ones cost,
benchmarks/growth.py prints. Each reader has the same time, so that quick ones read more.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "plan"), str(HERE.parents[1])]

import fuzz_long  # noqa: E402
import fuzz_recorded  # noqa: E402
import hostile  # noqa: E402

from trtdoctor.host.recorded import load_recording  # noqa: E402
from trtdoctor.knowledge import Knowledge  # noqa: E402
from trtdoctor.knowledge.decoding import decode  # noqa: E402
from trtdoctor.model.codec import encode, for_terminal, read_report  # noqa: E402
from trtdoctor.model.errors import InputError  # noqa: E402
from trtdoctor.readers.autocastlog import read_autocast_log  # noqa: E402
from trtdoctor.readers.buildlog import parse_build_log  # noqa: E402
from trtdoctor.readers.errortext import read_error_text  # noqa: E402
from trtdoctor.readers.layerlines import read_layer_line  # noqa: E402
from trtdoctor.readers.layers import read_layers  # noqa: E402
from trtdoctor.readers.onnxmodel import read_onnx  # noqa: E402
from trtdoctor.readers.profile import read_profile  # noqa: E402
from trtdoctor.readers.textfile import TextPieces, Unwrapper  # noqa: E402
from trtdoctor.render.decoded import render_decoded  # noqa: E402
from trtdoctor.reporting.redact import Redactor  # noqa: E402
from trtdoctor.testing import snapshot_of  # noqa: E402

DATA = HERE.parent / "data"
LARGEST = 64 << 10
USUAL = 6 << 10
# Of a hundred inputs made of texts, how many are as large as they may be.
LARGE_ONES = 0.02
TOO_LONG_S = 1.0
# What the texts are made of, to be put where it does not belong.
WORDS = (
    *(b"Layer(", b"): ", b", Tactic: ", b" -> ", b"[Float(", b"Half", b"{ Name: ", b"Metadata: "),
    *(
        b"Autotuning format combination: ",
        b"*************** ",
        b"[TRT] ",
        b"[V] ",
        b"\x1e",
        b"\x1b[0m",
    ),
    *(b'{"Name":', b'"LayerType":', b"NaN", b"1e999", b"-1", b"null", b"[[[[", b"}}}}", b"\\ud800"),
    *(b"password ", b"https://a:b@", b"/home/", b"GPU-", b"eyJ", b"@", b"\xff\xfe", b"\r\n", b"\0"),
)
KNOWN = snapshot_of(
    {
        "system.identity": {
            "users": ["alice"],
            "hosts": ["gpu-box-17.corp.example"],
            "homes": ["/data/people/alice"],
        }
    }
)


@dataclass
class Reader:
    """One reader, what it is given, and what came of it.

    ``crops``: what it reads has no frame, so that any piece of it is as good as the whole.
    """

    read: Callable[[bytes], object]
    seeds: list[bytes]
    crops: bool = False
    inputs: int = 0
    broken: int = 0
    spent_s: float = 0.0
    slowest_s: float = 0.0
    slowest_bytes: int = 0


def texts(*patterns: str) -> list[bytes]:
    """Pieces of real files, the beginning, the middle and the end of each."""
    found = []
    for pattern in patterns:
        for path in sorted(DATA.rglob(pattern)):
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            middle = len(data) // 2
            found += [data[:LARGEST], data[middle : middle + LARGEST // 4], data[-LARGEST // 4 :]]
    return found


def errors() -> list[bytes]:
    """Texts that the tables know, alone and a few of them in one log."""
    every = [row.example.encode() for row in Knowledge.load().all_messages()]
    return [*every, *(b"\n".join(every[at : at + 6]) for at in range(0, len(every), 6))]


def small(cases: dict[str, hostile.Writer]) -> list[bytes]:
    return [write(4000) for write in cases.values()]


def unwrapped(data: bytes) -> None:
    pieces = TextPieces(io.BytesIO(data))
    whole = b"".join(pieces)
    Unwrapper(whole).strip(whole)


def lines(data: bytes) -> None:
    for line in data.decode("utf-8", "replace").splitlines():
        read_layer_line(line)


def report(data: bytes) -> None:
    for_terminal(encode(read_report(data)).decode())


def redactor() -> Callable[[bytes], object]:
    hides = Redactor(KNOWN)
    return lambda data: hides.text(data.decode("utf-8", "surrogateescape"))


def decoder() -> Callable[[bytes], object]:
    knowledge = Knowledge.load()

    def read(data: bytes) -> None:
        found = read_error_text(io.BytesIO(data))
        render_decoded(decode(found.text, knowledge, numbers=found.numbers), width=80, color=False)

    return read


def recording(folder: Path) -> Callable[[bytes], object]:
    def read(data: bytes) -> None:
        head, _, rest = data.partition(b"\n\n")
        (folder / "recording.json").write_bytes(head)
        (folder / "answers.jsonl").write_bytes(rest)
        load_recording(folder)

    return read


def readers(folder: Path) -> dict[str, Reader]:
    """Every reader by its name, with something of each kind that it reads."""
    logs = texts("*.log.gz")
    layers = texts("*.layers.json") + small(hostile.LAYERS)
    reports = [path.read_bytes() for path in sorted((HERE.parent / "golden").glob("*.json"))]
    hosts = [
        (host / "recording.json").read_bytes().strip() + b"\n\n" + answers[:LARGEST]
        for host in sorted((HERE.parent / "hosts").iterdir())
        if host.is_dir() and (answers := (host / "answers.jsonl").read_bytes())
    ]
    autocast = [
        b"".join(b"Skipping node %s: because of IORule\n" % word for word in WORDS),
        *(log[:2000] for log in logs[:2]),
    ]
    times = b'[{"count":100},{"name":"conv","timeMs":1.5,"averageMs":0.1,"percentage":4}]'
    profiles = [*small(hostile.PROFILES), times]
    streams = [data * 40 for data in hostile.STREAMS.values()]
    return {
        "plan files": Reader(fuzz_long.read, [*fuzz_long.seeds([]), *streams]),
        "inspector output": Reader(read_layers, layers + logs[::3]),
        "profiles": Reader(read_profile, profiles),
        "build logs": Reader(lambda data: parse_build_log(io.BytesIO(data)), logs, crops=True),
        "layer lines": Reader(lines, [log[-4000:] for log in logs]),
        "wrapped texts": Reader(unwrapped, logs[::3], crops=True),
        "packed texts": Reader(unwrapped, [gzip.compress(x[:USUAL]) for x in logs[::5]]),
        "ONNX models": Reader(lambda data: read_onnx(data, shapes={}), small(hostile.MODELS)),
        "AutoCast logs": Reader(read_autocast_log, autocast),
        "reports": Reader(report, reports + small(hostile.REPORTS)),
        "recordings": Reader(recording(folder), hosts),
        "private texts": Reader(redactor(), [log[:4000] for log in logs] + [b" ".join(WORDS) * 9]),
        "error texts": Reader(decoder(), errors()),
        **{name: Reader(*given) for name, given in fuzz_recorded.READERS.items()},
    }


def mutated(source: random.Random, reader: Reader) -> bytes:
    pool = reader.seeds
    whole = source.choice(pool)
    data = bytearray(whole[:LARGEST])
    if reader.crops and source.random() > LARGE_ONES:
        start = source.randrange(max(1, len(whole) - USUAL))
        data = bytearray(whole[start : start + USUAL])
    if source.random() < 0.4:
        for _ in range(source.randrange(1, 6)):
            at = source.randrange(len(data) + 1)
            data[at:at] = source.choice(WORDS) * source.choice((1, 1, 1, 2, 50))
    return fuzz_long.mutate(data, source, pool)[:LARGEST]


def attempt(name: str, reader: Reader, data: bytes) -> None:
    reader.inputs += 1
    trouble = None
    took = [0.0, 0.0]
    for number in range(2):
        begun = time.process_time()
        try:
            reader.read(data)
        except InputError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            trouble = repr(error)[:300]
        took[number] = time.process_time() - begun
        if took[0] <= reader.slowest_s:
            break
    reader.spent_s += sum(took)
    # A pause of the whole process is not taken for work: it does not come twice.
    least = min(took) if took[1] else took[0]
    if least > reader.slowest_s:
        reader.slowest_s, reader.slowest_bytes = least, len(data)
    if least > TOO_LONG_S:
        trouble = trouble or f"{least:.1f} s of processor time"
    if trouble:
        reader.broken += 1
        path = Path(f"fuzz-{name.replace(' ', '-')}-{reader.broken}.bin")
        path.write_bytes(data)
        print(f"{path}: {trouble}", flush=True)


def table(every: dict[str, Reader], began: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(reader.inputs for reader in every.values())
    print(f"\n{total:,} inputs in {time.monotonic() - began:.0f} s, peak memory {peak:.0f} MiB\n")
    print("| reader | inputs | broke a promise | slowest |\n| --- | --- | --- | --- |")
    for name, reader in every.items():
        slowest = f"{reader.slowest_s:.3f} s of CPU ({reader.slowest_bytes:,} bytes)"
        print(f"| {name} | {reader.inputs:,} | {reader.broken} | {slowest} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    source = random.Random(options.seed)
    began = told = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        every = readers(Path(folder))
        if unknown := set(options.only) - set(every):
            parser.error(f"no such reader: {', '.join(sorted(unknown))}; of {', '.join(every)}")
        chosen = [(n, r) for n, r in every.items() if not options.only or n in options.only]
        for _, reader in chosen:
            # What is imported at the first use is no input's cost.
            with contextlib.suppress(InputError):
                reader.read(reader.seeds[0])
        for _ in range(options.count):
            name, reader = min(chosen, key=lambda entry: entry[1].spent_s)
            attempt(name, reader, mutated(source, reader))
            now = time.monotonic()
            if now - began > options.seconds:
                break
            if now - told > 300:
                told = now
                table(dict(chosen), began)
    table(dict(chosen), began)
    return 1 if any(reader.broken for reader in every.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
