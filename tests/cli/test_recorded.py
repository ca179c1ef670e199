"""What others recorded, given on the command line: times, tuning caches, captures, cache folders."""

from __future__ import annotations

import json
from pathlib import Path

import planwriter
import pytest

from trtdoctor.cli.app import run

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
RELEASES = planwriter.releases()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "model.engine"
    path.write_bytes(planwriter.plan(RELEASES["10.3"]))
    return path


@pytest.fixture
def times(tmp_path: Path) -> Path:
    path = tmp_path / "times.json"
    entries = [
        {"h2dMs": 0.1, "computeMs": 0.5 + n % 10 / 1000, "d2hMs": 0.05, "latencyMs": 0.65}
        for n in range(200)
    ]
    path.write_text(json.dumps(entries))
    return path


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_times_of_inferences_are_shown_and_in_the_report(
    command: str, plan: Path, times: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "report.json"
    assert run([command, str(plan), "--times", str(times), "--no-live", "-o", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "One inference takes" in out and "0.5045 ms (0.504" in out
    (engine,) = json.loads(saved.read_text())["engines"]
    assert engine["measured"]["events_ms"]["samples"] == 200


def test_times_belong_to_one_engine_and_are_no_profile(
    plan: Path, times: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(plan), str(plan), "--times", str(times)]) == 2
    assert "belong to one engine" in capsys.readouterr().err
    assert run(["inspect", str(plan), "--profile", str(times)]) == 2
    assert "give it with --times" in capsys.readouterr().err
    profile = tmp_path / "profile.json"
    profile.write_text('[{"count": 9}, {"name": "conv", "timeMs": 1, "averageMs": 0.1}]')
    assert run(["inspect", str(plan), "--times", str(profile)]) == 2
    assert "give it with --profile" in capsys.readouterr().err
    assert run(["inspect", str(plan), "--times", str(tmp_path / "none.json")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_arrays_in_the_place_of_an_engine_are_told_where_they_belong(capsys) -> None:
    for name in ("polygraphy_inputs.json", "polygraphy_outputs.json"):
        assert run(["inspect", str(RECORDED / name), "--no-live"]) == 2
        assert "with --inputs" in capsys.readouterr().err


def test_a_model_is_measured_with_the_inputs_that_polygraphy_saved(capsys) -> None:
    given = ["--inputs", str(RECORDED / "polygraphy_inputs.json"), "--format", "json"]
    code = run(["audit", str(RECORDED / "relu_and_mask.onnx"), *given])
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert code == 0 and model["measured"]["samples"] == 3
