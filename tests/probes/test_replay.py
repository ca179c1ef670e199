"""A recording gives the same facts anywhere, and never an absence that nobody saw."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from trtdoctor.host import Host, Target
from trtdoctor.host.live import LiveBackend
from trtdoctor.host.recorded import Recorder, RecordingHeader, load_recording
from trtdoctor.model.report import FactRecord, FactStatus
from trtdoctor.probes import PROBES
from trtdoctor.reporting.collect import Collection

TARGET = Target(path=sys.executable, chosen_by="--python")


def facts(host: Host) -> dict[str, FactRecord]:
    snapshot = Collection(host, PROBES, active=False).finish(budget=40)
    return {
        name: msgspec.structs.replace(record, took_ms=0) for name, record in snapshot.facts.items()
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, FactRecord]]:
    folder = tmp_path_factory.mktemp("recording") / "here"
    recorder = Recorder(LiveBackend())
    seen = facts(Host(recorder, target=TARGET))
    recorder.save(folder, RecordingHeader(target=TARGET))
    return folder, seen


def test_replay_gives_the_same_facts(recorded: tuple[Path, dict[str, FactRecord]]) -> None:
    folder, seen = recorded
    backend, header = load_recording(folder)
    assert facts(Host(backend, target=header.target)) == seen


def test_a_deleted_answer_never_becomes_another_value(
    recorded: tuple[Path, dict[str, FactRecord]], tmp_path: Path
) -> None:
    folder, seen = recorded
    lines = (folder / "answers.jsonl").read_bytes().splitlines(keepends=True)
    shutil.copytree(folder, less := tmp_path / "less")
    for number, line in enumerate(lines):
        (less / "answers.jsonl").write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
        again = facts(Host(load_recording(less)[0], target=TARGET))
        changed = {name for name in seen if again[name] != seen[name]}
        assert changed, f"no fact misses {line[:200]!r}"
        for name in changed:
            # What a fact still tells without it, it tells with a field that says what is missing.
            told = again[name].reason or str(again[name].value)
            assert "the recording says nothing of" in told, (line[:200], name, again[name])
            partly = name in ("framework.onnxruntime",) and again[name].status is FactStatus.OK
            assert partly or again[name].status is FactStatus.FAILED, (line[:200], name)
