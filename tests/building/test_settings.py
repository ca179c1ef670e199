"""What a request comes to in one TensorRT."""

from __future__ import annotations

from typing import Any

import pytest
from buildworld import RTX, TRT11, TRT85, TRT86, TRT103, request

from trtdoctor.builder.settings import settings_of, typed
from trtdoctor.builder.world import World
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import UsageError


def flags(world: World, precision: str, *, quantised: bool = False) -> list[str]:
    wanted = request(precision=precision)
    found = settings_of(wanted, world, strong=False, quantised=quantised)["flags"]
    assert isinstance(found, list)
    return found


def refused(world: World, *, strong: bool = False, quantised: bool = False, **more: Any) -> str:
    with pytest.raises(UsageError) as told:
        settings_of(request(**more), world, strong=strong, quantised=quantised)
    return str(told.value)


@pytest.mark.parametrize(
    ("world", "precision", "quantised", "expected"),
    [
        (TRT103, "fp32", False, []),
        (TRT103, "fp16", False, ["FP16"]),
        (TRT103, "bf16", False, ["BF16"]),
        (TRT103, "best", False, ["FP16", "BF16"]),
        (TRT103, "best", True, ["FP16", "BF16", "INT8", "FP8"]),
        (TRT103, "int8", True, ["INT8", "FP16"]),
        # Q and DQ need the flag, whatever else is asked for.
        (TRT103, "fp16", True, ["FP16", "INT8"]),
        (TRT103, "fp32", True, ["INT8"]),
        (TRT86, "best", False, ["FP16"]),
        (TRT86, "best", True, ["FP16", "INT8"]),
    ],
)
def test_flags(world: World, precision: str, quantised: bool, expected: list[str]) -> None:
    assert flags(world, precision, quantised=quantised) == expected


def test_precisions_that_a_release_lacks() -> None:
    told = refused(TRT86, precision="bf16")
    assert told == (
        "TensorRT 8.6.1 has no BF16 flag, which is there since 9.0; choose another --precision"
    )
    told = refused(TRT103, precision="int8")
    assert "needs a quantised model, and m.onnx has no QuantizeLinear" in told


def test_who_decides() -> None:
    assert not typed(request(), TRT103)
    assert typed(request(strongly_typed=True), TRT103)
    assert typed(request(), TRT11) and typed(request(), RTX)
    with pytest.raises(UsageError, match=r"8\.6\.1 has no strongly typed networks; leave out"):
        typed(request(strongly_typed=True), TRT86)


def test_where_types_decide_nothing_is_flagged() -> None:
    wanted = request(precision="best", io_all="fp16", strongly_typed=True)
    found = settings_of(wanted, TRT103, strong=True, quantised=True)
    assert found["flags"] == [] and found["strongly_typed"] and found["must_ask"]
    assert found["io"]["all"] is None and found["constraints"] == "none"
    assert not settings_of(request(), TRT11, strong=True, quantised=False)["must_ask"]


@pytest.mark.parametrize(
    "more", [{"pins": {"a": "fp32"}}, {"pins": {"a": "fp32"}, "constraints": "obey"}]
)
def test_pins_are_for_builders_that_choose(more: dict[str, Any]) -> None:
    assert "--pin and --constraints are for builders that choose" in refused(
        RTX, strong=True, **more
    )
    found = settings_of(request(**more), TRT86, strong=False, quantised=False)
    assert found["pins"] == {"a": "fp32"}
    assert found["constraints"] == more.get("constraints", "prefer")


def test_targets_are_for_rtx() -> None:
    assert "--target-cc is for TensorRT-RTX" in refused(TRT103, targets=("8.9",))
    found = settings_of(request(targets=("8.9",)), RTX, strong=True, quantised=False)
    assert found["targets"] == ["8.9"]


def test_compatible_engines() -> None:
    wanted = request(version_compatible=True, hardware_compatible="AMPERE_PLUS")
    found = settings_of(wanted, TRT86, strong=False, quantised=False)
    assert found["flags"] == ["FP16", "VERSION_COMPATIBLE"]
    assert found["hardware_compatible"] == "AMPERE_PLUS"
    found = settings_of(wanted, TRT11, strong=True, quantised=False)
    assert found["flags"] == ["VERSION_COMPATIBLE"]
    assert "TensorRT 8.5.3 builds no version-compatible" in refused(TRT85, version_compatible=True)
    told = refused(TRT85, hardware_compatible="AMPERE_PLUS")
    assert told.endswith("leave out --hardware-compatible")


def test_the_rest_is_passed_on() -> None:
    wanted = request(
        shapes={"x": ShapeRange(min=(1,), opt=(2,), max=(3,))},
        io={"x": ("fp16", None)},
        tf32=False,
        workspace=1 << 30,
        avg_timing=4,
        tactic_sources=("-CUBLAS",),
        optimization_level=2,
    )
    found = settings_of(wanted, TRT103, strong=False, quantised=False)
    assert found["shapes"] == {"x": {"min": (1,), "opt": (2,), "max": (3,)}}
    assert found["io"] == {"all": None, "by_name": {"x": ["fp16", None]}}
    assert found["tf32"] is False and found["workspace"] == 1 << 30
    assert (found["avg_timing"], found["optimization_level"]) == (4, 2)
    assert found["tactic_sources"] == ["-CUBLAS"] and found["timing_cache"] is None
