"""Damaged, newer and hostile plans: always an answer, never a wrong one, never an exception."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

import fuzz_long
import planwriter
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.readers.files.source import BytesSource
from trtdoctor.readers.plan import Container, Problem, extract, identify, static_layers
from trtdoctor.readers.plan.stream import TaggedStream

RELEASES = planwriter.releases()
PLANS = {name: planwriter.plan(engine) for name, engine in RELEASES.items()}
FTRT = PLANS["8.6"]


def test_a_file_whose_bytes_are_all_there_can_be_inspected():
    assert {p.value for p in Problem if p.unsound} == {
        "truncated", "text-mode", "saved-as-text", "section-range", "damaged"}  # fmt: skip


def problems(data: bytes) -> set[Problem]:
    return {problem.problem for problem in identify(data).problems}


@pytest.mark.parametrize("name", PLANS)
def test_cut_short(name):
    found = identify(PLANS[name][:-40])
    assert found.container is Container.PLAN
    assert Problem.TRUNCATED in {problem.problem for problem in found.problems}
    assert found.engine.tensorrt_version == ".".join(map(str, RELEASES[name].version))
    assert not found.newer_than_known


@pytest.mark.parametrize("name", PLANS)
def test_trailing_bytes(name):
    found = identify(PLANS[name] + b"xyz")
    assert {problem.problem for problem in found.problems} == {Problem.TRAILING_BYTES}
    assert found.plan.length == len(PLANS[name])
    assert b"".join(extract(PLANS[name] + b"xyz", found.plan)) == PLANS[name]


@pytest.mark.parametrize("name", PLANS)
def test_every_length_of_a_plan(name):
    data = PLANS[name]
    for length in [*range(200), *range(200, len(data), 97)]:
        found = identify(data[:length])
        static_layers(data[:length])
        if found.engine is not None and found.engine.tensorrt_version is not None:
            assert found.engine.tensorrt_version == ".".join(map(str, RELEASES[name].version))


def test_tensors_are_told_whole_or_not_at_all():
    whole = identify(FTRT).engine.io
    told = {identify(FTRT[:length]).engine.io for length in range(64, len(FTRT), 7)}
    assert told == {None, whole}


def test_end_mark():
    assert problems(FTRT[:-1] + b"\0") == {Problem.END_MARK}


def test_checksum():
    for name in ("6.0", "7.1", "8.0"):
        data = bytearray(PLANS[name])
        data[-6] ^= 1
        assert Problem.CHECKSUM in problems(bytes(data))
    assert Problem.CHECKSUM not in problems(PLANS["8.2"])


def test_sections_beyond_the_end():
    data = bytearray(FTRT)
    struct.pack_into("<Q", data, 0x28, 1 << 63)
    assert Problem.SECTION_RANGE in problems(bytes(data))


@pytest.mark.parametrize("count", [0, 1025, 1 << 63, (1 << 64) - 1])
def test_absurd_numbers_of_sections(count):
    data = bytearray(FTRT)
    struct.pack_into("<Q", data, 8, count)
    assert Problem.SECTION_RANGE in problems(bytes(data))


def test_the_header_disagrees_with_the_engine_inside():
    data = bytearray(FTRT)
    data[26] = 9
    found = identify(bytes(data))
    assert Problem.VERSION_MISMATCH in {problem.problem for problem in found.problems}
    assert found.engine.confidence["tensorrt_version"] == "possible"


def test_a_copy_in_text_mode_tells_nothing_wrong():
    body = FTRT.replace(b"\x21" * 64, b"\n" * 64)
    found = identify(body.replace(b"\n", b"\r\n"))
    assert {problem.problem for problem in found.problems} == {Problem.TEXT_MODE}
    assert found.engine.tensorrt_version is None
    assert "binary" in found.to_do


def test_a_copy_as_text_tells_nothing_wrong():
    found = identify(FTRT.decode("utf-8", "replace").encode())
    assert {problem.problem for problem in found.problems} == {Problem.SAVED_AS_TEXT}
    assert found.engine.tensorrt_version is None


def test_implausible_version():
    data = bytearray(FTRT)
    data[24:28] = bytes(4)
    found = identify(bytes(data))
    assert Problem.IMPLAUSIBLE_VERSION in {problem.problem for problem in found.problems}
    assert found.engine.tensorrt_version is None
    assert not found.newer_than_known


def test_one_wrong_tag_in_the_stream():
    data = bytearray(FTRT)
    at = data.index(b"Network")
    data[at + 7 : at + 11] = b"\xee\x81\xff\xff"
    found = identify(bytes(data))
    assert {problem.problem for problem in found.problems} == {Problem.DAMAGED}
    assert found.engine.compute_capabilities == ("8.9",)
    assert found.engine.io is None
    layers = static_layers(bytes(data))
    assert not layers.complete and layers.reason


def test_another_container_version_is_newer_and_only_its_magic_is_believed():
    data = bytearray(FTRT)
    struct.pack_into("<I", data, 4, 1)
    found = identify(bytes(data))
    assert found.newer_than_known
    assert found.engine.tensorrt_version is None
    assert found.engine.product == "tensorrt"
    assert found.problems == ()


def test_a_newer_release_with_the_known_layout_is_possible_at_best():
    found = identify(planwriter.plan(replace(RELEASES["10.9"], version=(11, 1, 0, 5))))
    assert found.newer_than_known
    assert found.engine.tensorrt_version == "11.1.0.5"
    assert found.engine.platform == "linux-x86_64"
    assert found.engine.io is not None
    unsure = found.engine.confidence.keys() - {"product", "tensorrt_version"}
    assert {found.engine.confidence[name] for name in unsure} == {"possible"}
    assert found.engine.confidence["tensorrt_version"] == "certain"


def test_a_newer_release_with_another_layout_tells_the_header_alone():
    data = bytearray(planwriter.plan(replace(RELEASES["10.9"], version=(12, 0, 0, 1))))
    at = data.index(b"Network")
    data[at + 7 : at + 11] = b"\xee\x81\xff\xff"
    found = identify(bytes(data))
    assert found.newer_than_known
    assert found.problems == ()
    assert found.engine.tensorrt_version == "12.0.0.1"
    assert found.engine.compute_capabilities is None
    assert found.engine.io is None


def test_a_newer_rtx_keeps_its_mask():
    found = identify(planwriter.plan(replace(RELEASES["rtx-1.7"], version=(1, 9, 0, 1))))
    assert found.newer_than_known
    assert found.engine.compute_capabilities == ("8.0", "8.6", "8.9", "12.0", "12.1")


def test_an_unseen_release_between_known_ones_with_another_block():
    data = bytearray(planwriter.plan(replace(RELEASES["10.3"], version=(10, 6, 0, 26))))
    at = data.index(b"ptrt") + 24
    data[at : at + 4] = b"\x02\x80\x02\x00"
    found = identify(bytes(data))
    assert found.newer_than_known
    assert found.engine.tensorrt_version == "10.6.0.26"
    assert found.engine.io is None


def test_an_unknown_section_is_noted():
    engine = RELEASES["10.9"]
    data = planwriter.plan(engine).replace(b"THGW", b"NAEL")
    found = identify(data)
    assert any("LEAN" in note for note in found.notes)
    assert found.engine.weights_bytes is None


HOSTILE = {
    "closes": b"\xff\x7f" * 400_000,
    "opens": b"\x55\x80\x01\x00" * 200_000,
    "arrays of classes": b"\x01\x80\x55\x80\x01\x00"
    + struct.pack("<Q", 1 << 20)
    + b"\x18\x80\x01\x00" * 200_000,
    "array counts": (b"\x01\x80\x07\x80\x01\x00" + struct.pack("<Q", 1 << 61)) * 40_000,
    "strings of nothing": (struct.pack("<HHQHHHQ", 0x8018, 1, 0, 0x8001, 0x800C, 1, 0)) * 30_000,
    "strings without tags": b"\x01\x80\x55\x80\x01\x00"
    + struct.pack("<Q", 30_000)
    + struct.pack("<QHHHQ", 0, 0x8001, 0x800C, 1, 0) * 30_000,
    "blob of blobs": struct.pack("<HHQ", 0x8008, 1, 1 << 63) * 60_000,
}


@pytest.mark.slow
@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_streams_are_bounded(name):
    engine = RELEASES["8.6"]
    content = planwriter.body(engine) + HOSTILE[name]
    inner = struct.pack("<4sIIIQ", b"ptrt", 0, 236, 0, len(content)) + content
    data = planwriter.container(engine, inner, None)
    identify(data)
    static_layers(data)


RUNS = {
    **HOSTILE,
    "numbers": struct.pack("<HHQ", 0x8008, 1, 0) * 9000,
    "numbers of blobs": (b"\x55\x80\x01\x00" + struct.pack("<HHQ", 0x8008, 1, 4) + b"abcd") * 3000,
    "classes that close": (b"\x55\x80\x01\x00" * 40 + b"\xaa\x7f" * 40) * 100,
    "a class that was never opened": b"\x55\x80\x01\x00" * 9000 + b"\x77\x7f" * 90,
}


@pytest.mark.parametrize("name", RUNS)
def test_passing_over_a_run_comes_to_the_same_end_as_walking_it(name):
    data = b"\x06\x80\x01\x00aaaa" + RUNS[name][:200_000]
    ends = []
    for skim in (False, True):
        stream = TaggedStream(BytesSource(data), 0, len(data), limit=20_000)
        stream.skim = skim
        items = list(stream)
        ends.append((stream.stopped_at, stream.complete, stream.exhausted, items[:8], items[-8:]))
    assert ends[0] == ends[1]


TEXTS = {
    "braces": "main {\n a={ " + "{ x=" * 200_000,
    "statements": "main {\n" + " a={ }\n" * 100_000,
    "descriptors": "descriptors {\n" + ' tensor={ name="a" }\n' * 40_000,
    "names": "main {\n a={ input={ " + "a " * 400_000 + "} }\n}\n",
    "quotes": "main {\n a={ " + '"' * 400_001,
    "dimensions": 'descriptors {\n tensor={ name="a" dims={ ' + "9" * 400_000 + " } }\n",
    "entries": 'main {\n a={ layers="' + "[ONNX Layer: " * 60_000 + '" }\n',
}


@pytest.mark.slow
@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("name", TEXTS)
def test_hostile_programs_are_bounded(name):
    fused = replace(RELEASES["10.9"].layers[0], myelin=planwriter.myelin(TEXTS[name]))
    data = planwriter.plan(replace(RELEASES["10.9"], layers=(fused,)))
    identify(data)
    static_layers(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1 << 32))
def test_mutated_files_never_raise(seed):
    source = random.Random(seed)
    pool = fuzz_long.seeds([])
    fuzz_long.read(fuzz_long.mutate(bytearray(source.choice(pool)), source, pool))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            b"",
            b"ftrt",
            b"vtrt",
            b"ptrt",
            b"ftrt\0\0\0\0",
            b"PK\x03\x04",
            b"\x1f\x8b",
            b"\x80\x02",
            b"\x08\x07",
        ]
    ),
    st.binary(max_size=300),
)
def test_any_bytes_never_raise(prefix, rest):
    found = identify(prefix + rest)
    assert found.size == len(prefix + rest)
    assert found.what
    static_layers(prefix + rest)
