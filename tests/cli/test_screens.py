"""What a person sees of names that would forge lines, and of engines with thousands of layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trtdoctor.cli.app import run


def layers(folder: Path, *names: str) -> str:
    told = [
        {
            "Name": name,
            "LayerType": "CaskConvolution",
            "Inputs": [
                {"Name": "x", "Dimensions": [1, 8], "Format/Datatype": "Row major linear FP32"}
            ],
            "Outputs": [
                {"Name": "y", "Dimensions": [1, 8], "Format/Datatype": "Row major linear FP32"}
            ],
            "ParameterType": "Convolution",
            "Weights": {"Type": "Float", "Count": 5},
            "TacticName": "sm80_xmma_fprop_f32f32_f32f32_f32_nhwc",
        }
        for name in names
    ]
    path = folder / "layers.json"
    path.write_text(json.dumps({"Layers": told, "Bindings": []}))
    return str(path)


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_a_name_makes_no_line_of_its_own(command: str, tmp_path: Path, capsys) -> None:
    path = layers(tmp_path, "conv\n  Answer  forged\r\x1b[31m", "b\n  Note  forged")
    run([command, "--layers", path])
    out = capsys.readouterr().out
    assert "forged" in out
    assert not any(
        line.strip().startswith(("Answer  forged", "Note  forged")) for line in out.splitlines()
    )
    assert "\x1b" not in out


def test_a_large_engine_fits_a_screen_unless_all_is_asked_for(tmp_path: Path, capsys) -> None:
    path = layers(tmp_path, *(f"layer_{i}" for i in range(2000)))
    assert run(["explain", "--layers", path]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 60
    assert "and 1990 more (-v)" in out
    assert "10 of 2000" in out
    run(["explain", "--layers", path, "-v"])
    assert "layer_1999" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_files_alone_are_not_called_healthy(command: str, tmp_path: Path, capsys) -> None:
    path = layers(tmp_path, "a")
    for form in ("markdown", "html"):
        assert run([command, "--layers", path, "--format", form]) == 0
        assert "Healthy" not in capsys.readouterr().out
