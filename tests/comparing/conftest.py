from __future__ import annotations

from pathlib import Path

import pytest
from engines import engine, measured
from savedengines import chain, saved

from trtdoctor.model.engine import Precision


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Saved reports of two measured engines: the second is twice as fast and in FP16."""
    a = engine("a.engine", *chain(), measured=measured(1.0))
    b = engine("b.engine", *chain(precision=Precision.FP16), measured=measured(0.5))
    return saved(tmp_path / "a.json", a), saved(tmp_path / "b.json", b)
