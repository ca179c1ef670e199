"""The folder beside an engine in which it is built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trtdoctor.builder.workshop import Workshop
from trtdoctor.model.errors import InputError, UsageError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_finished_is_delivered_and_the_rest_is_gone(tmp_path: Path) -> None:
    engine = tmp_path / "m.engine"
    engine.write_bytes(b"old")
    with Workshop(engine) as shop:
        assert names(tmp_path) == [".m.engine.trtdoctor-build", "m.engine"]
        shop.path("engine").write_bytes(b"new")
        shop.path("left").mkdir()
        assert engine.read_bytes() == b"old"
        shop.deliver("engine", engine)
    assert names(tmp_path) == ["m.engine"] and engine.read_bytes() == b"new"


@pytest.mark.parametrize("end", [KeyboardInterrupt, InputError, MemoryError, SystemExit])
def test_whatever_ends_it_leaves_nothing(tmp_path: Path, end: type[BaseException]) -> None:
    with pytest.raises(end), Workshop(tmp_path / "m.engine") as shop:
        shop.path("engine").write_bytes(b"half")
        raise end("stopped")
    assert names(tmp_path) == []


def test_another_build_of_the_same_engine_is_refused(tmp_path: Path) -> None:
    engine = tmp_path / "m.engine"
    with Workshop(engine) as first:
        first.path("engine").write_bytes(b"first")
        with pytest.raises(InputError, match="another trtdoctor is building"), Workshop(engine):
            pass
        assert first.path("engine").read_bytes() == b"first"
        with Workshop(tmp_path / "other.engine"):
            pass
    with Workshop(engine):
        pass


def test_another_process_is_refused_too(tmp_path: Path) -> None:
    engine = tmp_path / "m.engine"
    script = (
        "import sys; from pathlib import Path; from trtdoctor.builder.workshop import Workshop\n"
        "with Workshop(Path(sys.argv[1])): pass"
    )
    with Workshop(engine):
        ended = subprocess.run(
            [sys.executable, "-c", script, str(engine)], capture_output=True, text=True
        )
    assert ended.returncode and "another trtdoctor is building" in ended.stderr


def test_a_killed_build_is_swept_up_by_the_next(tmp_path: Path) -> None:
    stale = tmp_path / ".m.engine.trtdoctor-build"
    (stale / "run").mkdir(parents=True)
    (stale / "run" / "layers-0.json").write_text("{}")
    (stale / "engine").write_bytes(b"half")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").write_text("mine")
    (stale / "link").symlink_to(kept)
    with Workshop(tmp_path / "m.engine") as shop:
        assert names(shop.folder) == ["lock"]
    assert names(tmp_path) == ["kept"] and (kept / "mine").exists()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "home"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years")
    (tmp_path / ".m.engine.trtdoctor-build").symlink_to(mine)
    with pytest.raises(InputError, match="is a link; remove it"), Workshop(tmp_path / "m.engine"):
        pass
    assert names(mine) == ["thesis.tex"]


def test_places_that_no_engine_can_have(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a folder; name a file in it"):
        Workshop(tmp_path)
    with pytest.raises(UsageError, match=r"there is no folder .*absent"):
        Workshop(tmp_path / "absent" / "m.engine")
    with pytest.raises(UsageError, match="it is not a regular file"):
        Workshop(Path("/dev/null"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="it is not a regular file"):
        Workshop(tmp_path / "pipe")
    (tmp_path / ".m.engine.trtdoctor-build").write_text("a file of the user's")
    with (
        pytest.raises(InputError, match=r"cannot write beside .*File exists"),
        Workshop(tmp_path / "m.engine"),
    ):
        pass
    with pytest.raises(InputError, match="cannot write"), Workshop(tmp_path / "n.engine") as shop:
        shop.deliver("nothing", tmp_path / "n.engine")


def test_an_engine_that_is_a_link_is_built_where_it_points(tmp_path: Path) -> None:
    there = tmp_path / "disk"
    there.mkdir()
    link = tmp_path / "m.engine"
    link.symlink_to(there / "real.engine")
    with Workshop(link) as shop:
        assert shop.folder.parent == there
        shop.path("engine").write_bytes(b"new")
        shop.deliver("engine", shop.engine)
    assert link.read_bytes() == b"new" and link.is_symlink()
