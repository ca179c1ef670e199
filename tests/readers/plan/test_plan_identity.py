"""What a plan says of itself, for every layout that is known."""

from __future__ import annotations

import io
from dataclasses import replace

import planwriter
import pytest
from planwriter import Engine

from trtdoctor.model.engine import IOTensor, ShapeRange
from trtdoctor.readers.plan import Container, identify

RELEASES = planwriter.releases()


def engine_of(engine: Engine):
    found = identify(planwriter.plan(engine))
    assert found.container is Container.PLAN
    assert found.problems == ()
    assert not found.newer_than_known
    assert found.engine is not None
    return found.engine


@pytest.mark.parametrize("name", RELEASES)
def test_version_product_and_tensors(name):
    engine = RELEASES[name]
    found = engine_of(engine)
    assert found.tensorrt_version == ".".join(map(str, engine.version))
    assert found.product == ("tensorrt-rtx" if engine.rtx else "tensorrt")
    assert found.confidence["tensorrt_version"] == "certain"
    assert found.io == (
        IOTensor(name="x", mode="input", dtype="FP32", shape=(-1, 8)),
        IOTensor(name="y", mode="output", dtype="INT32", shape=(-1, 4)),
    )


@pytest.mark.parametrize("name", RELEASES)
def test_every_told_value_has_a_confidence(name):
    found = engine_of(RELEASES[name])
    told = {
        field
        for field in found.__struct_fields__
        if field not in ("container", "metadata", "confidence")
        and getattr(found, field) is not None
    }
    assert told == set(found.confidence)
    assert set(found.confidence.values()) <= {"certain", "likely", "possible"}


@pytest.mark.parametrize("name", [name for name, engine in RELEASES.items() if not engine.rtx])
def test_device_record(name):
    engine = RELEASES[name]
    found = engine_of(engine)
    capability = ".".join(map(str, engine.capability))
    assert found.compute_capabilities == (capability,)
    assert found.built_on["compute_capability"] == capability
    assert found.built_on["multiprocessors"] == engine.multiprocessors
    assert found.built_on["bus_bits"] == engine.bus
    assert found.built_on["integrated"] == engine.integrated
    # 6.0 does not write the memory.
    assert found.built_on["memory_bytes"] == (None if name == "6.0" else engine.memory)


def test_rtx_names_its_targets_by_the_mask_alone():
    found = engine_of(replace(RELEASES["rtx-1.7"], mask=0b0101010))
    assert found.compute_capabilities == ("8.0", "8.9", "12.1")
    assert found.built_on is None
    assert found.platform is None


def test_rtx_mask_with_a_newer_capability_is_noted():
    found = identify(planwriter.plan(replace(RELEASES["rtx-1.7"], mask=0x80 | 0x08)))
    assert found.engine.compute_capabilities == ("8.9",)
    assert any("newer than known" in note for note in found.notes)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [(b"rtrt", "linux-x86_64"), (b"utrt", "linux-aarch64"), (b"ztrt", None), (b"\0" * 4, None)],
)
def test_platform(platform, expected):
    assert engine_of(replace(RELEASES["10.0"], platform=platform)).platform == expected


@pytest.mark.parametrize("name", ["8.2", "8.6", "10.3", "10.9", "rtx-1.7"])
@pytest.mark.parametrize(
    ("number", "word"), [(0, "names"), (1, "none"), (2, "detailed"), (7, None)]
)
def test_verbosity(name, number, word):
    assert engine_of(replace(RELEASES[name], verbosity=number)).profiling_verbosity == word


def test_profiles():
    x = ShapeRange(min=(1, 8), opt=(2, 8), max=(4, 8))
    assert engine_of(RELEASES["8.6"]).profiles == ({"x": x},)
    two = engine_of(RELEASES["rtx-1.4-two-profiles"])
    assert two.profiles == ({"x": x}, {"x": ShapeRange(min=(1, 8), opt=(8, 8), max=(8, 8))})
    assert [tensor.name for tensor in two.io] == ["x", "y"]


def test_static_engine_has_no_profiles_and_an_old_one_does_not_tell():
    static = tuple(replace(tensor, shape=(1, 8)) for tensor in Engine().tensors)
    assert engine_of(Engine(tensors=static, profiles=())).profiles == ()
    assert engine_of(RELEASES["7.1"]).profiles is None


@pytest.mark.parametrize(
    ("level", "word"), [(0, "none"), (1, "ampere+"), (2, "same-cc"), (9, None)]
)
def test_hardware_compatibility(level, word):
    assert engine_of(replace(RELEASES["8.6"], level=level)).hardware_compatibility == word


def test_hardware_compatibility_is_not_told_before_8_6_nor_for_rtx():
    assert engine_of(RELEASES["8.5"]).hardware_compatibility is None
    assert engine_of(RELEASES["rtx-1.7"]).hardware_compatibility is None


@pytest.mark.parametrize("value", [False, True])
def test_flags_of_8_6(value):
    engine = replace(
        RELEASES["8.6"], refit=value, tf32=value, sparse=value, implicit=value, batch=32
    )
    found = engine_of(engine)
    assert found.refittable is value
    assert found.tf32_allowed is value
    assert found.sparse_weights is value
    assert found.implicit_batch is value
    assert found.max_batch_size == 32


@pytest.mark.parametrize("name", ["10.3", "10.9", "rtx-1.7"])
@pytest.mark.parametrize("value", [False, True])
def test_refit_mask(name, value):
    found = engine_of(replace(RELEASES[name], refit=value))
    assert found.refittable is value
    assert found.tf32_allowed is None
    assert found.max_batch_size is None


@pytest.mark.parametrize("name", ["10.0", "10.9", "rtx-1.7"])
@pytest.mark.parametrize("value", [False, True])
def test_weight_streaming(name, value):
    assert engine_of(replace(RELEASES[name], streaming=value)).weight_streaming is value


@pytest.mark.parametrize("name", ["8.0", "8.5", "10.3", "10.9", "rtx-1.7"])
def test_weights_size(name):
    assert engine_of(replace(RELEASES[name], weights=12_345)).weights_bytes == 12_345


def test_weights_that_look_like_items_are_still_stepped_over():
    # The blob of weights consists of bytes that are whole items; only its length tells.
    plan = bytearray(planwriter.plan(replace(RELEASES["10.0"], weights=96)))
    at = plan.index(b"\x21" * 96)
    plan[at : at + 96] = b"\x08\x80\x01\x00\x60\0\0\0\0\0\0\0" * 8
    found = identify(bytes(plan))
    assert found.problems == ()
    assert found.engine.weights_bytes == 96
    assert len(found.engine.io) == 2


def test_myelin_tells_version_compatibility():
    text = planwriter.MYELIN_TEXT.replace("version_compatible=0", "version_compatible=1")
    fused = replace(RELEASES["10.9"].layers[0], myelin=planwriter.myelin(text))
    assert engine_of(replace(RELEASES["10.9"], layers=(fused,))).version_compatible is True
    assert engine_of(RELEASES["10.9"]).version_compatible is False
    assert engine_of(RELEASES["10.0"]).version_compatible is None


def test_version_5():
    found = identify(planwriter.legacy_plan())
    assert found.container is Container.PLAN
    assert found.engine.tensorrt_version == "5.0.6.3"
    assert found.engine.compute_capabilities == ("6.2",)
    assert found.engine.built_on["name"] == "Own Tegra 01"
    assert found.engine.confidence["compute_capabilities"] == "possible"


def test_a_long_stream_still_tells_profiles_and_verbosity():
    for name in ("8.6", "rtx-1.4-two-profiles"):
        engine = RELEASES[name]
        assert (
            engine_of(replace(engine, padding_items=50_000)).profiles == engine_of(engine).profiles
        )
    static = tuple(replace(tensor, shape=(1, 8)) for tensor in Engine().tensors)
    long = engine_of(Engine(tensors=static, profiles=(), padding_items=50_000))
    assert long.profiling_verbosity == "detailed"
    assert long.profiles is None


def test_board_is_named_only_where_one_fits():
    assert engine_of(Engine()).built_on["likely_board"] == "GeForce RTX 4090"
    assert "likely_board" not in engine_of(Engine(multiprocessors=127)).built_on
    assert "likely_board" not in engine_of(Engine(memory=48 << 30)).built_on
    # 6.0 does not tell the memory, by which boards of one chip differ.
    assert "likely_board" not in engine_of(RELEASES["6.0"]).built_on


def test_paths_files_and_bytes_give_the_same(tmp_path):
    data = planwriter.plan()
    path = tmp_path / "own.engine"
    path.write_bytes(data)
    assert identify(path) == identify(data) == identify(io.BytesIO(data))


def test_a_directory_and_a_missing_file_are_os_errors(tmp_path):
    with pytest.raises(OSError):
        identify(tmp_path)
    with pytest.raises(FileNotFoundError):
        identify(tmp_path / "missing.engine")
