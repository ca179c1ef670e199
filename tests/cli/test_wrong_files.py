"""Files that are something else than the option is for, as a person gives them by mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trtdoctor.cli.app import run


@pytest.mark.parametrize("option", ["--layers", "--profile"])
def test_a_pipe_or_device_is_refused_instead_of_read_without_end(
    option: str, tmp_path: Path, capsys
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    layers = tmp_path / "layers.json"
    layers.write_text('{"Layers": [], "Bindings": []}')
    for never in (str(pipe), "/dev/zero"):
        more = [] if option == "--layers" else ["--layers", str(layers)]
        assert run(["inspect", *more, option, never]) == 2
        assert "not a regular file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_what_is_no_plan_is_unreadable_input(command: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "model.engine"
    path.write_text('{"hello": 1}')
    assert run([command, str(path), "--no-live"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(path) in err
