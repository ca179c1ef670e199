"""The page on hazards has a row for each kind that is told."""

from __future__ import annotations

import re
from pathlib import Path

from trtdoctor.model.hazard import HazardKind


def test_each_kind_has_a_row() -> None:
    page = (Path(__file__).parents[3] / "docs" / "hazards.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    # GELU and sigmoid that are written out are recognised so that they are not told.
    assert rows == {kind.value for kind in HazardKind}
