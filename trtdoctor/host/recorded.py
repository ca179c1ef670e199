"""Recordings: what the host port answered on one machine, saved and replayed on any other.

A recording is a folder: ``recording.json`` (its schema and the choices of that run) and
``answers.jsonl`` (one question with its answer a line). It holds answers, never facts, and private data
as they are: nobody but the user may read it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from trtdoctor.model.base import Frozen
from trtdoctor.model.codec import encode, write_atomically
from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.json_bounds import excess

from .port import Answer, Backend, Question, Target, answers

RECORDING_SCHEMA = "trtdoctor.recording/1"
# In bytes. Recordings of machines with everything installed have less than a hundredth.
_LARGEST_HEADER, _LARGEST_ANSWERS = 1 << 20, 1 << 28
_HEADER, _ANSWERS = "recording.json", "answers.jsonl"
RECORDING_FILES = (_HEADER, _ANSWERS)
_MODE = 0o600


class RecordingError(InputError):
    """A recording that cannot be written or read; the message is one sentence for the user."""


class RecordingHeader(Frozen, frozen=True, kw_only=True):
    """What a replay must know besides the answers. ``note`` says how a hand-made host was made."""

    schema: str = RECORDING_SCHEMA
    tool: str = ""
    taken: str = ""
    note: str | None = None
    active: bool = False
    target: Target | None = None


class _Line(Frozen, frozen=True, kw_only=True):
    ask: str
    about: dict[str, Any]
    answer: Answer


class Recorder:
    """A backend that remembers every answer of another one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def answer(self, question: Question) -> Answer:
        """Answer as the other backend does, and remember it."""
        return self.answer_all((question,))[0]

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer as the other backend does, and remember each answer by its own question."""
        told = answers(self._backend, questions)
        with self._lock:
            for question, answer in zip(questions, told, strict=True):
                self._lines[question.key] = _Line(
                    ask=question.kind, about=question.about, answer=answer
                )
        return told

    def save(self, folder: Path, header: RecordingHeader) -> None:
        """Write the recording whole.

        Raises:
            RecordingError: if the folder is in use for something else or cannot be written.
        """
        check_writable(folder)
        with self._lock:
            lines = [self._lines[key] for key in sorted(self._lines)]
        body = b"".join(encode(line, indent=0) for line in lines)
        made = not folder.exists()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(folder / _ANSWERS, body, mode=_MODE)
            write_atomically(folder / _HEADER, encode(header), mode=_MODE)
        except BaseException as error:
            # Ctrl-C too leaves no half recording.
            if made:
                shutil.rmtree(folder, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            raise RecordingError(
                f"cannot write the recording {folder} ({error.strerror}); choose another --record folder"
            ) from None


class ReplayBackend:
    """A backend that answers from a recording and from nothing else."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        """``answers`` maps ``Question.key`` to the answer."""
        self._answers = answers

    def answer(self, question: Question) -> Answer:
        """The recorded answer, or ``not_recorded``."""
        found = self._answers.get(question.key)
        if found is None:
            path = question.about.get("path")
            what = path if isinstance(path, str) else "it"
            return {
                "error": "not_recorded",
                "detail": f"the recording says nothing of {what}; on that machine, `trtdoctor check "
                "--record DIR` of this version records it",
            }
        return found


def check_writable(folder: Path) -> None:
    """Refuse a folder that holds something other than a recording.

    Raises:
        RecordingError: in one sentence.
    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise RecordingError(
                f"{folder} is a file; --record needs a folder, new or an old recording"
            )
        foreign = any(folder.iterdir()) and not (folder / _HEADER).is_file()
    except OSError as error:
        raise RecordingError(
            f"cannot look into {folder} ({error.strerror}); choose another --record folder"
        ) from None
    if foreign:
        raise RecordingError(f"{folder} holds other files; --record needs a new or empty folder")


def load_recording(folder: Path) -> tuple[ReplayBackend, RecordingHeader]:
    """Open a recording.

    Raises:
        RecordingError: in one sentence, if the folder is none or is damaged.
    """
    try:
        header = msgspec.json.decode(
            read_whole(folder / _HEADER, most=_LARGEST_HEADER), type=RecordingHeader
        )
        raw = read_whole(folder / _ANSWERS, most=_LARGEST_ANSWERS)
    except OSError as error:
        raise RecordingError(
            f"{folder} is not a recording ({error.strerror}: {_HEADER} or {_ANSWERS}); "
            "give a folder written by --record"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{folder / _HEADER} is damaged ({error}); record it anew") from None
    if header.schema != RECORDING_SCHEMA:
        raise RecordingError(
            f"{folder} has schema {header.schema}, which this trtdoctor cannot replay; update trtdoctor"
        )
    too_much = excess(raw)
    if too_much is not None:
        raise RecordingError(
            f"{folder / _ANSWERS} is not a recording of a machine ({too_much}); record it anew"
        )
    answers: dict[str, Answer] = {}
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordingError(
                f"{folder / _ANSWERS} is damaged in line {number} ({error}); record it anew"
            ) from None
        answers[Question(kind=entry.ask, about=entry.about).key] = entry.answer
    return ReplayBackend(answers), header
