"""One build, told by many loggers: the facts are the same."""

from __future__ import annotations

import gzip
import itertools
import re

import pytest

from trtdoctor.readers.buildlog import FormatError, Outcome, read_build_log

NAMES = ("trt86-cnn.fp16", "trt85-tiny.fp16")


def retell(text, rule):
    """The log with every prefix replaced; lines of one message after its first have none."""
    out = []
    for number, line in enumerate(text.splitlines()):
        severity, found, message = line.partition("] ")
        known = found and severity[1:] in ("VERBOSE", "INFO", "WARNING", "ERROR")
        out.append(rule(severity[1:], message, number) if known else line)
    return "\n".join(out) + "\n"


def trtexec(severity, message, number):
    return (
        f"[11/22/2026-10:{number // 60 % 60:02}:{number % 60:02}] [{severity[0]}] [TRT] {message}"
    )


def polygraphy(severity, message, number):
    return f"[{severity[0]}] {message}"


def coloured(severity, message, number):
    return f"\x1b[38;5;{14 if severity == 'VERBOSE' else 3}m[{severity[0]}] {message}\x1b[0m"


def logging(severity, message, number):
    level = {"VERBOSE": "DEBUG"}.get(severity, severity)
    return f"2026-11-22 10:00:00,{number % 1000:03} - TensorRT - {level} - {message}"


def loguru(severity, message, number):
    return f"10:00:{number % 60}.{number} | {severity:<8} | build:log:{number % 300} - {message}"


def bare(severity, message, number):
    return message


def old(severity, message, number):
    return f"[TensorRT] {severity}: {message}"


RULES = (trtexec, polygraphy, coloured, logging, loguru, bare, old)


@pytest.mark.parametrize(("name", "rule"), list(itertools.product(NAMES, RULES)))
def test_prefixes(text, parse, name, rule):
    expected = parse(text(name))
    told = parse(retell(text(name), rule))
    assert told.unparsed == 0
    assert told.build.attempts == expected.build.attempts
    assert told.build.layers == expected.build.layers
    assert [n.kind for n in told.build.notes] == [n.kind for n in expected.build.notes]


def test_polygraphy_indents_the_layers(text, parse):
    name = NAMES[0]
    told = text(name).replace("\nLayer(", "\n[VERBOSE]     Layer(")
    assert parse(told).build.layers == parse(text(name)).build.layers


@pytest.mark.parametrize("name", NAMES)
def test_layer_lines_of_releases_before_8_5(text, parse, name):
    """They put the type into brackets after the tensor, and 8.2 and older the tactic in decimals."""

    def decimal(tactic):
        number = int(tactic[0], 16)
        return str(number - (1 << 64) if number >> 63 else number)

    expected = parse(text(name)).build.layers
    bracketed = re.sub(r" \((\w+)\[([-\d,:]*)\]\)", r"[\1(\2)]", text(name))
    assert parse(bracketed).unparsed == 0 and parse(bracketed).build.layers == expected
    lines = bracketed.partition("Engine Layer Information")
    old = parse(lines[0] + lines[1] + re.sub("0x[0-9a-f]{16}", decimal, lines[2])).build.layers
    assert [(x.name, x.inputs, x.outputs) for x in old] == [
        (x.name, x.inputs, x.outputs) for x in expected
    ]
    assert [int(x.tactic) % (1 << 64) for x in old] == [int(x.tactic, 16) for x in expected]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: t.encode("utf-16"),
        lambda t: b"\xef\xbb\xbf" + t.encode(),
        lambda t: gzip.compress(t.encode()),
        lambda t: t.rstrip("\n").encode(),
    ],
    ids=["crlf", "utf-16", "bom", "gzip", "no-last-newline"],
)
def test_wrappings(text, parse, wrap):
    expected, told = parse(text(NAMES[0])).build, parse(wrap(text(NAMES[0]))).build
    assert (told.attempts, told.layers) == (expected.attempts, expected.layers)


def test_lines_of_others_in_between(text, parse):
    def noisy(severity, message, number):
        line = trtexec(severity, message, number)
        return (
            line if number % 3 else f"epoch {number}: loss 0.1 Time: soon\nDEBUG:urllib3: x\n{line}"
        )

    expected = parse(text(NAMES[0])).build.chosen[0]
    told = parse(retell(text(NAMES[0]), noisy)).build.chosen[0]

    def times(attempt):
        return [
            (
                t.layer,
                [(c.outcome, c.best and (c.best.runner, c.best.time_ms)) for c in t.candidates],
            )
            for t in attempt.layers
        ]

    assert times(told) == times(expected)
    assert len(told.added) == len(expected.added)


def test_several_builds(text, parse):
    first, second = text("trt86-cnn.fp16"), text("trt86-simple.fp16")
    cut = second[: len(second) // 2]
    log = parse(first + second + cut)
    assert [(b.number, b.complete) for b in log.builds] == [(1, True), (2, True), (3, False)]
    assert log.build.number == 2 and len(log.build.layers) == 5
    assert log.build.layers[0].line > first.count("\n")
    assert parse(first + second + cut, build=1).build.layers == parse(first).build.layers
    assert parse(first + second + cut, build=3).build.complete is False
    with pytest.raises(FormatError, match="choose 1 to 3"):
        parse(first + second + cut, build=9)


def test_cut_off_in_the_middle(text, parse):
    whole = text(NAMES[0])
    lines = whole.splitlines(keepends=True)
    tactic = next(n for n, line in enumerate(lines) if "Tactic Name" in line) + 3
    log = parse("".join(lines[:tactic]) + lines[tactic][:60])
    assert not log.build.complete and log.build.verbose
    last = log.build.chosen[0].layers[-1].candidates[-1]
    assert last.outcome is Outcome.TIMED  # three of its tactics were timed
    assert last.best is not None and last.best.tactics == 3


def test_a_gzip_file_that_ends_early(text, parse):
    packed = gzip.compress(text(NAMES[0]).encode())
    log = parse(packed[: len(packed) // 2])
    assert log.build.verbose and not log.build.complete
    assert log.damaged == "it ends early"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"ptrt" + bytes(100), "engine"),
        (b"PK\x03\x04zip", "zip"),
        (b'{"Layers": []}', "JSON"),
        (b"Traceback (most recent call last):\n  boom\n", "text without"),
        (bytes(1000), "binary"),
    ],
)
def test_what_is_no_log_is_told_in_one_sentence(parse, content, words):
    with pytest.raises(FormatError, match=words) as caught:
        parse(content)
    assert "verbose" in str(caught.value)


def test_a_directory_is_no_log(tmp_path):
    with pytest.raises(FormatError, match="regular file"):
        read_build_log(tmp_path)


def test_a_quiet_log_is_a_log(parse):
    build = parse(
        "[I] [TRT] [MemUsageChange] Init CUDA: CPU +1\n[I] Engine built in 24.4 sec.\n"
    ).build
    assert build.complete and not build.verbose and build.total_s == 24.4
