"""``trtdoctor build`` with TensorRT-RTX on the CPU, and what it leaves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from trtdoctor.cli.app import run
from trtdoctor.model.codec import read_report
from trtdoctor.model.engine import EngineReport

HERE = ("--python", sys.executable, "--runtime", "rtx")
ADA = ("--target-cc", "8.9")


def write(folder: Path, proto: Any, name: str = "m.onnx") -> Path:
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def build(model: Path, *words: str, engine: str = "m.engine") -> int:
    return run(["build", str(model), str(model.with_name(engine)), *HERE, *words])


def side_car(engine: Path) -> EngineReport:
    path = engine.with_name(f"{engine.name}.trtdoctor.json")
    (found,) = read_report(path.read_bytes(), name=str(path)).engines
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
