"""Builds of many kinds of networks: their plans are reproduced, and stay so."""

from __future__ import annotations

from pathlib import Path

import pytest

import trtdoctor

pytest.importorskip("numpy")
DATA = Path(__file__).parents[1] / "data"
LOGS = {
    path.name.removesuffix(".log.gz"): path
    for folder in ("fresh", "fresh2")
    for path in sorted((DATA / folder).glob("*.log.gz"))
}


def test_all_are_here() -> None:
    assert len(LOGS) == 29 + 47


@pytest.mark.parametrize("name", LOGS)
def test_what_is_reproduced_stays_so(name: str) -> None:
    layers = LOGS[name].with_name(f"{name}.layers.json")
    (engine,) = trtdoctor.explain(log=LOGS[name], layers=layers, live=False).engines
    assert not [note for note in engine.notes if "another build" in note]
    assert engine.choice is not None and engine.choice.reproduced
