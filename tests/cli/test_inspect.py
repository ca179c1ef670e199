"""``trtdoctor inspect`` as a person runs it, on plans of our own writing and on real ones."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import planwriter
import pytest

from trtdoctor.cli.app import run

RELEASES = planwriter.releases()
HALF = {
    "Name": "conv",
    "LayerType": "CaskConvolution",
    "Inputs": [
        {"Name": "x", "Dimensions": [1, 8, 4, 4], "Format/Datatype": "Row major linear FP16"}
    ],
    "Outputs": [
        {"Name": "y", "Dimensions": [1, 8, 4, 4], "Format/Datatype": "Row major linear FP16"}
    ],
    "ParameterType": "Convolution",
    "Weights": {"Type": "Half", "Count": 576},
    "TacticName": "sm80_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc",
}
FLOAT = json.loads(json.dumps(HALF).replace("FP16", "FP32").replace("Half", "Float"))
FLOAT |= {"Name": "fc", "TacticName": "sm80_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc"}


def layers_file(folder: Path, *layers: dict) -> str:
    path = folder / "layers.json"
    path.write_text(json.dumps({"Layers": layers, "Bindings": ["x", "y"]}))
    return str(path)


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["inspect", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code, out, _ = inspect(capsys, *arguments, "--format", "json")
    return code, json.loads(out)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "model.engine"
    path.write_bytes(planwriter.plan(RELEASES["10.3"]))
    return path


def test_identity_needs_neither_tensorrt_nor_gpu(plan: Path, capsys) -> None:
    code, document = report(capsys, str(plan), "--no-live")
    (engine,) = document["engines"]
    assert code == 0
    assert engine["size"] == plan.stat().st_size
    assert engine["sha256"] is None
    assert engine["identity"]["product"] == "tensorrt"
    assert engine["identity"]["tensorrt_version"].startswith("10.3")
    assert document["machine"] is None


def test_hash_is_computed_where_asked(plan: Path, capsys) -> None:
    _, document = report(capsys, str(plan), "--no-live", "--hash")
    assert len(document["engines"][0]["sha256"]) == 64


def test_a_wrapped_plan_is_inspected_and_extracted(plan: Path, tmp_path: Path, capsys) -> None:
    head = json.dumps({"task": "detect", "imgsz": [640, 640], "names": {"0": "cat"}}).encode()
    wrapped = tmp_path / "yolo.engine"
    wrapped.write_bytes(struct.pack("<i", len(head)) + head + plan.read_bytes())
    bare = tmp_path / "bare.plan"
    code, document = report(capsys, str(wrapped), "--no-live", "--extract", str(bare))
    assert code in (0, 1)
    assert document["engines"][0]["identity"]["container"] == "ultralytics"
    assert document["engines"][0]["identity"]["metadata"]["task"] == "detect"
    assert bare.read_bytes() == plan.read_bytes()


def test_extracting_over_the_file_itself_is_refused(plan: Path, capsys) -> None:
    before = plan.read_bytes()
    code, _, err = inspect(capsys, str(plan), "--no-live", "--extract", str(plan))
    assert code == 2
    assert "overwrite" in err
    assert plan.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.engine", b"", "empty"),
        (
            "lfs.engine",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "LFS",
        ),
        ("page.engine", b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        ("noise.engine", b"\x17\x99\x03" * 999, "noise.engine"),
    ],
)
def test_what_is_no_engine_is_said_in_one_sentence(
    name: str, content: bytes, says: str, tmp_path: Path, capsys
) -> None:
    (tmp_path / name).write_bytes(content)
    code, _, err = inspect(capsys, str(tmp_path / name), "--no-live")
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_a_truncated_plan_is_2_but_tells_what_it_can(plan: Path, tmp_path: Path, capsys) -> None:
    cut = tmp_path / "cut.engine"
    cut.write_bytes(plan.read_bytes()[:-100])
    code, out, err = inspect(capsys, str(cut), "--no-live")
    assert code == 2
    assert "cut.engine" in err
    assert "10.3" in out


def test_one_sound_engine_among_broken_ones_is_inspected(
    plan: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "empty.engine").write_bytes(b"")
    code, document = report(capsys, str(plan), str(tmp_path / "empty.engine"), "--no-live")
    assert code != 2
    assert len(document["engines"]) == 2


@pytest.mark.parametrize(
    ("layers", "expect", "code"),
    [
        ((HALF,), "fp16", 0),
        ((HALF,), "fp16:1", 0),
        ((HALF, FLOAT), "fp16", 0),
        ((HALF, FLOAT), "fp16:0.6", 1),
        ((FLOAT,), "fp16:0.01", 1),
    ],
)
def test_expect_is_a_gate_for_ci(layers, expect: str, code: int, tmp_path: Path, capsys) -> None:
    given = layers_file(tmp_path, *layers)
    got, out, _ = inspect(capsys, "--layers", given, "--expect", expect)
    assert got == code, out
    assert ("fp16-not-delivered" in out) == (code == 1)


def test_expect_that_cannot_be_told_is_inconclusive(plan: Path, tmp_path: Path, capsys) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"Layers": ["conv", "fc"], "Bindings": ["x"]}))
    code, _, _ = inspect(capsys, "--layers", str(names), "--expect", "fp16")
    assert code == 3


@pytest.mark.parametrize("command", ["inspect", "explain"])
@pytest.mark.parametrize("form", ["terminal", "markdown", "html", "json"])
def test_names_alone_tell_no_share(command: str, form: str, tmp_path: Path, capsys) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"Layers": ["conv", "fc"], "Bindings": ["x"]}))
    code = run([command, "--layers", str(names), "--no-live", "--format", form])
    out = capsys.readouterr().out
    assert code == 0
    assert "profilingVerbosity=detailed" in out
    assert "0.0%" not in out and "100.0%" not in out
    if form == "json":
        (engine,) = json.loads(out)["engines"]
        shares = engine["summary"]["fp16_share"]
        assert set(shares.values()) == {None}
        assert engine["summary"]["counted"]["layers"] == 2


def test_layers_of_several_profiles_are_counted_once(tmp_path: Path, capsys) -> None:
    again = {**FLOAT, "Name": f"{FLOAT['Name']} [profile 1]"}
    given = layers_file(tmp_path, HALF, FLOAT, again)
    for command, told in (("inspect", "FP16: 50.0% of compute"), ("explain", "1 of 2 compute")):
        run([command, "--layers", given, "--no-live"])
        assert told in capsys.readouterr().out


def test_tf32_is_not_told_as_fp32(tmp_path: Path, capsys) -> None:
    _, document = report(capsys, "--layers", layers_file(tmp_path, HALF, FLOAT))
    (engine,) = document["engines"]
    assert [layer["precision"] for layer in engine["layers"]] == ["FP16", "TF32"]
    assert engine["summary"]["fp16_share"]["layers"] == 0.5
    assert engine["layers_source"] == "layers-file"


def test_times_are_joined_by_name(tmp_path: Path, capsys) -> None:
    times = tmp_path / "profile.json"
    times.write_text(json.dumps({"conv": 0.25, "fc": 0.75}))
    given = layers_file(tmp_path, HALF, FLOAT)
    _, document = report(capsys, "--layers", given, "--profile", str(times))
    assert document["engines"][0]["summary"]["fp16_share"]["time"] == 0.25


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give an engine"),
        (["/nowhere.engine"], "/nowhere.engine"),
        (["--layers", "/nowhere.json"], "/nowhere.json"),
        (["{plan}", "{plan}", "--layers", "{plan}"], "one engine"),
        (["{plan}", "--layers", "{plan}"], "model.engine"),
        (["{plan}", "--expect", "fp8"], "fp16"),
        (["{plan}", "--expect", "fp16:2"], "fp16:2"),
        (["{plan}", "--expect", "fp16:x"], "fp16:x"),
    ],
)
def test_a_users_error_is_one_sentence(arguments, says: str, plan: Path, capsys) -> None:
    code, _, err = inspect(capsys, *(a.format(plan=plan) for a in arguments))
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_every_format_and_every_layer(plan: Path, tmp_path: Path, capsys) -> None:
    files = [f"{tmp_path}/r.{suffix}" for suffix in ("json", "md", "html", "txt")]
    outputs = [part for file in files for part in ("-o", file)]
    code, out, _ = inspect(capsys, str(plan), "--no-live", "--all", *outputs)
    assert code == 0
    for file in files:
        assert "10.3" in Path(file).read_text()
    assert "Layers" in out


CORPUS = (
    # engine, FP16 share of compute layers, conversions
    ("h100-trt86/simple.fp16", 0.0),
    ("h100-trt86/simple.fp16_io16", 1.0),
    ("h100-trt86/tiny.fp16", None),
    ("h100-trt86/casts.fp16", None),
    ("h100-trt85/cnn.io16", 1.0),
    ("h100-trt85/cnn.noflag", 0.0),
)


@pytest.mark.parametrize(("name", "share"), CORPUS)
def test_static_layers_agree_with_the_inspector(
    name: str, share: float | None, shared: Path, capsys
) -> None:
    folder = shared / "corpus" / name
    _, static = report(capsys, str(folder / "engine.plan"), "--no-live")
    _, told = report(capsys, "--layers", str(folder / "layers.json"))
    pairs = [
        {layer["name"]: layer["precision"] for layer in d["engines"][0]["layers"]}
        for d in (static, told)
    ]
    assert pairs[0] == pairs[1]
    assert static["engines"][0]["layers_source"] == "static"
    if share is not None:
        assert static["engines"][0]["summary"]["fp16_share"]["layers"] == share


def test_a_compressed_plan_is_looked_into(plan: Path, tmp_path: Path, capsys) -> None:
    packed = tmp_path / "model.engine.gz"
    packed.write_bytes(gzip.compress(plan.read_bytes()))
    _, document = report(capsys, str(packed), "--no-live")
    assert document["engines"][0]["identity"]["tensorrt_version"].startswith("10.3")


def test_a_saved_inspection_is_shown_and_judged_anew(tmp_path: Path, capsys) -> None:
    saved = tmp_path / "r.json"
    given = layers_file(tmp_path, HALF, FLOAT)
    code, first, _ = inspect(capsys, "--layers", given, "--expect", "fp16:0.9", "-o", str(saved))
    assert code == 1
    for words in (("report", "show"), ("report", "rejudge")):
        assert run([*words, str(saved)]) == 1
        assert capsys.readouterr().out == first
