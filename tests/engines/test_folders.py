"""Folders in the place of engines: how deep, in which order, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planwriter
import pytest

from trtdoctor.cli.app import run
from trtdoctor.engines import folders
from trtdoctor.engines.folders import DEEPEST, unfold
from trtdoctor.model.errors import InputError

PLAN = planwriter.plan(planwriter.releases()["10.3"])


def engine(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PLAN)
    return path


def test_engines_are_found_by_name_and_by_content_sorted(tmp_path: Path) -> None:
    found = [engine(tmp_path / name) for name in ("a/m.plan", "a/x.bin", "b.trt", "z/y/n.engine")]
    unfolded = unfold([tmp_path])
    assert list(unfolded.paths) == found and unfolded.notes == ()
    single = engine(tmp_path / "other" / "s.engine")
    assert unfold([single, tmp_path / "z"]).paths == (single, found[3])


def test_what_is_passed_over_is_counted_by_why(tmp_path: Path) -> None:
    engine(tmp_path / "m.engine")
    for name in ("readme.txt", "notes.md", "model.onnx", "m.engine.build.log.gz"):
        (tmp_path / name).write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path)
    engine(tmp_path / "/".join("d" * (DEEPEST + 1)) / "deep.engine")
    (note,) = unfold([tmp_path]).notes
    assert note == (
        f"{tmp_path}: 1 engine; passed over 1 ONNX model, 2 files without an engine in it, "
        f"1 folder deeper than {DEEPEST} levels and 1 link to a folder"
    )


def test_a_damaged_engine_is_no_reason_to_pass_it_over(tmp_path: Path, capsys: Any) -> None:
    engine(tmp_path / "good.engine")
    (tmp_path / "bad.engine").write_text("nothing")
    assert run(["inspect", str(tmp_path), "--no-live"]) == 1
    assert "bad.engine" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_the_commands_say_what_was_passed_over(command: str, tmp_path: Path, capsys: Any) -> None:
    engine(tmp_path / "sub" / "m.engine")
    (tmp_path / "readme.txt").write_text("text")
    run([command, str(tmp_path), "--no-live"])
    said = capsys.readouterr()
    assert "m.engine" in said.out
    assert said.err == (
        f"trtdoctor: {tmp_path}: 1 engine; passed over 1 file without an engine in it\n"
    )


def test_a_folder_with_too_much_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_FILES", 5)
    for number in range(6):
        engine(tmp_path / str(number % 2) / f"{number}.engine")
    with pytest.raises(InputError, match="more files than are read at once"):
        unfold([tmp_path])
