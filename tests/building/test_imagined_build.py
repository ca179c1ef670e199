"""Builds by a TensorRT 8.6 that is imagined: its builder chooses precisions, and fails as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imaginedmachine import Imagined

from trtdoctor.builder.make import CACHE, ENGINE, LOG, Failure
from trtdoctor.builder.workshop import Workshop
from trtdoctor.builder.world import find_world
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import Watch


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop(tmp_path / "m.engine") as made:
        yield made


def built(told: dict[str, Any] | Failure) -> dict[str, Any]:
    assert isinstance(told, dict), told
    return told


def failed(told: dict[str, Any] | Failure) -> Failure:
    assert isinstance(told, Failure), told
    return told


def test_what_it_can_be_asked_for(imagined: Imagined) -> None:
    world = imagined.world()
    assert (world.module, world.version, world.name) == ("tensorrt", "8.6.1", "TensorRT 8.6.1")
    assert world.weak and not world.rtx and not world.progress and world.no_gpu is not None
    assert world.has_flag("VERSION_COMPATIBLE") and not world.has_flag("BF16")
    assert world.enums["HardwareCompatibilityLevel"] == {"NONE", "AMPERE_PLUS"}
    imagined.script(gpu=True)
    assert imagined.world(None).no_gpu is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise ImportError('libnvinfer.so.8')", "ImportError: libnvinfer.so.8"),
        ("import sys; sys.exit(3)", "sys.exit(3)"),
        ("__version__ = '8.6.1'", "it has no Builder"),
        ("import os; os._exit(7)", "importing it ended with exit status 7"),
    ],
)
def test_modules_that_cannot_build(imagined: Imagined, text: str, said: str) -> None:
    (imagined.folder / "tensorrt.py").write_text(text)
    with pytest.raises(InputError, match="has no TensorRT that can build") as told:
        imagined.world()
    assert said in str(told.value) and "--python" in str(told.value)


def test_a_module_without_a_parser(imagined: Imagined) -> None:
    module = imagined.folder / "tensorrt.py"
    module.write_text(module.read_text().replace("class OnnxParser", "class Parser"))
    with pytest.raises(InputError, match="has no ONNX parser"):
        imagined.world()
    with pytest.raises(InputError, match="cannot start"):
        find_world(imagined.host, "/nowhere/python", None)


def test_a_plain_build(imagined: Imagined, shop: Workshop) -> None:
    (imagined.folder / "log.txt").write_text("Autotuning format combination: x\x1ehello")
    told = built(imagined.build(shop))
    assert told["flags"] == ["FP16"] and told["settings"] == {} and told["pins"] == {}
    assert told["version"] == "8.6.1" and told["took_s"] >= 0.0 and told["errors"] == []
    assert shop.path(ENGINE).read_bytes() == b"a plan"
    log = shop.path(LOG).read_text().splitlines()
    assert log[0].endswith("[I] TensorRT version: 8.6.1")
    assert log[1].endswith("[I] Precision: FP32+FP16")
    assert log[-1].endswith("[V] [TRT] hello")
    asked = imagined.asked
    assert asked["flags"] == ["FP16"] and asked["network"] == 1
    assert asked["verbosity"] == "DETAILED" and "profiled" not in asked
    assert asked["tensors"] == {"x": ["FLOAT", 0], "y": ["FLOAT", 0]}
    assert Path(asked["model"]).is_absolute()


def test_all_that_can_be_set(imagined: Imagined, shop: Workshop, tmp_path: Path) -> None:
    imagined.script(inputs=[["x", [-1, 3]], ["z", [2]]])
    cache = tmp_path / "t.cache"
    cache.write_bytes(b"timings")
    told = built(
        imagined.build(
            shop,
            precision="fp16",
            quantised=True,
            tf32=False,
            version_compatible=True,
            hardware_compatible="AMPERE_PLUS",
            workspace=1 << 30,
            avg_timing=4,
            optimization_level=5,
            tactic_sources=("-CUBLAS", "+CUDNN"),
            timing_cache=cache,
            io={"x": ("fp16", "hwc8"), "y": (None, "chw")},
            shapes={"x": ShapeRange(min=(1, 3), opt=(4, 3), max=(8, 3))},
        )
    )
    asked = imagined.asked
    assert asked["flags"] == told["flags"] == ["FP16", "INT8", "VERSION_COMPATIBLE"]
    assert asked["cleared"] == ["TF32"] and told["settings"]["tf32"] is False
    assert asked["workspace"] == told["settings"]["workspace_bytes"] == 1 << 30
    assert (asked["avg_timing"], asked["level"]) == (4, 5)
    assert asked["hardware"] == "HardwareCompatibilityLevel.AMPERE_PLUS"
    # CUBLAS and CUBLAS_LT were on.
    assert asked["tactics"] == 0b110
    assert told["settings"]["tactic_sources"] == ["CUBLAS_LT", "CUDNN"]
    assert asked["tensors"]["x"] == ["HALF", 1 << 2] and asked["tensors"]["y"] == ["FLOAT", 1]
    assert told["io"] == {"x": "fp16:hwc8", "y": ":chw"}
    assert asked["profile"] == {"x": [[1, 3], [4, 3], [8, 3]]} and asked["profiled"]
    assert told["shapes"] == {"x": {"min": [1, 3], "opt": [4, 3], "max": [8, 3]}}
    assert shop.path(CACHE).read_bytes() == b"timings and new timings"
    assert cache.read_bytes() == b"timings"


def test_a_list_of_tactic_sources_replaces(imagined: Imagined, shop: Workshop) -> None:
    built(imagined.build(shop, tactic_sources=("cudnn",)))
    assert imagined.asked["tactics"] == 0b100


def test_pins(imagined: Imagined, shop: Workshop) -> None:
    """What computes no floating type cannot be pinned, however wide the pattern."""
    told = built(imagined.build(shop, pins={"*": "fp32", "/conv2/*": "fp16"}))
    assert told["pins"] == {"/conv1/Conv": "fp32", "/conv2/Conv": "fp16", "/sm": "fp32"}
    assert imagined.asked["layers"]["/conv2/Conv"] == ["HALF", "HALF"]
    assert set(imagined.asked["layers"]) == set(told["pins"])
    assert told["flags"] == ["FP16", "PREFER_PRECISION_CONSTRAINTS"]
    told = built(imagined.build(shop, pins={"/sm": "fp32"}, constraints="obey"))
    assert told["flags"][-1] == "OBEY_PRECISION_CONSTRAINTS" == imagined.asked["flags"][-1]


def test_all_network_tensors(imagined: Imagined, shop: Workshop) -> None:
    imagined.script(inputs=[["x", [1, 3]], ["ids", [1], "INT32"]])
    told = built(imagined.build(shop, io_all="fp16"))
    assert told["io"] == {"x": "fp16", "y": "fp16"}
    assert imagined.asked["tensors"]["ids"] == ["INT32", 0]


@pytest.mark.parametrize(
    ("wanted", "kind", "about"),
    [
        ({"pins": {"/conv": "fp32"}}, "no node", {"names": ["/conv"]}),
        ({"pins": {"/sm": "bf16"}}, "unknown", {"name": "BF16"}),
        ({"io": {"q": ("fp16", None)}}, "no tensor", {"there": ["x", "y"]}),
        ({"io": {"x": ("bf16", None)}}, "unknown", {"what": "the type of x"}),
        ({"io": {"x": (None, "dla_hwc4")}}, "unknown", {"what": "the layout of x"}),
        ({"tactic_sources": ("-MAGIC",)}, "unknown", {"name": "MAGIC"}),
        (
            {"shapes": {"q": ShapeRange(min=(1,), opt=(1,), max=(1,))}},
            "no input",
            {"names": ["q"], "there": ["x"]},
        ),
        (
            {"shapes": {"x": ShapeRange(min=(1,), opt=(1,), max=(1,))}},
            "fixed",
            {"declared": [1, 3, 8, 8], "given": [1]},
        ),
    ],
)
def test_what_does_not_fit(
    imagined: Imagined, shop: Workshop, wanted: Any, kind: str, about: dict[str, Any]
) -> None:
    told = failed(imagined.build(shop, **wanted))
    assert told.kind == kind
    for key, value in about.items():
        assert told.about[key] == value
    assert not shop.path(ENGINE).exists()


def test_open_extents(imagined: Imagined, shop: Workshop) -> None:
    imagined.script(inputs=[["x", [-1, 3]]])
    told = failed(imagined.build(shop))
    assert (told.kind, told.about["name"], told.about["declared"]) == ("open", "x", [-1, 3])
    shape = ShapeRange(min=(1, 4), opt=(1, 4), max=(1, 4))
    told = failed(imagined.build(shop, shapes={"x": shape}))
    assert (told.kind, told.about["given"]) == ("shape", [1, 4])


def test_a_model_that_does_not_parse(imagined: Imagined, shop: Workshop) -> None:
    imagined.script(unparsed=True)
    told = failed(imagined.build(shop))
    assert told.kind == "parse"
    (error,) = told.about["errors"]
    assert error["name"] == "/odd" and error["operator"] == "Odd" and error["node"] == 3
    assert "function" not in error


def test_a_cache_that_it_does_not_take(imagined: Imagined, shop: Workshop) -> None:
    imagined.script(bad_cache=True)
    told = failed(imagined.build(shop, timing_cache=Path("/nowhere/t.cache")))
    assert told.kind == "cache" and told.about["path"] == "/nowhere/t.cache"


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("none", "build"),
        ("crash", "crash"),
        ("raise", "raised"),
        ("memory", "memory"),
        ("full", "os"),
    ],
)
def test_builders_that_make_nothing(
    imagined: Imagined, shop: Workshop, ending: str, kind: str
) -> None:
    imagined.script(ending=ending)
    (imagined.folder / "log.txt").write_text("the last words")
    told = failed(imagined.build(shop))
    assert told.kind == kind
    assert not shop.path(ENGINE).exists()
    # What it logged until then is there, however it ended.
    assert "[V] [TRT] the last words" in shop.path(LOG).read_text()
    if ending == "crash":
        assert "SIGSEGV" in told.about["detail"] and "about to fall over" in told.output
    if ending == "raise":
        assert told.about["detail"] == "TypeError: an argument is none"
    if ending == "full":
        assert told.about["errno"] == 28


def test_errors_that_it_logged(imagined: Imagined, shop: Workshop) -> None:
    errors = ["10: Could not find any implementation for node x", "2: it failed"]
    imagined.script(ending="none", errors=errors)
    assert failed(imagined.build(shop)).errors == tuple(errors)


def test_a_builder_that_hangs(imagined: Imagined, shop: Workshop) -> None:
    imagined.script(ending="hang")
    heard: list[str] = []
    told = failed(imagined.build(shop, timeout=1.5, watch=Watch(tell=heard.append)))
    assert told.kind == "deadline"
    assert any(line.startswith("TensorRT 8.6.1 builds: building (") for line in heard)
