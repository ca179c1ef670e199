"""What is read in blocks is read as it is line by line; and no log costs more than its size."""

from __future__ import annotations

import gzip
import io
import random
import re
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.readers.buildlog import FormatError, parse_build_log
from trtdoctor.readers.textfile import TextPieces

DATA = Path(__file__).parents[2] / "data"
HEAD = (
    b"[V] [TRT] Original: 3 layers\n"
    b"[V] [TRT] Adding network input: x with dtype: float32, dimensions: (1, 2)\n"
    b"[V] [TRT] =============== Computing costs for a\n"
)
SAMPLES = [
    gzip.decompress((DATA / folder / f"{name}.log.gz").read_bytes()).splitlines()
    for folder, name in (
        ("buildlog", "trt86-simple.fp16"),
        ("buildlog", "trt85-tiny.fp16"),
        ("buildlog", "trt86-casts.fp16"),
        ("explain", "mobile.fp16"),
    )
]
STRANGE = [
    b"", b"\r", b"ab", b"epoch 3: loss 0.1 Time: soon", b"Fastest Tactic: 0x1 Time: 0.1",
    b"[VERBOSE] Fastest Tactic: 0x0000000000000000 Time: inf",
    b"[VERBOSE] *************** Autotuning Reformat: Half(1:x) -> Float(4,1) ***************",
    b"[VERBOSE] *************** Autotuning Reformat: Half(4,1) -> Float(4,1) *** -> ***************",
    b"[VERBOSE] --------------- Timing Runner: Optimizer Reformat(a) (Reformat)",
    b"[VERBOSE] --------------- Timing Runner: Optimizer Reformat(a -> <out>) (Other)",
    b"[VERBOSE] Other has no valid tactics for this config, skipping",
    b"[I] [TRT] Parsing node: n [Relu]", b"[I] [TRT] n [Relu] outputs: [y -> (1)[FLOAT]], ",
    b"[VERBOSE] >>>>>>>>>>>>>>> Chose Runner Type: a Tactic: 0x1", b"a | b", b"precision | FP16",
    b"Error Code 4: bad", b"&&&& PASSED TensorRT.trtexec", b"Layer(X): a, Tactic: 0x0,  -> y (Float[1])",
]  # fmt: skip


class OneByOne(io.BytesIO):
    """A stream that gives one line with each read, so that no two lines are ever looked at together."""

    def read(self, size: int | None = -1, /) -> bytes:
        return self.readline() if size is None or size > 2 else super().read(size)


def outcome(stream: io.BytesIO) -> str:
    """What is read, but for the number of timed tactics.

    A line of another program among them that holds a time counts as one where they are taken at once.
    """
    try:
        log = parse_build_log(stream)
    except FormatError as error:
        return str(error)
    return re.sub(r"tactics=\d+", "", repr(log))


def damaged(lines: list[bytes], chance: random.Random) -> list[bytes]:
    told: list[bytes] = []
    for line in lines:
        fate = chance.random()
        if fate < 0.02:
            continue
        # A damaged line that still holds a time counts among tactics that are taken at once.
        if fate < 0.04 and b" Time: " not in line:
            start = chance.randrange(len(line) + 1)
            line = line[:start] + chance.randbytes(2).replace(b"\n", b"") + line[start + 3 :]
        if fate > 0.97:
            told.append(chance.choice(STRANGE))
        told.append(line)
        if fate > 0.99:
            told.append(line)
    return told


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32), st.sampled_from([b"\n", b"\r\n"]))
def test_blocks_are_read_as_single_lines_are(seed, newline):
    chance = random.Random(seed)
    lines = chance.choice(SAMPLES)
    start = chance.randrange(len(lines))
    # What wraps lines is learnt from those that are read first, so that one of them is an ordinary one.
    told = [b"[VERBOSE] Original: 3 layers", *damaged(lines[start : start + 600], chance)]
    text = newline.join(told) + newline
    assert outcome(io.BytesIO(text)) == outcome(OneByOne(text))


@pytest.mark.parametrize("lines", SAMPLES)
def test_whole_logs_are_read_as_single_lines_are(lines):
    text = b"\n".join(lines) + b"\n"
    assert outcome(io.BytesIO(text)) == outcome(OneByOne(text))


def test_a_line_of_another_known_prefix_is_found_among_lines_that_say_nothing(parse):
    other = b"[I] Parsing node: early [Relu]\n"
    quiet = b"a word\n" * 2000
    text = HEAD + other + HEAD + quiet + b"[I] Parsing node: late [Relu]\n" + quiet
    build = parse(text).build
    assert [node.name for node in build.nodes][-1] == "late"
    assert build.nodes[-1].line == text[: text.index(b"[I] Parsing node: late")].count(b"\n") + 1


def test_what_is_wanted_is_found_among_lines_that_say_nothing(parse):
    quiet = b"[V] [TRT] a word\nx\n\nnot a word of it\n" * 5000
    error = b"[E] Error Code 4: bad\n"
    build = parse(HEAD + quiet + error + quiet + error).build
    assert [note.line for note in build.notes] == [20004, 40005]


# Bounds ------------------------------------------------------------------------------------------


def numbered(line: str, count: int) -> bytes:
    return b"".join(line.replace("#", str(n)).encode() for n in range(count))


CANDIDATE = "[V] [TRT] *************** Autotuning format combination: Half(#,1) -> Half(#,1) ***\n"
HOSTILE = {
    "two letters": lambda: b"ab\n" * 10_000_000,
    "empty lines": lambda: b"\n" * 20_000_000,
    "ends of lines": lambda: b"\r\n" * 10_000_000,
    "carriage returns alone": lambda: b"[V] [TRT] Tactic: 0x1 Time: 0.1\r" * 1_000_000,
    "words": lambda: b"abcdefghi\n" * 2_000_000,
    "words behind the prefix": lambda: b"[V] [TRT] hello there\n" * 1_000_000,
    "no UTF-8": lambda: b"\xff\xfe\xc0\x80 abc\n" * 2_000_000,
    "zeros": lambda: bytes(100_000_000),
    "lines of zeros": lambda: (bytes(20) + b"\n") * 1_000_000,
    "a line of 100 MB": lambda: b"[V] [TRT] Layer(" * 6_250_000,
    "prefixes": lambda: numbered("#] [MemUsageChange] x\n", 300_000),
    "ends of prefixes": lambda: b"".join(
        b"%b Plugin creator\n" % n.to_bytes(4, "big").replace(b"\n", b"") for n in range(300_000)
    ),
    "prefixes of groups": lambda: numbered("#" + CANDIDATE, 30_000),
    "attempts": lambda: numbered("[V] [TRT] Building graph using backend strategy #\n", 200_000),
    "layers": lambda: numbered("[V] [TRT] =============== Computing costs for #\n", 200_000),
    "formats": lambda: numbered(CANDIDATE, 100_000),
    "builds": lambda: numbered(
        "[V] [TRT] Original: # layers\n[V] [TRT] Adding network input: # with dtype: f, "
        "dimensions: (1)\n", 100_000),
    "errors": lambda: b"[E] Error Code 4: bad\n" * 500_000,
    "rows": lambda: numbered("a# | b\n", 500_000),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_log_is_more_work_than_its_size(runaway, name):
    log = parse_build_log(io.BytesIO(HEAD + HOSTILE[name]()))
    assert log.build.inputs


def packed(line: bytes, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = line * ((1 << 20) // len(line))
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_a_huge_log_is_read_to_a_limit(runaway):
    log = parse_build_log(io.BytesIO(gzip.compress(HEAD) + packed(b"ab\n", 1_000_000_000)))
    assert log.stopped == "it unpacks to more than 50 times its size" and log.damaged is None
    assert log.size < 200_000_000 and log.build.inputs


def test_what_people_pack_is_unpacked_whole():
    for content in (packed(b"ab\n", 30_000_000), gzip.compress(b"\n".join(SAMPLES[0]))):
        pieces = TextPieces(io.BytesIO(content))
        assert sum(map(len, pieces)) == pieces.size > 100_000
        assert pieces.damaged is None


READ = """
import sys
from pathlib import Path
from trtdoctor.readers.buildlog import read_build_log
print(read_build_log(Path(sys.argv[1])).size)
"""


@pytest.mark.slow
def test_memory_is_that_of_what_is_kept(tmp_path):
    """100 MB in lines, in one line, and in zeros, in a process that may have no more than 150 MB."""
    for name, piece in (
        ("lines", b"[V] [TRT] hello there\n"),
        ("line", b"x" * 64),
        ("zeros", bytes(64)),
    ):
        file = tmp_path / f"{name}.log"
        with file.open("wb") as out:
            out.write(HEAD)
            for _ in range(100):
                out.write(piece * (1_000_000 // len(piece)))

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (150 << 20, 150 << 20))

        done = subprocess.run(
            [sys.executable, "-c", READ, str(file)],
            capture_output=True,
            text=True,
            preexec_fn=limit,
        )
        assert done.returncode == 0, done.stderr[-500:]
        assert int(done.stdout) == file.stat().st_size
