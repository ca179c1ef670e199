"""A file that cannot be written costs neither the report on stdout nor the other files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.cli.app import run
from trtdoctor.model.report import Report
from trtdoctor.run import examinations

HOST = str(Path(__file__).parents[1] / "hosts" / "container-without-gpu")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(tmp_path: Path, capsys: Any) -> None:
    full, kept = tmp_path / "full.json", tmp_path / "kept.json"
    full.symlink_to("/dev/full")
    assert run(["check", "--host", HOST, "-o", str(full), "-o", str(kept)]) == 2
    said = capsys.readouterr()
    assert "CTR001 container-without-gpu" in said.out
    assert said.err.splitlines()[-1] == (
        f"trtdoctor: cannot write {full}: No space left on device; make room or choose another place"
    )
    assert kept.is_file()
    # What was not written holds nothing private.
    assert str(full) not in said.err.splitlines()[0]


def test_a_folder_that_went_away_while_it_looked(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    report = examinations.Examination.report

    def late(self: Any, *, share: bool = False) -> Report:
        shutil.rmtree(gone, ignore_errors=True)
        return report(self, share=share)

    monkeypatch.setattr(examinations.Examination, "report", late)
    files = [gone / "a.json", gone / "b.md", tmp_path / "kept.md"]
    outputs = [word for file in files for word in ("-o", str(file))]
    assert run(["check", "--host", HOST, "-q", *outputs]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("trtdoctor: problems: ")
    told = [line for line in said.err.splitlines() if "cannot write" in line]
    assert [str(file) in line for file, line in zip(files[:2], told, strict=True)] == [True, True]
    assert files[2].is_file()
