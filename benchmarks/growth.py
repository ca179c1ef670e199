"""How reading hostile input grows with its size: work that is bounded as it should be is linear.

    python benchmarks/growth.py [--bytes 250000]

Each input repeats one piece. Prints the processor time for half of the size and for all of it, and
their ratio: about 2 is linear, 4 is quadratic. The tests only see to it that each of them ends.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "readers" / "plan")]

import planwriter  # noqa: E402

from trtdoctor.knowledge import Knowledge  # noqa: E402
from trtdoctor.precision.layers import classify_layers  # noqa: E402
from trtdoctor.readers.layers import FormatError, read_layers  # noqa: E402
from trtdoctor.readers.plan import identify, static_layers  # noqa: E402

HEAD = "Engine Layer Information:\n"
LAYERS = ("Tactic Name: a Tactic: 0x1\n", "Layers:\n", "[", '{"Name": "a"}', '"', " [profile 1]")
NAMES = ("[ONNX Layer: ", "a + ", "_xmma_f16", "{ForeignNode[", "__myl_Cast", "E4M3 ")
MESSAGES = ("1", "libnvinfer", "No implementation of layer ", "undefined symbol: ")
STREAMS = {
    "opens": b"\x55\x80\x01\x00",
    "array counts": b"\x01\x80\x07\x80\x01\x00" + struct.pack("<Q", 1 << 61),
    "strings of nothing": struct.pack("<HHQHHHQ", 0x8018, 1, 0, 0x8001, 0x800C, 1, 0),
    "blob of blobs": struct.pack("<HHQ", 0x8008, 1, 1 << 63),
}
PROGRAMS = ("{ x=", " a={ }\n", ' tensor={ name="a" }\n', '"', "[ONNX Layer: ")


def layers(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        file = read_layers(data)
        classify_layers(file.layers, io=file.io or ())


def named(name: str) -> None:
    layer = {"Name": name, "LayerType": name, "TacticName": name, "Metadata": name}
    layers(json.dumps({"Layers": [layer]}).encode())


def stream(data: bytes) -> None:
    engine = planwriter.releases()["8.6"]
    content = planwriter.body(engine) + data
    inner = struct.pack("<4sIIIQ", b"ptrt", 0, 236, 0, len(content)) + content
    plan(planwriter.container(engine, inner, None))


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
    for name, unit in STREAMS.items():
        yield f"plan stream of {name}", lambda n, u=unit: stream(u * (n // len(u)))
    for piece in PROGRAMS:
        yield f"fused block {piece!r}", lambda n, p=piece: program(p * (n // len(p)))


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
    size = parser.parse_args().bytes
    print(f"{'input':48} {'half ms':>9} {'all ms':>9} {'ratio':>6}")
    for name, read in cases():
        read(1000)
        half, whole = seconds(read, size // 2), seconds(read, size)
        print(f"{name:48} {half * 1000:9.1f} {whole * 1000:9.1f} {whole / half:6.1f}")


if __name__ == "__main__":
    main()
