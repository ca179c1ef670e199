"""What containers, CI systems and terminals put around lines, taken away for every reader alike."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from trtdoctor.readers.buildlog import parse_build_log
from trtdoctor.readers.layers import FormatError, read_layers
from trtdoctor.readers.profile import read_profile
from trtdoctor.readers.textfile import TextPieces, Unwrapper

DATA = Path(__file__).parents[1] / "data"
STAMP = "2026-04-30T18:02:30.12345"


def compose(line, number):
    return f"trt-1  | {line}"


def coloured_compose(line, number):
    return f"\x1b[36mtrt-1  |\x1b[0m {line}"


def kubectl(line, number):
    """Trailing zeros are not printed, so that stamps differ in length."""
    return f"{STAMP}{'6' * (number % 5)}Z {line}"


def kubectl_prefix(line, number):
    return f"[pod/build-7c9f/trt] {line}"


def cri(line, number):
    return f"{STAMP}6789+00:00 stdout F {line}"


def github(line, number):
    return f"{STAMP}67Z {line}"


def gh_run_view(line, number):
    return f"build engine\tRun trtexec\t{STAMP}67Z {line}"


def gitlab(line, number):
    return f"{STAMP}6Z 01O {line}"


def jenkins(line, number):
    return f"[{STAMP[:-2]}Z] {line}"


def journald(line, number):
    return f"Apr 30 18:02:30 jetson trtexec[{1234 + number % 7}]: {line}"


def triton(line, number):
    return f"I1125 12:00:00.{number % 1000000:06} {1 + number % 3} logging.cc:46] {line}"


def onnxruntime(line, number):
    return (
        f"2026-11-25 12:00:00.{number % 10000:04} [V:onnxruntime:Default, "
        f"tensorrt_execution_provider.h:{80 + number % 30} log] {line}"
    )


def triton_in_compose(line, number):
    return compose(triton(line, number), number)


def windows(line, number):
    return f"{line}\r"


WRAPS = (
    compose,
    coloured_compose,
    kubectl,
    kubectl_prefix,
    cri,
    github,
    gh_run_view,
    gitlab,
    jenkins,
    journald,
    triton,
    onnxruntime,
    triton_in_compose,
    windows,
)


def wrapped(text, rule):
    lines = text.splitlines()
    return ("\n".join(rule(line, n) for n, line in enumerate(lines)) + "\n").encode()


@pytest.fixture(scope="module")
def log():
    return gzip.decompress((DATA / "buildlog" / "trt86-simple.fp16.log.gz").read_bytes()).decode()


@pytest.mark.parametrize("rule", WRAPS)
def test_a_wrapped_build_log_is_the_same_log(log, rule):
    assert (
        parse_build_log(io.BytesIO(wrapped(log, rule))).build
        == parse_build_log(io.BytesIO(log.encode())).build
    )


@pytest.mark.parametrize("rule", WRAPS)
def test_a_wrapped_log_lists_the_same_layers(log, rule):
    assert read_layers(wrapped(log, rule)) == read_layers(log.encode())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (name, rule)
        for name in ("trt86.simple.fp16.layers.json", "rtx171.attn_fp16.txt")
        for rule in WRAPS
        if rule is not windows
    ],
)
def test_wrapped_inspector_output_is_the_same(name, rule):
    text = (DATA / "layers" / name).read_text()
    assert read_layers(wrapped(text, rule)) == read_layers(text.encode())


@pytest.mark.parametrize("rule", WRAPS)
def test_a_wrapped_profile_is_the_same(rule):
    text = (DATA / "layers" / "trt86.simple.fp16.profile.json").read_text()
    assert read_profile(wrapped(text, rule)) == read_profile(text.encode())


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: gzip.compress(data.decode().replace("\n", "\r\n").encode("utf-16")),
    ],
)
def test_packed_and_recoded_files_are_read_by_every_reader(log, pack):
    assert read_layers(pack(log.encode())) == read_layers(log.encode())
    assert (
        parse_build_log(io.BytesIO(pack(log.encode()))).build
        == parse_build_log(io.BytesIO(log.encode())).build
    )
    profile = (DATA / "layers" / "trt86.simple.fp16.profile.json").read_bytes()
    assert read_profile(pack(profile)) == read_profile(profile)


def test_a_damaged_gzip_file_is_told_as_one(log):
    with pytest.raises(FormatError, match="damaged gzip file"):
        read_layers(gzip.compress(log.encode())[:-20])


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(monkeypatch):
    monkeypatch.setattr("trtdoctor.readers.layers.decode._MOST_UNPACKED", 1 << 20)
    with pytest.raises(FormatError, match="larger than 1 MiB once unpacked"):
        read_layers(gzip.compress(b" " * (4 << 20)))


@pytest.mark.parametrize(
    "line",
    [
        "[04/30/2026-18:02:30] [V] [TRT] Tactic: 0x1 Time: 0.004",
        "[I]     Flags                  | [FP16]",
        "Layer(NoOp): a | b, Tactic: 0x0, x (Float[1]) -> y (Float[1])",
        "Name: trt-1 | x, LayerType: NoOp",
        '{"Layers": []}',
    ],
)
def test_what_tensorrt_prints_is_left_alone(line):
    text = (line + "\n").encode() * 9
    assert Unwrapper(text).strip(text) == text


def test_pieces_count_bytes_and_keep_the_head(log):
    pieces = TextPieces(io.BytesIO(gzip.compress(log.encode())))
    assert b"".join(pieces) == log.encode()
    assert pieces.size == len(log.encode())
    assert pieces.head == log.encode()[:4096]
