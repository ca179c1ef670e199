from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from imaginedmachine import Imagined

from trtdoctor.host import Host
from trtdoctor.host.live import LiveBackend


@pytest.fixture
def imagined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Imagined]:
    folder = tmp_path / "site"
    folder.mkdir()
    source = Path(__file__).with_name("imagined_tensorrt.py")
    shutil.copy(source, folder / "tensorrt.py")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    live = LiveBackend(budget=300.0)
    made = Imagined(folder, Host(live))
    made.script()
    yield made
    live.close()
