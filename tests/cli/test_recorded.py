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
    assert "One inference takes" in out and "504.5 us (504.0 us to 505.0 us), 200 samples" in out
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


def tuning(folder: Path) -> Path:
    route = "-conv_lowering={} -kgen:tiling={}"
    times = {("on", 0): 0.2, ("off", 0): 0.15, ("on", 1): None}
    lines: list[dict] = [
        {
            "tuner_version": "2.19.45",
            "searching_algorithm": "fast",
            "command_line": "trtexec --onnx=m.onnx --tuningCacheFile=tuning.json",
            "default_build_route": route.format("on", 0),
            "tuning_expr": "-conv_lowering=[on|off] -kgen:tiling=[0|1]",
        }
    ]
    for number, (knobs, ms) in enumerate(times.items()):
        lines.append({"iter": number, "build_route": route.format(*knobs), "gpu_time": ms})
        lines[-1] |= {
            "crash": ms is None,
            "error_message": "" if ms else "child killed by signal 11",
        }
    path = folder / "tuning.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_the_tuner_tried_is_shown(tmp_path: Path, capsys) -> None:
    path = tuning(tmp_path)
    assert run(["inspect", str(path), "--no-live"]) == 0
    out = capsys.readouterr().out
    assert "3 routes, 1 of which could not be taken" in out
    assert "0.1500 ms, 25.0% less than the default route's 0.2000 ms" in out
    assert "--setBuildRoute='-conv_lowering=off -kgen:tiling=0'" in out
    assert "nothing that was varied names a data type" in out
    assert "child killed by signal 11" in out


def test_another_tuner_of_the_same_routes_has_no_command(tmp_path: Path, capsys) -> None:
    path = tuning(tmp_path)
    path.write_text(path.read_text().replace("command_line", "partition_key"))
    assert run(["inspect", str(path), "--no-live"]) == 0
    out = capsys.readouterr().out
    assert "Its route  -conv_lowering=off -kgen:tiling=0" in out and "trtexec --onnx" not in out


def test_a_tuning_cache_is_no_engine(plan: Path, times: Path, tmp_path: Path, capsys) -> None:
    path = tuning(tmp_path)
    assert run(["inspect", str(path), "--expect", "fp16"]) == 2
    assert "--expect is about engines" in capsys.readouterr().err
    assert run(["inspect", str(path), "--times", str(times)]) == 2
    assert "belong to an engine" in capsys.readouterr().err
    assert run(["explain", str(path), "--no-live"]) == 2
    assert "give it to `trtdoctor inspect`" in capsys.readouterr().err
    assert run(["inspect", str(path), str(plan), "--no-live"]) == 0
    out = capsys.readouterr().out
    assert "tuning.json" in out and "TensorRT 10.3.0.30" in out
    path.write_bytes(path.read_bytes().replace(b'"iter": 0', b'"iter": {}'))
    assert run(["inspect", str(path)]) == 2
    assert "Line 2 of this file is damaged" in capsys.readouterr().err


def test_a_capture_is_shown_with_what_steers_precision(tmp_path: Path, capsys) -> None:
    path = RECORDED / "rtx171_half_conv.capture.json"
    assert run(["inspect", str(path), "--no-live"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "tensorrt-rtx 1.7.1" in text and "x FP16 [-1, 3, 8, 8]" in text
    assert "Flags cleared TF32" in text and "Casts 1 to FP32" in text
    assert "weights in clear text" in text and "to FP32 Cast cast" in text
    assert run(["inspect", str(path), "--all", "--no-live"]) == 0
    assert "All layers" in capsys.readouterr().out
    for form in ("markdown", "html"):
        assert run(["inspect", str(path), "--format", form, "--no-live"]) == 0
        assert "What steers precision" in capsys.readouterr().out
    assert run(["explain", str(path), "--no-live"]) == 2
    assert "give it to `trtdoctor inspect`" in capsys.readouterr().err
    cut = tmp_path / "capture.json"
    cut.write_bytes(path.read_bytes()[:-100])
    assert run(["inspect", str(cut)]) == 2
    assert "did not end" in capsys.readouterr().err


def test_a_weak_network_without_the_flag_is_told_to_stay_fp32(tmp_path: Path, capsys) -> None:
    path = tmp_path / "capture.json"
    call = {"class": "Builder", "function": "createNetworkV2", "object": 0, "flags": 1}
    path.write_text(json.dumps({"api_calls": [call], "trt_version": 101303}))
    assert run(["inspect", str(path), "--no-live"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "not allowed: without the flag FP16 every layer stays FP32" in text
    assert "no build was asked for" in text
