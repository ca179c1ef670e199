"""Files that builds of TensorRT 8.6 left behind."""

from __future__ import annotations

import gzip
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


def log_of(name: str) -> Path:
    """The verbose log of one build of TensorRT 8.6."""
    return DATA / "buildlog" / f"trt86-{name}.log.gz"


def layers_of(name: str) -> Path:
    """What the inspector said of the engine of that build."""
    return DATA / "layers" / f"trt86.{name}.layers.json"


def text_of(name: str) -> str:
    """That log, unpacked."""
    return gzip.decompress(log_of(name).read_bytes()).decode()
