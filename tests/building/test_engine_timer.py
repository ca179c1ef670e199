"""Engines timed and run on this machine, as far as the imagined TensorRT lets them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from imaginedmachine import Imagined
from planwriter import plan

from trtdoctor.model.errors import InputError
from trtdoctor.reporting.look_session import Looking
from trtdoctor.run.running import engine_runner, engine_timer

LOOK = Looking(python=sys.executable)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / "m.engine"
    path.write_bytes(plan())
    return path


def test_without_a_gpu_nothing_is_timed(imagined: Imagined, engine: Path) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU")
    found = engine_timer(LOOK, "tensorrt", None)([engine, engine])
    assert isinstance(found, str) and "CUDA" in found


def test_why_an_engine_cannot_be_timed(imagined: Imagined, engine: Path, tmp_path: Path) -> None:
    imagined.script(gpu=True)
    time = engine_timer(LOOK, "tensorrt", None)
    assert isinstance(time([engine]), str)
    text = tmp_path / "notes.txt"
    text.write_text("no engine")
    found = time([text])
    assert isinstance(found, str) and "notes.txt" in found


def test_without_a_tensorrt_nothing_is_timed(imagined: Imagined, engine: Path) -> None:
    (imagined.folder / "tensorrt.py").write_text("raise ImportError('gone')")
    found = engine_timer(LOOK, "tensorrt", None)([engine])
    assert isinstance(found, str) and "has no TensorRT that can build" in found


def test_why_an_engine_cannot_be_run(imagined: Imagined, engine: Path) -> None:
    imagined.script(gpu=True)
    run = engine_runner(LOOK, "tensorrt", None)
    with pytest.raises(InputError, match="cannot be run here"):
        run(engine, [{"x": np.zeros((1, 8))}])
