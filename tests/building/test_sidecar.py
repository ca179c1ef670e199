"""What lies beside an engine, whether it still is that engine's, and what is said where it is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphmodels
import pytest
from rtxbuilds import ADA, build, write

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.engines.sidecar import find_side_car, log_path, side_car_path

pytest.importorskip("tensorrt_rtx")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    model = write(folder, graphmodels.MODELS["mlp_fp32"]())
    assert build(model, *ADA, "--precision", "fp32") == 0
    return folder


@pytest.fixture
def engine(made: Path, tmp_path: Path) -> Path:
    """The engine, moved with all that lies beside it; the model of its record is still there, too."""
    folder = tmp_path / "moved"
    shutil.copytree(made, folder)
    path = side_car_path(folder / "m.engine")
    told = path.read_text().replace(f"{made}/", f"{folder}/")
    path.write_text(told)
    return folder / "m.engine"


def stale(engine: Path) -> Any:
    """How the check of what was recorded came out."""
    report = trtdoctor.check(engine, live=False)
    return next(each for each in report.outcomes if each.check.id == "ENG014")


def rewritten(engine: Path, change: Callable[[Any], None]) -> None:
    path = side_car_path(engine)
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_none(engine: Path) -> None:
    side_car_path(engine).unlink()
    assert find_side_car(engine) is None
    assert stale(engine).status.value == "not_applicable"
    assert trtdoctor.explain(engine, live=False).engines[0].build is None


def test_fresh(engine: Path) -> None:
    found = find_side_car(engine)
    assert found is not None and found.engine is not None
    assert found.log == log_path(engine) and found.model == engine.with_name("m.onnx")
    assert found.compared == ("the engine", "the log of its build", "its model")
    assert not found.disagrees and len(found.notes) == 1
    # Nobody asked the inspector: there was no GPU.
    assert found.layers is None and found.profile is None
    assert stale(engine).status.value == "passed"


def test_layers_of_the_inspector_are_used(engine: Path) -> None:
    rewritten(engine, lambda told: told["engines"][0].update(layers_source="live"))
    found = find_side_car(engine)
    assert found is not None and found.engine is not None and found.layers is not None
    names = [layer.name for layer in found.layers.layers]
    assert names == [layer.name for layer in found.engine.layers]
    # They are judged anew, by whoever reads them.
    assert {layer.precision.value for layer in found.layers.layers} == {"unknown"}


def test_times_of_layers_are_a_profile(engine: Path) -> None:
    def timed(told: Any) -> None:
        told["engines"][0]["layers"][0]["time_ms"] = 0.25

    rewritten(engine, timed)
    found = find_side_car(engine)
    assert found is not None and found.profile is not None
    assert [time.ms for time in found.profile.times] == [0.25]
    (told,) = trtdoctor.inspect(engine, live=False).engines
    assert 0.25 in [layer.time_ms for layer in told.layers]


def test_another_engine_in_its_place(engine: Path) -> None:
    data = bytearray(engine.read_bytes())
    data[-1] ^= 1
    engine.write_bytes(data)
    found = find_side_car(engine)
    assert found is not None and found.engine is None and found.layers is None
    assert found.profile is None and found.log is None and found.model is None
    assert "m.engine.trtdoctor.json is stale" in found.notes[0]
    assert "nothing of it is used" in found.notes[0]
    assert [each.what for each in found.disagrees] == ["the engine"]
    assert stale(engine).status.value == "failed" and stale(engine).findings


def test_an_engine_of_another_size(engine: Path) -> None:
    engine.write_bytes(engine.read_bytes() + b"\0")
    found = find_side_car(engine)
    assert found is not None and found.engine is None and found.disagrees


def test_a_changed_model(engine: Path) -> None:
    write(engine.parent, graphmodels.MODELS["attention_fp32"]())
    found = find_side_car(engine)
    assert found is not None and found.engine is not None and found.model is None
    assert [each.what for each in found.disagrees] == ["its model"]
    assert "its model, m.onnx, has changed since, so it is not used" in found.notes
    assert stale(engine).status.value == "failed"
    (told,) = trtdoctor.explain(engine, live=False).engines
    assert told.layers
    assert any("has changed since" in note for note in told.notes)


def test_a_log_that_is_gone(engine: Path) -> None:
    log_path(engine).unlink()
    found = find_side_car(engine)
    assert found is not None and found.log is None and found.model is not None
    assert "the log of its build, m.engine.build.log.gz, is not there any more" in found.notes
    assert not found.disagrees and stale(engine).status.value == "passed"
    assert trtdoctor.explain(engine, live=False).engines[0].explanations


def test_a_log_that_is_another(engine: Path) -> None:
    log_path(engine).write_bytes(b"not it")
    found = find_side_car(engine)
    assert found is not None and found.log is None
    assert [each.what for each in found.disagrees] == ["the log of its build"]


def test_a_model_that_went_along(engine: Path) -> None:
    """The record has the path where it was built; the model lies beside the engine now."""
    rewritten(
        engine,
        lambda told: told["engines"][0]["build"]["model"].update(path="/nowhere/models/m.onnx"),
    )
    found = find_side_car(engine)
    assert found is not None and found.model == engine.with_name("m.onnx")
    engine.with_name("m.onnx").unlink()
    found = find_side_car(engine)
    assert found is not None and found.model is None
    assert "its model, m.onnx, is not there any more" in found.notes


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"schema": "other"}', b"null", b"[" * 100_000]
)
def test_a_damaged_record(engine: Path, content: bytes) -> None:
    side_car_path(engine).write_bytes(content)
    found = find_side_car(engine)
    assert found is not None and found.engine is None and not found.disagrees
    assert "the record of its build is not used" in found.notes[0]
    assert stale(engine).status.value == "unknown"
    assert run(["explain", str(engine)]) in (0, 1)


def test_a_report_that_is_no_record(engine: Path) -> None:
    side_car_path(engine).unlink()
    assert run(["inspect", str(engine), "-o", str(engine.with_name("r.json"))]) in (0, 1)
    engine.with_name("r.json").rename(side_car_path(engine))
    found = find_side_car(engine)
    assert found is not None and found.engine is None
    assert found.notes == ("m.engine.trtdoctor.json is not a record of a build, so it is not used",)
    assert stale(engine).status.value == "unknown"


def test_a_record_of_a_newer_trtdoctor(engine: Path) -> None:
    rewritten(engine, lambda told: told.update(schema="trtdoctor.report/99"))
    found = find_side_car(engine)
    assert found is not None and found.engine is None
    assert "the record of its build is not used" in found.notes[0]


def test_a_folder_in_its_place(engine: Path) -> None:
    side_car_path(engine).unlink()
    side_car_path(engine).mkdir()
    assert find_side_car(engine) is None


def test_paths_that_a_record_has_no_business_with(engine: Path) -> None:
    """A side-car comes with an engine from anywhere, and names files."""

    def far(told: Any) -> None:
        told["engines"][0]["build"]["log"]["path"] = "/dev/zero"
        told["engines"][0]["build"]["model"]["path"] = "x" * 5000

    rewritten(engine, far)
    found = find_side_car(engine)
    assert found is not None and found.log is None and found.model is None
