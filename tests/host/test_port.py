"""What a machine says reaches the facts in a bounded form, live and recorded alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host, Unusable
from trtdoctor.host.live import LiveBackend
from trtdoctor.host.port import LONGEST_SAID, Answer, Question
from trtdoctor.host.recorded import Recorder, RecordingHeader, ReplayBackend, load_recording

LONG = "x" * 5_000_000


class Always:
    """A backend that gives one answer to every question."""

    def __init__(self, given: Answer) -> None:
        self._given = given

    def answer(self, question: Question) -> Answer:
        return self._given


def told(value: Any) -> Any:
    return Host(Always({"ending": "returned", "value": value})).child("any").value


def test_a_child_s_long_texts_are_cut_visibly() -> None:
    answer: Answer = {"ending": "raised", "detail": LONG, "output": LONG}
    said = Host(Always(answer)).child("any")
    for text in (said.detail or "", said.output):
        assert text.startswith("x" * LONGEST_SAID + "... ")
        assert text.endswith(f"{len(LONG) - LONGEST_SAID:,} more characters")
    assert len(told({"errors": [LONG]})["errors"][0]) < LONGEST_SAID + 100
    assert told({"errors": ["short", 3, None]}) == {"errors": ["short", 3, None]}


def test_a_document_that_was_asked_for_is_kept_whole() -> None:
    backend = Always({"ending": "returned", "value": {"layers": [LONG], "log": [LONG]}})
    said = Host(backend).child("any", documents=("layers",)).value
    assert said["layers"] == [LONG]
    assert len(said["log"][0]) < LONGEST_SAID + 100


def test_an_answer_without_bottom_is_unusable() -> None:
    value: list[Any] = []
    for _ in range(900):
        value = [value]
    with pytest.raises(Unusable, match="deep"):
        told(value)


def test_why_a_question_was_refused_is_cut_too() -> None:
    with pytest.raises(Unusable) as caught:
        Host(Always({"error": "unusable", "detail": LONG})).read("/x")
    assert len(str(caught.value)) < LONGEST_SAID + 100


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    live = LiveBackend(budget=60)
    yield Recorder(live)
    live.close()


def test_live_and_recorded_are_cut_alike(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wordy.py").write_text("raise ImportError('x' * 5_000_000)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    asked = ("import_module", {"module": "wordy"})
    live = Host(recorder).child(*asked, python=sys.executable)
    recorder.save(tmp_path / "saved", RecordingHeader())
    backend, _ = load_recording(tmp_path / "saved")
    assert isinstance(backend, ReplayBackend)
    assert Host(backend).child(*asked, python=sys.executable) == live
    assert "more characters" in str(live.value) + str(live.detail)
    assert len(str(live.value)) < 2 * LONGEST_SAID
