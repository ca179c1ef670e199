"""What a file is when it is not a bare plan, and the plan inside it."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import zipfile
from dataclasses import replace

import planwriter
import pytest

from trtdoctor.readers.plan import Container, Encoding, Problem, extract, identify, static_layers

PLAN = planwriter.plan()
META = {
    "description": "own",
    "task": "detect",
    "batch": 1,
    "names": {"0": "a"},
    "args": {"half": True},
}


def ultralytics(plan: bytes, meta: bytes | None = None) -> bytes:
    meta = json.dumps(META).encode() if meta is None else meta
    return struct.pack("<i", len(meta)) + meta + plan


def archive(**members: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/"), data)
    return memory.getvalue()


class Torch:
    """Pickled as torch2trt's module is: a dictionary with the engine as a bytearray, protocol 2."""

    state = pickle.dumps(
        {"engine": bytearray(PLAN), "input_names": ["x"], "output_names": ["y"]}, protocol=2
    )
    script = pickle.dumps(
        ["0%8%6%0%Own GPU 9", base64.b64encode(PLAN).decode(), "linux_x86_64"], protocol=2
    )


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx(graph: bytes) -> bytes:
    return b"\x08\x09" + field(2, b"own") + field(7, graph) + field(8, b"\x10\x13")


WITH_PLAN = {
    Container.ULTRALYTICS: ultralytics(PLAN),
    Container.GZIP: gzip.compress(PLAN),
    Container.BASE64: base64.b64encode(PLAN) + b"\n",
    Container.WRAPPER: b"\x0a\x05graph" + bytes(range(40)) + PLAN,
    Container.TORCH2TRT: archive(**{"own__data.pkl": Torch.state}),
    Container.TORCH_TENSORRT: archive(
        **{"own__constants.pkl": Torch.script, "own__code__x.py": b"", "own__data.pkl": b"."}
    ),
    Container.EP_CONTEXT: onnx(field(1, field(4, b"EPContext") + field(5, PLAN))),
}


@pytest.mark.parametrize("kind", WITH_PLAN)
def test_the_plan_inside_is_found_and_can_be_taken_out(kind):
    data = WITH_PLAN[kind]
    found = identify(data)
    assert found.container is kind
    assert found.engine is not None
    assert found.engine.container == kind.value
    assert found.engine.tensorrt_version == "8.6.1.6"
    assert found.to_do
    assert b"".join(extract(data, found.plan)) == PLAN
    if kind is not Container.GZIP:
        assert len(static_layers(data).layers) == 3


def test_a_raw_span_is_where_the_plan_lies():
    data = WITH_PLAN[Container.ULTRALYTICS]
    span = identify(data).plan
    assert span.encoding is Encoding.RAW
    assert data[span.offset : span.offset + span.length] == PLAN


def test_ultralytics_metadata_are_told():
    assert identify(WITH_PLAN[Container.ULTRALYTICS]).engine.metadata == META


def test_an_engine_inside_an_engine_prefix_twice():
    twice = ultralytics(ultralytics(PLAN))
    found = identify(twice)
    assert b"".join(extract(twice, found.plan)) == PLAN


def test_prefixes_without_end_are_not_followed():
    data = PLAN
    for _ in range(50):
        data = ultralytics(data, b"{}")
    found = identify(data)
    assert found.container is Container.ULTRALYTICS
    assert found.engine is None


def test_a_damaged_prefix_is_told():
    broken = ultralytics(PLAN, b'{"task": ' + b"\xff" * 8)
    found = identify(broken)
    assert found.container is Container.ULTRALYTICS
    assert found.problems[0].problem is Problem.DAMAGED
    assert found.engine.tensorrt_version == "8.6.1.6"
    deep = identify(ultralytics(PLAN, b'{"a":' + b"[" * 90_000))
    assert deep.engine is not None


def test_a_bare_pickle_and_an_old_torch_file():
    for prefix in (
        b"",
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2),
    ):
        data = prefix + Torch.state
        found = identify(data)
        assert found.container is Container.TORCH2TRT
        assert b"".join(extract(data, found.plan)) == PLAN


def test_newer_pickles_hold_bytes():
    data = archive(
        **{"own__data.pkl": pickle.dumps({"engine": PLAN, "input_names": []}, protocol=4)}
    )
    found = identify(data)
    assert found.container is Container.TORCH2TRT
    assert found.plan.encoding is Encoding.RAW


def test_torch_tensorrt_tells_its_target():
    metadata = identify(WITH_PLAN[Container.TORCH_TENSORRT]).engine.metadata
    assert metadata == {
        "compute_capability": "8.6",
        "device": "Own GPU 9",
        "platform": "linux_x86_64",
    }


def test_nothing_is_unpickled(tmp_path):
    target = tmp_path / "touched"

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(target),))

    data = archive(**{"own__data.pkl": pickle.dumps(Bomb(), 2), "own__constants.pkl": b"\x80\x02."})
    assert identify(data).container is Container.TORCHSCRIPT
    assert identify(pickle.dumps(Bomb(), 2)).engine is None
    assert not target.exists()


def wide_archive(name: bytes, data: bytes) -> bytes:
    """A zip file whose directory has all its numbers in the 64-bit fields, as above 4 GiB."""
    full = 0xFFFFFFFF
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 45, 0, 0, 0, 0, 0, full, full, len(name), 20
    )
    local += name + struct.pack("<HHQQ", 1, 16, len(data), len(data)) + data
    extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), 0)
    numbers = (45, 45, 0, 0, 0, 0, 0, full, full, len(name), len(extra), 0, 0, 0, 0, full)
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", *numbers) + name + extra
    at = len(local)
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(entry), 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    return local + entry + end + locator + last


def test_archives_above_four_gigabytes():
    data = wide_archive(b"own/data.pkl", Torch.state)
    found = identify(data)
    assert found.container is Container.TORCH2TRT
    assert b"".join(extract(data, found.plan)) == PLAN


KINDS = {
    "empty": (b"", Container.EMPTY),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 127606116\n",
        Container.LFS_POINTER,
    ),
    "calibration": (b"TRT-8601-EntropyCalibration2\nx: 3c010a14\n", Container.CALIBRATION_CACHE),
    "html": (b"\n<!DOCTYPE html>\n<html>", Container.HTML),
    "json": (b'{"Layers": []}', Container.JSON),
    "inspector": (b'{"Layers": [{"Name": "a", "Metadata": "a\x1eb"}]}', Container.JSON),
    "log": (b"\x1b[32m[I] TensorRT version: 8.6.0\x1b[0m\n", Container.TEXT),
    "qgc": (b'{"fileType": "Plan", "groundStation": "QGroundControl"}', Container.JSON),
    "sqitch": (b"%syntax-version=1.0.0\n%project=own\n", Container.TEXT),
    "terraform": (archive(tfplan=b"x", tfstate=b"y"), Container.TERRAFORM),
    "zip": (archive(readme=b"x"), Container.ARCHIVE),
    "cut zip": (archive(readme=b"x")[:-10], Container.ARCHIVE),
    "xz": (lzma.compress(b"x"), Container.ARCHIVE),
    "bzip2": (bz2.compress(b"x"), Container.ARCHIVE),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), Container.ARCHIVE),
    "gzip of text": (gzip.compress(b"hello"), Container.GZIP),
    "elf": (b"\x7fELF" + bytes(60), Container.PROGRAM),
    "exe": (b"MZ" + bytes(62) + b"PE\0\0", Container.PROGRAM),
    "onnx": (onnx(field(1, field(4, b"Relu"))), Container.ONNX),
    "cut onnx": (onnx(field(1, field(4, b"Relu")) + bytes(100))[:40], Container.ONNX),
    "context by name": (
        onnx(field(1, field(4, b"EPContext") + field(5, b"own.engine"))),
        Container.EP_CONTEXT,
    ),
    "zeros": (bytes(10_000), Container.ZEROS),
    "random": (os.urandom(1 << 16), Container.OPAQUE),
    "noise": (bytes(range(256)), Container.UNKNOWN),
    "base64 in lines": (base64.encodebytes(PLAN), Container.BASE64),
    "timing cache": (
        struct.pack("<4sIIIQ", b"ptrt", 0, 236, 0, 80)
        + struct.pack("<HHQHHHQ", 0x8018, 1, 16, 0x8001, 0x800C, 1, 16)
        + bytes(54),
        Container.TIMING_CACHE,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_it_is_instead(name):
    data, kind = KINDS[name]
    found = identify(data)
    assert found.container is kind
    assert found.engine is None
    assert found.plan is None
    assert found.what.endswith(".")
    assert found.to_do


def test_the_real_size_behind_a_pointer_is_told():
    assert "127606116" in identify(KINDS["lfs"][0]).what


def test_calibration_cache_versions():
    assert "8.6.1" in identify(b"TRT-8601-EntropyCalibration2\n").what
    assert "10.3.0" in identify(b"TRT-100300-MinMaxCalibration\n").what


def test_a_cut_gzip_is_told():
    whole = gzip.compress(planwriter.plan(replace(planwriter.Engine(), weights=50_000)), 0)
    found = identify(whole[:20_000])
    assert found.engine.tensorrt_version == "8.6.1.6"
    assert Problem.TRUNCATED in {problem.problem for problem in found.problems}
    with pytest.raises(ValueError):
        list(extract(whole[:20_000], found.plan))
