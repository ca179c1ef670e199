"""What ``trtdoctor compare`` refuses, in one sentence each, and that it ends in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conversionmodels
import msgspec
import numpy as np
import onnx
import planwriter
from onnx import TensorProto as T
from savedengines import DATA, VALUES, outputs, softmax_model, told

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.model.codec import encode, read_report


def refused(arguments: list[str], capsys: Any) -> str:
    assert run(["compare", *arguments]) == 2
    caught = capsys.readouterr()
    assert not caught.out and "Traceback" not in caught.err
    lines = [line for line in caught.err.splitlines() if line.strip()]
    assert len(lines) == 1
    return lines[0]


def test_wrong_files_are_one_sentence_each(two: Any, tmp_path: Path, capsys: Any) -> None:
    a = str(two[0])
    model = softmax_model(tmp_path / "m.onnx")
    assert f"trtdoctor build {model}" in refused([a, str(model)], capsys)
    (tmp_path / "empty.engine").write_bytes(b"")
    assert "The file is empty" in refused([a, str(tmp_path / "empty.engine")], capsys)
    assert "cannot read" in refused([a, str(tmp_path / "none.engine")], capsys)
    assert "cannot read" in refused([a, str(tmp_path)], capsys)
    profile = DATA / "layers" / "trt86.cnn.io16.profile.json"
    assert "--profile" in refused([a, str(profile)], capsys)
    (tmp_path / "cut.json").write_bytes(Path(a).read_bytes()[:500])
    assert "is not JSON" in refused([a, str(tmp_path / "cut.json")], capsys)
    none = msgspec.structs.replace(read_report(Path(a).read_bytes()), engines=())
    (tmp_path / "none.json").write_bytes(encode(none))
    assert "a report of no engine" in refused([a, str(tmp_path / "none.json")], capsys)
    whole = planwriter.plan(planwriter.releases()["8.6"])
    (tmp_path / "cut.engine").write_bytes(whole[: len(whole) // 2])
    assert "cut.engine" in refused([a, str(tmp_path / "cut.engine")], capsys)


def test_wrong_usage_is_one_sentence_each(two: Any, tmp_path: Path, capsys: Any) -> None:
    a, b = map(str, two)
    y = str(outputs(tmp_path, y_a=VALUES))
    model = str(softmax_model(tmp_path / "m.onnx"))
    both = [a, b, "--outputs-a", y, "--outputs-b", y]
    assert "give two engines" in refused([], capsys)
    assert "give two engines" in refused([a], capsys)
    assert "--outputs-b" in refused([a, b, "--outputs-a", y], capsys)
    assert "no array 'x'" in refused([a, b, "--inputs", y], capsys)
    assert "--inputs" in refused([*both, "--onnx", model], capsys)
    assert "not random" in refused([*both, "--onnx", model, "--inputs", "random:2"], capsys)
    assert "above 0 dB" in refused([*both, "--budget", "-3"], capsys)
    layers = str(DATA / "layers" / "trt86.cnn.io16.layers.json")
    assert "leave out --layers-a" in refused([a, b, "--layers-a", layers], capsys)
    assert "would be lost" in refused([*both, "-o", a], capsys)


def test_a_model_of_other_engines_is_refused(two: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "other.onnx"
    proto = conversionmodels.model(
        [onnx.helper.make_node("Relu", ["image"], ["out"], name="relu")],
        [("image", T.FLOAT, [1, 8])],
        [("out", T.FLOAT, [1, 8])],
    )
    onnx.save(proto, path)
    y = str(outputs(tmp_path, y_a=VALUES))
    x = tmp_path / "x.npz"
    np.savez(x, x=VALUES)
    sentence = refused(
        [
            *map(str, two),
            "--outputs-a",
            y,
            "--outputs-b",
            y,
            "--onnx",
            str(path),
            "--inputs",
            str(x),
        ],
        capsys,
    )
    assert "is not the model that A was built from" in sentence


def test_a_comparison_ends_in_time(two: Any, tmp_path: Path) -> None:
    model = softmax_model(tmp_path / "m.onnx")
    np.savez(tmp_path / "x.npz", x=np.zeros((4000, 8), np.float32))
    y = outputs(tmp_path, y_a=np.zeros((4000, 8), np.float32))
    found = told(
        trtdoctor.compare(
            *two,
            outputs=(y, y),
            onnx=model,
            inputs=str(tmp_path / "x.npz"),
            look=trtdoctor.Looking(deadline=0.01),
            live=False,
        )
    )
    assert found.worth is None
    assert any("give it more with --deadline" in note for note in found.notes)
