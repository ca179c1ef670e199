"""An engine's layers come from the best source that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trtdoctor.engines.evidence import EngineSources, engine_report
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.facts.engines import EngineLoad

CONV = {"Name": "conv", "LayerType": "CaskConvolution", "Inputs": [], "Outputs": []}
TOLD = json.dumps({"Layers": [CONV], "Bindings": []})


@pytest.mark.parametrize("texts", [(TOLD[:-9],), ("{}",), (TOLD, "[1]")])
def test_an_inspector_answer_that_cannot_be_read_is_a_note(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    load = EngineLoad(path="made.engine", loaded=True, layers=texts)
    report = engine_report(EngineSources(path=tmp_path / "made.engine"), load, Knowledge.load())
    assert report.layers_source is None
    assert report.layers == ()
    assert any("inspector's answer could not be read" in note for note in report.notes)


def test_an_inspector_answer_is_the_live_source(tmp_path: Path) -> None:
    load = EngineLoad(path="made.engine", loaded=True, with_context=True, layers=(TOLD,))
    report = engine_report(EngineSources(path=tmp_path / "made.engine"), load, Knowledge.load())
    assert report.layers_source == "live"
    assert [layer.name for layer in report.layers] == ["conv"]
    assert not any("could not be read" in note for note in report.notes)
