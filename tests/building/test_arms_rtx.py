"""One model built in three arms by ``compare --onnx``, with TensorRT-RTX on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import graphmodels
import pytest
from rtxbuilds import ADA, HERE, names, write

from trtdoctor.cli.app import run

pytest.importorskip("tensorrt_rtx")


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code = run(["compare", *words, *HERE, *ADA, "--format", "json"])
    told = capsys.readouterr()
    assert code in (0, 1), told.err
    return json.loads(told.out)


def test_three_arms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp32"]())
    keep = tmp_path / "kept" / "here"
    told = compared(capsys, "--onnx", str(model), "--keep", str(keep))
    engines = [f"m.{arm}.engine" for arm in ("fp32-no-tf32", "fp32", "fp16")]
    assert [Path(engine["path"]).name for engine in told["engines"]] == engines
    assert set(engines) <= set(names(keep))
    assert [each["build"]["settings"].get("tf32") for each in told["engines"]] == [
        False,
        None,
        None,
    ]
    assert [engine["build"]["converted_by"] for engine in told["engines"]] == [None, None, "plan"]
    assert len(told["comparisons"]) == 3
    first = told["comparisons"][0]
    assert first["worth"] is None and first["verdict"].startswith("Cannot be told")
    assert any("nothing is timed and no outputs are compared" in n for n in first["notes"])
    assert names(tmp_path) == ["kept", "m.onnx"]


def test_nothing_is_kept_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp16"]())
    told = compared(capsys, "--onnx", str(model))
    assert len(told["engines"]) == 3 and names(tmp_path) == ["m.onnx"]
    assert not any(Path(engine["path"]).exists() for engine in told["engines"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shapes", "q=1x2"], "of the three engines fp16 cannot be built"),
        (["--keep", "{model}/x"], "cannot make"),
    ],
)
def test_arms_that_cannot_be_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    model = write(tmp_path, graphmodels.MODELS["mlp_fp16"]())
    words = [word.format(model=model) for word in words]
    assert run(["compare", "--onnx", str(model), *HERE, *ADA, *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_nothing_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare"]) == 2
    assert "give two engines: trtdoctor compare A B" in capsys.readouterr().err
