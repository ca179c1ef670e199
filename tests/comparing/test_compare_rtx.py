"""TensorRT-RTX builds of one model on the CPU: in FP32 and converted, for two GPUs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import graphmodels
import numpy as np
import pytest
import rtxmodels

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import Precision
from trtdoctor.models.conversion import convert, load_model
from trtdoctor.models.emulation import Network, Rounding, find_backend
from trtdoctor.models.inputs import find_inputs
from trtdoctor.readers.onnxmodel import TensorType, read_onnx

pytest.importorskip("tensorrt_rtx")
DATA = Path(__file__).parents[1] / "data"


def built(path: Path, proto: Any, *capabilities: str, **more: Any) -> Path:
    try:
        path.write_bytes(rtxmodels.build(proto, capabilities=capabilities, **more).plan)
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


def test_what_fp16_breaks_is_suspected_by_name(tmp_path: Path) -> None:
    """An RMS norm whose squares FP16 does not hold: its outputs as FP16 would make them."""
    path = DATA / "models" / "haz.onnx"
    proto = load_model(path)
    batch = {"profiles": (dict.fromkeys(("x", "m"), ((4, 64),) * 3),)}
    wide = built(tmp_path / "fp32.plan", proto, "SM89", **batch)
    narrow = built(tmp_path / "fp16.plan", convert(proto, keep_io=True).model, "SM89", **batch)
    network = Network(proto, find_backend("onnx"))
    facts = read_onnx(path, shapes={})
    (sample,) = find_inputs(facts, "random:1", {"x": (4, 64), "m": (4, 64)})
    sample = {name: a * 300 if a.dtype.kind == "f" else a for name, a in sample.items()}
    np.savez(tmp_path / "x.npz", **sample)
    every = range(len(network.steps))
    half = network.run(sample, narrow=every, rounding=Rounding(TensorType.FLOAT16))
    np.savez(tmp_path / "a.npz", **network.run(sample))
    np.savez(tmp_path / "b.npz", **half)
    found = compared(
        wide,
        narrow,
        outputs=(tmp_path / "a.npz", tmp_path / "b.npz"),
        onnx=path,
        inputs=str(tmp_path / "x.npz"),
        backend="onnx",
    )
    assert found.worth is False and found.suspects
    # The first layer that is suspected is the one that squares, and it says why.
    assert "pow" in next(node for each in found.layers for node in each.nodes if node == "pow")
    assert any("squares" in each or "65504" in each for each in found.suspects), found.suspects


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


@pytest.mark.slow
def test_three_arms_of_a_model_are_built_and_compared_without_a_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(graphmodels.MODELS["attention_fp32"]().SerializeToString())
    target, kept = tmp_path / "c.json", tmp_path / "engines"
    asked = ["--runtime", "rtx", "--target-cc", "8.9", "--python", sys.executable]
    code = run(["compare", "--onnx", str(model), *asked, "--keep", str(kept), "-o", str(target)])
    assert code == 0, capsys.readouterr().err
    report = trtdoctor.load(target)
    asked_for, without_tf32, both = report.comparisons
    assert (Path(asked_for.a).name, Path(asked_for.b).name) == ("m.fp32.engine", "m.fp16.engine")
    assert asked_for.layers and both.layers
    assert not any(each.a_precision != each.b_precision for each in without_tf32.layers)
    assert all(each.worth is None for each in report.comparisons)
    # The engines that were kept have records of their builds, which a later comparison picks up.
    again = compared(kept / "m.fp32.engine", kept / "m.fp16.engine")
    told = {each.what: (each.a, each.b) for each in again.facts}
    assert told["asked for"][0] == "fp32" and str(told["asked for"][1]).startswith("fp16")
    assert again.layers == asked_for.layers
