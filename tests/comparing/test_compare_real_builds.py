"""Rebuilds of networks on an H100 with TensorRT 8.6, compared from what they left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from savedengines import told

import trtdoctor


def campaign(shared: Path, name: str) -> tuple[Path, Path | None, Path]:
    folder = shared / "corpus" / "campaign" / name
    if not folder.is_dir():
        pytest.skip("the corpus has no campaign")
    plan, layers = folder / "engine.plan", folder / "layers.json"
    return (plan, layers, folder) if plan.exists() else (layers, None, folder)


@pytest.mark.parametrize("model", ["gpt", "sr", "twoheads", "vid"])
def test_rebuilds_with_fp16_inputs_on_an_h100(shared: Path, model: str) -> None:
    """Real pairs; their whole times were measured without an interval, so that none is claimed."""
    a, layers_a, folder_a = campaign(shared, f"{model}.fp16")
    b, layers_b, folder_b = campaign(shared, f"{model}.fp16.io16")
    found = told(
        trtdoctor.compare(
            a,
            b,
            layers=(layers_a, layers_b),
            profiles=(folder_a / "profile.json", folder_b / "profile.json"),
            live=False,
        )
    )
    run_a, run_b = (json.loads((f / "run.json").read_text()) for f in (folder_a, folder_b))
    assert found.a_ms is not None and found.b_ms is not None
    assert found.a_ms.median == pytest.approx(run_a["sum_profile_ms"])
    assert found.b_ms.median == pytest.approx(run_b["sum_profile_ms"])
    assert found.worth is None and found.gain is None and found.clock == "profile"
    assert not found.conversions_added
    assert all(each.a and each.b for each in found.layers)


def test_conversions_that_fp16_inputs_save(shared: Path) -> None:
    a, layers_a, _ = campaign(shared, "sr.fp16")
    b, layers_b, _ = campaign(shared, "sr.fp16.io16")
    found = told(trtdoctor.compare(a, b, layers=(layers_a, layers_b), live=False))
    assert found.conversions_removed == ("x FP32 → FP16", "/c/Conv_output_0 FP16 → FP32")
    assert any("takes the input x as FP16" in note for note in found.notes)


def test_two_networks_of_the_same_tensor_names(shared: Path) -> None:
    a, layers_a, _ = campaign(shared, "sr.fp16")
    b, layers_b, _ = campaign(shared, "vid.fp16")
    found = told(trtdoctor.compare(a, b, layers=(layers_a, layers_b), live=False))
    assert found.worth is None and "do not have the same inputs and outputs" in found.verdict
