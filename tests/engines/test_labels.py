"""Every labelled engine at hand: no wrong cause, and the builder's plans reproduced."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("numpy")
ROOT = Path(__file__).parents[2]


def _scorecard() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scorecard", ROOT / "benchmarks/scorecard.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scorecard = _scorecard()
LABELS = scorecard.labels()


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Explains an engine of the table once, or skips where it is not at hand."""
    folder = tmp_path_factory.mktemp("engines")
    known: dict[str, dict] = {}

    def explained(name: str) -> dict:
        if name not in known:
            arguments = scorecard.files_of(name, folder)
            if arguments is None:
                pytest.skip(f"{name} is not at hand")
            known[name] = scorecard.explained(arguments)
        return known[name]

    return explained


@pytest.mark.parametrize("engine", LABELS)
def test_no_cause_is_wrong(engine, engines):
    result = scorecard.score(engine, LABELS[engine], engines(engine))
    assert result.wrong == 0, result.told
    assert result.right > 0


def test_the_given_logs_are_reproduced_by_type(engines):
    if not scorecard.CORPUS.is_dir():
        pytest.skip("no corpus beside this checkout")
    choices = [
        engines(name)["choice"] for name in LABELS if name.startswith(("h100-trt8", "public/"))
    ]
    right = sum(choice["layers"][0] for choice in choices)
    total = sum(choice["layers"][1] for choice in choices)
    assert total > 100
    assert right >= 0.95 * total


@pytest.mark.parametrize("engine", LABELS)
def test_where_the_plan_is_not_reproduced_nothing_weighed_is_certain(engine, engines):
    document = engines(engine)
    if document["choice"] is None or document["choice"]["reproduced"]:
        return
    weighed = {"faster-in-fp32", "conversion-costs-more", "network-io"}
    for told in document["explanations"]:
        for reason in (told, *told["other_causes"]):
            assert reason["cause"] not in weighed or reason["confidence"] != "certain"


@pytest.mark.parametrize("engine", LABELS)
def test_every_cause_has_evidence_and_data_movement_has_none(engine, engines):
    document = engines(engine)
    roles = {layer["name"]: layer["role"] for layer in document["layers"]}
    for told in document["explanations"]:
        assert roles[told["layer"]] == "compute"
        assert told["precision"] not in ("FP16", "INT8", "FP8", "FP4")
        for reason in (told, *told["other_causes"]):
            assert reason["cause"] == "unknown" or reason["evidence"]
            for item in reason["evidence"]:
                assert "subnormal" not in item["value"]
                assert "weights are affected" not in item["value"]


def test_the_table_is_well_formed():
    for engine, labels in LABELS.items():
        assert len({label.layer for label in labels}) == len(labels), engine
        for label in labels:
            assert all(label.causes)
            assert (label.layer == "-") <= (label.causes == ("-",))


def test_a_wrong_label_is_counted_as_wrong(engines):
    name = "h100-trt86/cnn.noflag"
    expected = [
        scorecard.Label(label.layer, ("pinned",), ()) if label.layer == "head" else label
        for label in LABELS[name]
    ]
    result = scorecard.score(name, expected[1:], engines(name))
    assert result.wrong == 2  # one mislabelled, one not labelled
    assert result.right == len(expected) - 2


def test_the_command_prints_the_score_and_fails_where_something_is_wrong(tmp_path, capsys):
    engine = "h100-trt86/cnn.noflag"
    assert scorecard.main([engine]) == 0
    out = capsys.readouterr().out
    assert "1 engine, 6 right, 0 wrong, 0 unknown" in out
    assert "7 of 7 layers, 2 of 2 conversions, reproduced" in out
    table = tmp_path / "labels.tsv"
    table.write_text(scorecard.TABLE.read_text("utf-8").replace("not-enabled", "pinned"))
    assert scorecard.main(["--table", str(table), engine]) == 1
    assert "head: not-enabled, is pinned" in capsys.readouterr().out
