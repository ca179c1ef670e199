"""How reading hostile input grows with its size: work that is bounded as it should be is linear.

    python benchmarks/growth.py [--bytes 250000] [--file-bytes 10000000] [--only WORD]

Each input repeats one piece. Prints the processor time for half of the size and for all of it, and
their ratio: about 2 is linear, 4 is quadratic. The tests only see to it that each of them ends.

Then come whole files, each read in a process of its own: processor time and peak memory for half of
the size and for all of it, and which share all of it is of what a file of N bytes may take, 1 s and
1 s for each 20 MB, 100 MB and 12 N. A file that is refused says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(ROOT),
    str(ROOT / "tests" / "readers" / "plan"),
    str(ROOT / "tests" / "readers"),
]

import hostile  # noqa: E402
import planwriter  # noqa: E402

from trtdoctor.knowledge import Knowledge  # noqa: E402
from trtdoctor.precision.layers import classify_layers  # noqa: E402
from trtdoctor.readers.layers import FormatError, read_layers  # noqa: E402
from trtdoctor.readers.plan import identify, static_layers  # noqa: E402

HEAD = "Engine Layer Information:\n"
LAYERS = ("Tactic Name: a Tactic: 0x1\n", "Layers:\n", "[", '{"Name": "a"}', '"', " [profile 1]")
NAMES = ("[ONNX Layer: ", "a + ", "_xmma_f16", "{ForeignNode[", "__myl_Cast", "E4M3 ")
MESSAGES = ("1", "libnvinfer", "No implementation of layer ", "undefined symbol: ")
PROGRAMS = ("{ x=", " a={ }\n", ' tensor={ name="a" }\n', '"', "[ONNX Layer: ")


def layers(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        file = read_layers(data)
        classify_layers(file.layers, io=file.io or ())


def named(name: str) -> None:
    layer = {"Name": name, "LayerType": name, "TacticName": name, "Metadata": name}
    layers(json.dumps({"Layers": [layer]}).encode())


def plan_with(items: bytes) -> bytes:
    """A plan whose stream ends with these items."""
    engine = planwriter.releases()["8.6"]
    content = planwriter.body(engine) + items
    inner = struct.pack("<4sIIIQ", b"ptrt", 0, 236, 0, len(content)) + content
    return planwriter.container(engine, inner, None)


def stream(items: bytes) -> None:
    plan(plan_with(items))


def program(text: str) -> None:
    engine = planwriter.releases()["10.9"]
    fused = replace(engine.layers[0], myelin=planwriter.myelin("main {\n" + text))
    plan(planwriter.plan(replace(engine, layers=(fused,))))


def plan(data: bytes) -> None:
    identify(data)
    static_layers(data)


def cases() -> Iterator[tuple[str, Callable[[int], object]]]:
    """What is read, and how to read so many bytes of it."""
    knowledge = Knowledge.load()
    for piece in LAYERS:
        yield f"layers {piece!r}", lambda n, p=piece: layers((HEAD + p * (n // len(p))).encode())
    for piece in NAMES:
        yield f"layer name {piece!r}", lambda n, p=piece: named(p * (n // len(p)))
    for piece in MESSAGES:
        yield (
            f"message {piece!r}",
            lambda n, p=piece: knowledge.log_messages(p * (n // len(p))),
        )
    for name, unit in hostile.STREAMS.items():
        yield f"plan stream of {name}", lambda n, u=unit: stream(u * (n // len(u)))
    for piece in PROGRAMS:
        yield f"fused block {piece!r}", lambda n, p=piece: program(p * (n // len(p)))


def files(size: int, only: str) -> None:
    print(
        f"\n{'file':48} {'half s':>7} {'all s':>7} {'share':>6} {'half MB':>8} {'all MB':>7} {'share':>6}"
    )
    for kind, writers in hostile.KINDS.items():
        for name, write in writers.items():
            if only not in f"{kind}: {name}":
                continue
            data = write(size)
            with tempfile.TemporaryDirectory() as folder:
                half = hostile.cost(kind, write(size // 2), Path(folder))
                whole = hostile.cost(kind, data, Path(folder))
            if half.trouble or whole.trouble:
                print(f"{kind}: {name}: {half.trouble or whole.trouble}")
                continue
            time_share = whole.seconds / (1 + len(data) / 20e6)
            peak_share = whole.peak_bytes / (100e6 + 12 * len(data))
            print(
                f"{kind + ': ' + name:48} {half.seconds:7.2f} {whole.seconds:7.2f} {time_share:6.2f} "
                f"{half.peak_bytes / 1e6:8.0f} {whole.peak_bytes / 1e6:7.0f} {peak_share:6.2f}"
                f"{'  refused' if whole.said else ''}"
            )


def seconds(read: Callable[[int], object], size: int) -> float:
    """The best of two, of processor time: other programs on the machine change little."""
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        read(size)
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=250_000)
    parser.add_argument("--file-bytes", type=int, default=10_000_000)
    parser.add_argument("--only", default="", help="Only inputs with this in their name.")
    options = parser.parse_args()
    size = options.bytes
    print(f"{'input':48} {'half ms':>9} {'all ms':>9} {'ratio':>6}")
    for name, read in cases():
        if options.only not in name:
            continue
        read(1000)
        half, whole = seconds(read, size // 2), seconds(read, size)
        print(f"{name:48} {half * 1000:9.1f} {whole * 1000:9.1f} {whole / half:6.1f}")
    files(options.file_bytes, options.only)


if __name__ == "__main__":
    main()
