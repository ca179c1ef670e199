"""``trtdoctor audit`` and ``trtdoctor plan`` from the command line, on real files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from planted import PLANTED
from zoo import ZOO

import trtdoctor
from trtdoctor.cli.app import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    case = PLANTED["layer_norm"]()
    onnx.save(case.model, "norm.onnx")
    stacked = {name: np.stack([s[name] for s in case.samples]) for name in case.samples[0]}
    np.savez("data.npz", **stacked)
    onnx.save(ZOO["bert"](), "bert.onnx")
    onnx.save(ZOO["resnet"](), "resnet.onnx")
    return tmp_path


def report(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = run([*words, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


# audit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["txt", "md", "html"])
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_it_looks_as_agreed(command: str, suffix: str, here: Path, golden: Any) -> None:
    more = ["--inputs", "data.npz"] if command == "plan" else ["--tensorrt", "10.1"]
    assert run([command, "norm.onnx", *more, "--backend", "onnx", "-o", f"made.{suffix}"]) == 0
    text = Path(f"made.{suffix}").read_text("utf-8")
    text = "\n".join(line for line in text.splitlines() if "knowledge of" not in line) + "\n"
    golden(f"{command}.0.{suffix}", text.replace(f"onnx {onnx.__version__}", "onnx X"))


def test_an_audit_tells_the_map_hazards_and_checks(here: Path, capsys: Any) -> None:
    code, made = report(capsys, "audit", "norm.onnx", "bert.onnx", "--tensorrt", "11.4")
    assert code == 0 and made["command"] == "audit"
    norm, bert = made["models"]
    assert [each["path"] for each in made["models"]] == ["norm.onnx", "bert.onnx"]
    assert norm["maps"][0]["fp16_share"] == 0.0 and norm["maps"][0]["typing"] == "strong"
    assert {each["kind"] for each in norm["hazards"]} == {"normalization"}
    assert {each["kind"] for each in bert["hazards"]} == {"normalization", "mask"}
    failed = {o["check"]["id"] for o in made["outcomes"] if o["status"] == "failed"}
    assert {"ONX005", "ONX010"} <= failed
    assert norm["answer"].startswith("None of the model's")


def test_values_are_measured_over_all_samples(here: Path, capsys: Any) -> None:
    _, made = report(capsys, "audit", "norm.onnx", "--inputs", "data.npz")
    (model,) = made["models"]
    assert model["measured"]["samples"] == 2
    (hazard,) = [each for each in model["hazards"] if each["kind"] == "normalization"]
    assert hazard["confidence"] == "certain"
    (wide,) = [o for o in made["outcomes"] if o["check"]["id"] == "ONX005"]
    assert wide["findings"][0]["confidence"] == "certain"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--expect", "fp16:0.5", "--tensorrt", "11.4"], 1),
        (["--expect", "fp16:0.5", "--tensorrt", "8.6"], 3),
        (["--tensorrt", "8.6"], 0),
        (["--tensorrt", "rtx-1.7"], 0),
        (["--no-weights"], 0),
        (["--fail-on", "warning"], 1),
    ],
)
def test_exit_codes(words: list[str], code: int, here: Path, capsys: Any) -> None:
    assert run(["audit", "resnet.onnx", *words]) == code


def test_an_audit_is_judged_again_from_its_report(here: Path, capsys: Any) -> None:
    assert run(["audit", "norm.onnx", "-o", "a.json"]) == 0
    capsys.readouterr()
    code, again = report(capsys, "report", "rejudge", "a.json")
    assert code == 0 and again["models"][0]["hazards"]
    assert any(o["check"]["id"] == "ONX005" and o["findings"] for o in again["outcomes"])
    assert run(["report", "show", "a.json"]) == 0
    assert "What FP16 would do to its numbers" in capsys.readouterr().out


def test_explain_and_check_take_a_model(here: Path, capsys: Any) -> None:
    code, made = report(capsys, "explain", "norm.onnx")
    assert code == 0 and made["engines"] and made["models"]
    assert any(o["check"]["id"] == "ONX005" and o["findings"] for o in made["outcomes"])
    _, made = report(capsys, "check", "norm.onnx", "--no-live")
    assert made["models"][0]["path"] == "norm.onnx" and not made["engines"]


def test_what_autocast_kept_is_told_by_its_rule(here: Path, capsys: Any) -> None:
    Path("autocast.log").write_text(
        "[modelopt][onnx] - INFO - Skipping node bad/square: reference IO out of range: "
        "min=0.0, max=8e6, range=[-512, 512]\n"
    )
    _, made = report(capsys, "audit", "norm.onnx", "--autocast-log", "autocast.log")
    (kept,) = made["models"][0]["kept_by_converter"]
    assert kept["node"] == "bad/square" and "range" in kept["rule"]
    words = ["plan", "norm.onnx", "--inputs", "data.npz", "--autocast-log", "autocast.log"]
    _, made = report(capsys, *words)
    arms = {arm["name"]: arm for arm in made["models"][0]["plan"]["arms"]}
    assert not arms["AutoCast's own"]["meets"] and arms["this plan"]["meets"]


FAKE = """
import sys
if "fail" in sys.argv[0]:
    sys.exit("no module named modelopt")
print("[modelopt][onnx] - INFO - Skipping node bad/square: reference IO out of range: "
      "min=0.0, max=8e6, range=[-512, 512]")
"""


def test_autocast_is_run_where_it_is_installed(here: Path, capsys: Any) -> None:
    for name in ("works", "fails"):
        Path(name).write_text(f"#!/usr/bin/env python3{FAKE}")
        Path(name).chmod(0o755)
    words = ["plan", "norm.onnx", "--inputs", "data.npz", "--autocast"]
    _, made = report(capsys, *words, str(here / "works"))
    arms = {arm["name"]: arm for arm in made["models"][0]["plan"]["arms"]}
    assert arms["AutoCast's own"]["kept"] == 1 and not arms["AutoCast's own"]["meets"]
    for broken in (str(here / "fails"), str(here / "nowhere")):
        assert run([*words, broken]) == 2
        assert capsys.readouterr().err.count("\n") == 1


# plan --------------------------------------------------------------------------------------------


def test_a_plan_writes_the_model_and_names_what_it_kept(here: Path, capsys: Any) -> None:
    words = ["--inputs", "data.npz", "-o", "norm.fp16.onnx", "-o", "plan.json"]
    assert run(["plan", "norm.onnx", *words]) == 0
    out = capsys.readouterr().out
    assert "bad/square" in out and "norm.fp16.onnx" in out
    converted = onnx.load("norm.fp16.onnx")
    onnx.checker.check_model(converted, full_check=True)
    computing = [n for n in converted.graph.node if n.op_type != "Cast"]
    kept = {n.name for n in computing if n.name.startswith("bad/")}
    assert kept == {"bad/square", "bad/mean", "bad/eps", "bad/root"}
    plan = json.loads(Path("plan.json").read_text())["models"][0]["plan"]
    assert plan["met"] and plan["conversion"]["path"] == "norm.fp16.onnx"
    commands = [
        line for remedy in plan["remedies"] for one in remedy["commands"] for line in one["lines"]
    ]
    assert any("--stronglyTyped" in command for command in commands)
    assert any("--nodes_to_exclude" in command for command in commands)
    assert any("--layerPrecisions=bad/square:fp32" in command for command in commands)


def test_its_commands_can_be_pasted(here: Path, capsys: Any) -> None:
    import subprocess

    _, made = report(capsys, "plan", "norm.onnx", "--inputs", "data.npz", "-o", "out.onnx")
    remedies = made["models"][0]["plan"]["remedies"]
    commands = [command for remedy in remedies for command in remedy["commands"]]
    shell = [line for one in commands if one["tool"] != "python" for line in one["lines"]]
    for one in commands:
        if one["tool"] == "python":
            ast.parse("\n".join(one["lines"]))
    for command in shell:
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0
    targets = [word for c in shell for word in c.split() if word.startswith("--saveEngine=")]
    assert len(targets) == len(set(targets)) == 2


@pytest.mark.parametrize(
    ("check", "code"), [("test -s {}", 0), ("test -s", 0), ("false #", 1), ("sleep 60 #", 1)]
)
def test_the_users_own_check(check: str, code: int, here: Path, capsys: Any) -> None:
    words = ["--inputs", "data.npz", "--check", check, "--check-timeout", "1", "--deadline", "30"]
    if "sleep" in check:
        words += ["--budget", "1dB"]
    assert run(["plan", "norm.onnx", *words]) == code


def test_from_python(here: Path) -> None:
    made = trtdoctor.plan("norm.onnx", inputs="data.npz", target="py.onnx")
    assert made.models[0].plan is not None and made.models[0].plan.met
    assert Path("py.onnx").is_file()
    assert trtdoctor.audit("norm.onnx", tensorrt="11.4").models[0].maps
    with pytest.raises(trtdoctor.TrtdoctorError):
        trtdoctor.plan("nowhere.onnx")


@pytest.mark.parametrize(
    "words",
    [
        "plan ext.onnx -o weights.onnx",
        "plan ext.onnx -o out.onnx --resume weights.onnx.data",
        "plan norm.onnx --inputs random_1.npz --resume random_1.npz",
        "plan norm.onnx --inputs samples --resume samples/0.npz",
        "audit ext.onnx -o weights.txt",
    ],
)
def test_no_output_replaces_weights_or_data(words: str, here: Path, capsys: Any) -> None:
    """Whatever stands beside a model, is called as random numbers are, or lies in a folder of samples."""
    for name in ("weights.onnx.data", "weights.txt"):
        model = PLANTED["layer_norm"]().model
        target = "ext.onnx" if ("txt" in words) == ("txt" in name) else "other.onnx"
        onnx.save_model(model, target, save_as_external_data=True, location=name, size_threshold=0)
    Path("random_1.npz").write_bytes(Path("data.npz").read_bytes())
    Path("samples").mkdir()
    Path("samples/0.npz").write_bytes(Path("data.npz").read_bytes())
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert run(words.split()) == 2
    assert "would be lost" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "words",
    [
        "audit",
        "audit gone.onnx",
        "audit data.npz",
        "audit norm.onnx --tensorrt eleven",
        "audit norm.onnx --expect fp16:0",
        "audit norm.onnx --shape x",
        "audit norm.onnx --shape y=1x2",
        "audit norm.onnx --shape x=1x2",
        "audit norm.onnx --inputs gone.npz",
        "audit norm.onnx --inputs norm.onnx",
        "audit norm.onnx --inputs random:0",
        "audit norm.onnx --autocast-log gone.log",
        "audit norm.onnx -o norm.onnx",
        "plan",
        "plan gone.onnx",
        "plan norm.onnx --budget loud",
        "plan norm.onnx --budget 0",
        "plan norm.onnx -o norm.onnx",
        "plan norm.onnx -o a.onnx -o b.onnx",
        "plan norm.onnx -o nowhere/a.onnx",
        "plan norm.onnx -o nowhere/in/",
        "plan norm.onnx --inputs data.npz -o data.npz",
        "plan norm.onnx --inputs data.npz -o data.onnx --check nosuchcommand",
        "plan norm.onnx --autocast-log norm.onnx",
    ],
)
def test_wrong_usage_is_one_sentence_and_nothing_is_lost(
    words: str, here: Path, capsys: Any
) -> None:
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    assert run(words.split()) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "bug" not in said.err, said.err
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before
