"""Files that are something else than the option is for, as a person gives them by mistake."""

from __future__ import annotations

import os
from pathlib import Path

import planwriter
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


def test_extract_writes_to_a_device_and_never_replaces_it(tmp_path: Path, capsys) -> None:
    plan = tmp_path / "model.engine"
    plan.write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    device = tmp_path / "device"
    device.symlink_to("/dev/null")
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "bare.plan")
    assert run(["inspect", str(plan), "--no-live", "--extract", str(device)]) == 0
    assert device.is_char_device()
    assert run(["inspect", str(plan), "--no-live", "--extract", str(linked)]) == 0
    assert linked.is_symlink()
    assert (tmp_path / "bare.plan").read_bytes() == plan.read_bytes()
    pipe = tmp_path / "long" / ("x" * 300)
    assert run(["inspect", str(plan), "--no-live", "--extract", str(pipe)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("trtdoctor: cannot extract")
    assert not list(tmp_path.glob(".trtdoctor-*"))


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_what_is_no_plan_is_unreadable_input(command: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "model.engine"
    path.write_text('{"hello": 1}')
    assert run([command, str(path), "--no-live"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(path) in err
