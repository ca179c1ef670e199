"""Hostile logs: the one documented error, or facts; nothing else, and quickly."""

from __future__ import annotations

import gzip
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.readers.buildlog import BuildLog, FormatError, parse_build_log

DATA = Path(__file__).parents[2] / "data" / "buildlog"
LINES = [
    line
    for name in ("trt86-encoder.fp16", "trt86-casts.fp16", "trt85-tiny.fp16")
    for line in gzip.decompress((DATA / f"{name}.log.gz").read_bytes()).splitlines()[-900:]
]
EXTRA = [
    b"[V] [TRT] a [Half(1,1:8) -> Float(1)] got cached result: R, tactic 0x1, 0.1 ms",
    b"[V] a [-> ] got cached result: , , ",
    b"Layer(", b"Layer(X): a, Tactic: 0x0,  -> y (Float[])", b"Layer(X): , b (F[:]) -> ",
    b"[VERBOSE] Adding reformat layer: x (y) from  to ",
    b"[V] Chose this engine with backend strategy",
    b"[V] Constructing optimization profile number 99999999999999999999999 [1/1].",
    b"[V] *************** Autotuning format combination: Half(" + b"9" * 5000 + b") -> F() ***",
    b"[V]  (foreignNode) tactic_id, cost(in ms)", b"[V]  (foreignNode)  1, nan, 1, 1, k, 0x",
    b"&&&& RUNNING [TensorRT v]", b"\xff\xfe\x00", b"\x1b[0m",
    b"[E] Error Code 4: buildSerializedNetwork",
]  # fmt: skip


def read(data: bytes) -> None:
    import io

    try:
        log = parse_build_log(io.BytesIO(data))
    except FormatError:
        return
    assert isinstance(log, BuildLog)
    assert log.build.first_line <= log.build.last_line <= log.lines


mutated = st.builds(
    lambda line, start, length, middle: line[:start] + middle + line[start + length :],
    st.sampled_from(LINES),
    st.integers(0, 200),
    st.integers(0, 40),
    st.binary(max_size=8),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(st.sampled_from(LINES), mutated, st.sampled_from(EXTRA)), max_size=60),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_mutated_lines(lines, newline):
    read(newline.join(lines))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=4000), st.booleans())
def test_bytes(data, packed):
    read(gzip.compress(data)[: len(data)] if packed else data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_real_log_with_holes(data):
    start = data.draw(st.integers(0, len(LINES)))
    lines = list(LINES[start : start + 500])
    for _ in range(data.draw(st.integers(0, 20))):
        if lines:
            del lines[data.draw(st.integers(0, len(lines) - 1))]
    read(b"\n".join(lines))


def test_a_line_without_end():
    read(b"[VERBOSE] Original: 3 layers\n[VERBOSE] " + b"x" * 5_000_000 + b"\n[VERBOSE] y\n")


def test_line_numbers_survive_an_endless_line():
    import io

    text = b"[VERBOSE] Original: 3 layers\n" + b"x" * 5_000_000
    text += b"\n[VERBOSE] Adding network input: x with dtype: float32, dimensions: (1, 2)\n"
    log = parse_build_log(io.BytesIO(text))
    assert log.build.inputs[0].line == 3 and log.lines == 3


def test_a_summary_inside_a_tactic_line_ends():
    tactic = b"[VERBOSE] Tactic: 0x1 Time: 0.1"
    joined = b"[VERBOSE] Tactic: 0x1 Fastest Tactic: 0x1 Time: 0.1"
    start = b"[VERBOSE] Building graph using backend strategy 2"
    read(b"\n".join([start, tactic, tactic, joined, tactic]))
    read(b"\n".join([start, tactic, b"x", joined, tactic, joined, b""]))
