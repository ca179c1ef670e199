"""The page on hazards has a section for each kind, and no other."""

from __future__ import annotations

from pathlib import Path

from trtdoctor.model.hazard import HazardKind


def test_each_kind_has_a_section() -> None:
    page = Path(__file__).parents[3] / "docs" / "hazards.md"
    sections = {line[3:] for line in page.read_text().splitlines() if line.startswith("## ")}
    assert sections == {kind.value for kind in HazardKind}
