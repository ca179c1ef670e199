"""TensorRT-RTX builds of one model on the CPU: in FP32 and converted, for two GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphmodels
import pytest
import rtxmodels

import trtdoctor
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import Precision
from trtdoctor.models.conversion import convert

pytest.importorskip("tensorrt_rtx")


def built(path: Path, proto: Any, *capabilities: str) -> Path:
    try:
        path.write_bytes(rtxmodels.build(proto, capabilities=capabilities).plan)
    except (graphmodels.Unsupported, rtxmodels.Unsupported) as error:
        pytest.skip(f"cannot be built here: {error}")
    return path


def compared(a: Path, b: Path, **more: Any) -> Comparison:
    (found,) = trtdoctor.compare(a, b, live=False, **more).comparisons
    return found


@pytest.fixture(scope="module", params=["mlp_fp32", "attention_fp32", "head_fp32"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    proto = graphmodels.MODELS[request.param]()
    half = convert(proto, keep_io=True).model
    wide = built(folder / "fp32.plan", proto, "SM89")
    narrow = built(folder / "fp16.plan", half, "SM89")
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    return wide, narrow, folder / "model.onnx"


def test_a_converted_model_is_the_same_model(pair: Any) -> None:
    """Its nodes keep their names, however differently they are fused."""
    found = compared(*pair[:2])
    assert "engines of one model" not in found.verdict and "No verdict" not in found.verdict
    assert found.worth is None and "neither engine was measured" in found.verdict
    assert all(each.a and each.b for each in found.layers)
    assert found.layers
    narrow = {Precision.FP16, Precision.MIXED}
    assert all(narrow & set(each.b_precision) for each in found.layers)
    assert not any(narrow & set(each.a_precision) for each in found.layers)


def test_the_other_way_around_is_the_mirror_image(pair: Any) -> None:
    forth, back = compared(*pair[:2]), compared(*reversed(pair[:2]))
    assert forth.alike == back.alike
    assert forth.conversions_added == back.conversions_removed
    assert {(frozenset(x.a), frozenset(x.b)) for x in forth.layers} == {
        (frozenset(x.b), frozenset(x.a)) for x in back.layers
    }


def test_an_engine_beside_itself_has_no_differences(pair: Any) -> None:
    found = compared(pair[1], pair[1])
    assert not found.layers and not found.conversions_added and not found.conversions_removed
    assert found.alike
    assert all(each.same for each in found.facts)


def test_for_two_gpus_there_is_no_verdict(tmp_path: Path) -> None:
    proto = graphmodels.MODELS["mlp_fp32"]()
    found = compared(
        built(tmp_path / "ada.plan", proto, "SM89"),
        built(tmp_path / "blackwell.plan", proto, "SM120"),
    )
    assert found.worth is None
    assert "A is made for compute capability 8.9 and B for 12.0" in found.verdict
    assert not any(each.a_precision != each.b_precision for each in found.layers)


def test_two_models_are_told_apart(tmp_path: Path) -> None:
    mlp = built(tmp_path / "mlp.plan", graphmodels.MODELS["mlp_fp32"](), "SM89")
    other = built(tmp_path / "other.plan", graphmodels.MODELS["attention_fp32"](), "SM89")
    found = compared(mlp, other)
    assert found.worth is None and found.verdict.startswith("No verdict")
    assert not found.suspects and found.gain is None
