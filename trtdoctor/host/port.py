"""The host port: the questions a probe can ask of a machine, and the shape of each answer.

Every question goes through one backend as plain data, so that a machine, a recording of one and a
test's imagined one are told apart nowhere above this module. It judges nothing.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol, runtime_checkable

import msgspec

from trtdoctor.model.base import Frozen

Answer = dict[str, Any]
# In seconds.
_CHILD_DEADLINE = 20.0

LONGEST_SAID = 1 << 16
"""Characters that are kept of any one text that a child says, unless it was asked for a document."""

_DEEPEST_SAID = 64
_LONGEST_PRINTED = 1 << 20
"""Characters that are kept of what a command prints; the probes read tables out of it."""


class HostError(Exception):
    """The host could not answer; the message says why."""


class Missing(HostError):
    """The path or program asked for does not exist."""


class Denied(HostError):
    """This user may not look there."""


class TimedOut(HostError):
    """No answer within the deadline."""


class NotRecorded(Exception):
    """A replayed recording does not hold this answer.

    No ``HostError``: where a probe makes do without something, a machine that lacks it and a
    recording that does not know must not look alike.
    """


class Unusable(HostError):
    """The thing is there and cannot be read: an I/O error, a wrong kind of file."""


_ERRORS: dict[str, type[Exception]] = {
    "missing": Missing,
    "denied": Denied,
    "timeout": TimedOut,
    "not_recorded": NotRecorded,
    "unusable": Unusable,
}


class Question(Frozen, frozen=True, kw_only=True):
    """One question: ``kind`` names the operation, ``about`` holds its arguments as plain data."""

    kind: str
    about: dict[str, Any]

    @property
    def key(self) -> str:
        """The question as canonical JSON; equal questions have equal keys."""
        try:
            return msgspec.json.encode([self.kind, self.about], order="sorted").decode()
        except UnicodeEncodeError:
            # A path whose bytes are no UTF-8.
            return json.dumps([self.kind, self.about], sort_keys=True)


class Backend(Protocol):
    """What answers questions. An answer ``{"error": kind, "detail": text}`` becomes an exception."""

    def answer(self, question: Question) -> Answer:
        """Answer one question; called from several threads."""
        ...


@runtime_checkable
class AnswersTogether(Protocol):
    """A backend for which several questions at once are less work than one after the other."""

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each, in their order; called from several threads."""
        ...


def answers(backend: Backend, questions: Sequence[Question]) -> list[Answer]:
    """The answer to each question, in their order."""
    if len(questions) > 1 and isinstance(backend, AnswersTogether):
        return backend.answer_all(questions)
    return [backend.answer(question) for question in questions]


class Stat(Frozen, frozen=True, kw_only=True):
    """A path's kind (``file``, ``folder`` or ``other``), its size in bytes and this user's access."""

    kind: str
    size: int = 0
    readable: bool = True
    writable: bool = False
    executable: bool = False


class Completed(Frozen, frozen=True, kw_only=True):
    """A command that ended by itself; a negative ``exit_code`` is the signal that ended it."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class ChildAnswer(Frozen, frozen=True, kw_only=True):
    """How a child's work ended.

    ``ending`` is ``returned``, ``raised``, ``exit``, ``signal`` or ``deadline``; ``value`` what the
    script returned; ``detail`` the exception, exit status or signal; ``output`` the last of what it
    and its libraries printed.
    """

    ending: str
    value: Any = None
    detail: str | None = None
    output: str = ""


class Dynamic(Frozen, frozen=True, kw_only=True):
    """An ELF library's dynamic section."""

    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    machine: str = ""
    executable_stack: bool = False


def shortened(text: str, most: int) -> str:
    """The beginning of a text, with how much more there was."""
    return text if len(text) <= most else f"{text[:most]}... {len(text) - most:,} more characters"


def _said(value: Any, documents: tuple[str, ...], depth: int = 0) -> Any:
    """A child's answer with its long texts shortened, those that were asked for as documents aside."""
    if isinstance(value, str):
        return shortened(value, LONGEST_SAID)
    if depth > _DEEPEST_SAID:
        raise Unusable(f"what it answered is more than {_DEEPEST_SAID} deep")
    if isinstance(value, list):
        return [_said(item, documents, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            _said(key, ()): item if key in documents else _said(item, documents, depth + 1)
            for key, item in value.items()
        }
    return value


class Target(Frozen, frozen=True, kw_only=True):
    """The interpreter whose TensorRT is meant, and how it was chosen."""

    path: str
    chosen_by: str


class Host:
    """A machine as probes see it. Each question is asked once; the answer is shared by all threads."""

    def __init__(self, backend: Backend, *, target: Target | None = None) -> None:
        self.backend = backend
        self.target = target
        self._answers: dict[str, Answer] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def _ask(self, kind: str, **about: Any) -> Answer:
        question = Question(kind=kind, about=about)
        key = question.key
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._answers:
                self._answers[key] = self.backend.answer(question)
            answer = self._answers[key]
        if "error" in answer:
            detail = shortened(str(answer.get("detail") or answer["error"]), LONGEST_SAID)
            raise _ERRORS[answer["error"]](detail)
        return answer

    def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """The first ``limit`` bytes of a regular file.

        Raises:
            Missing, Denied, Unusable: as the operating system says.
        """
        answer = self._ask("read", path=path, limit=limit)
        if "base64" in answer:
            return base64.b64decode(answer["base64"])
        return str(answer["text"]).encode()

    def read_text(self, path: str, *, limit: int = 1 << 20) -> str:
        """As ``read``, decoded as UTF-8; bytes that are none become U+FFFD; NULs end the text."""
        return self.read(path, limit=limit).decode("utf-8", "replace").partition("\0")[0]

    def list_folder(self, path: str) -> tuple[str, ...]:
        """The names in a folder, sorted. Raises as ``read``."""
        return tuple(self._ask("list", path=path)["names"])

    def stat(self, path: str) -> Stat:
        """What lies at a path, links followed. Raises as ``read``."""
        return msgspec.convert(self._ask("stat", path=path), Stat)

    def exists(self, path: str) -> bool:
        """Whether something lies at the path; raises ``Denied`` where that cannot be told."""
        try:
            self.stat(path)
        except Missing:
            return False
        return True

    def resolve(self, path: str) -> str:
        """The path with every link followed. Raises as ``read``."""
        return str(self._ask("resolve", path=path)["path"])

    def env(self, name: str) -> str | None:
        """An environment variable of this process, or None."""
        value = self._ask("env", name=name)["value"]
        return None if value is None else str(value)

    def system(self) -> dict[str, str]:
        """``system``, ``release``, ``machine``, ``libc``, ``host``, ``user``, ``home``, ``python``.

        ``directory``, the working directory, may be missing.
        """
        return {key: str(value) for key, value in self._ask("system").items()}

    def volume(self, path: str) -> tuple[int, int]:
        """Total and free bytes of the file system that holds the path. Raises as ``read``."""
        answer = self._ask("volume", path=path)
        return int(answer["total"]), int(answer["free"])

    def dynamic(self, path: str) -> Dynamic:
        """A library's dynamic section, read and never loaded.

        Raises:
            Missing, Denied, Unusable: ``Unusable`` where it is no ELF library.
        """
        return msgspec.convert(self._ask("dynamic", path=path), Dynamic)

    def which(self, program: str) -> str | None:
        """The first executable of that name on ``PATH``; relative entries are passed over.

        Raises:
            Denied, Unusable: none was found, but not all folders could be looked into.
        """
        refused: HostError | None = None
        for folder in (self.env("PATH") or "").split(":"):
            if not folder.startswith("/"):
                continue
            path = f"{folder.rstrip('/')}/{program}"
            try:
                found = self.stat(path)
            except Missing:
                continue
            except HostError as error:
                refused = refused or error
                continue
            if found.kind == "file" and found.executable:
                return path
        if refused is not None:
            raise refused
        return None

    def run(self, argv: tuple[str, ...], *, deadline: float = 10.0) -> Completed:
        """Run a command without a shell; ``deadline`` in seconds.

        Raises:
            Missing, Denied, TimedOut: it could not be started, or did not end in time.
        """
        ended = msgspec.convert(self._ask("run", argv=list(argv), deadline=deadline), Completed)
        return msgspec.structs.replace(
            ended,
            stdout=shortened(ended.stdout, _LONGEST_PRINTED),
            stderr=shortened(ended.stderr, _LONGEST_PRINTED),
        )

    def child(
        self,
        script: str,
        payload: dict[str, Any] | None = None,
        *,
        python: str | None = None,
        deadline: float = _CHILD_DEADLINE,
        documents: tuple[str, ...] = (),
    ) -> ChildAnswer:
        """Run one of ``host/children`` in an interpreter; how it ended is part of the answer.

        What a child says (a library's exceptions and messages, which may be of any length) is kept
        to `LONGEST_SAID` characters a text.

        Args:
            script: the script's name, without ``.py``.
            payload: plain data handed to its ``main``.
            python: the interpreter; None is trtdoctor's own.
            deadline: in seconds, after which its process group is killed.
            documents: keys of what the script returns whose texts are kept whole.

        Raises:
            Missing, Denied, Unusable: the interpreter could not be started.
        """
        about = _child(script, payload, python, deadline)
        return msgspec.convert(_said(self._ask("child", **about), documents), ChildAnswer)

    def prepare_children(
        self, scripts: Sequence[tuple[str, dict[str, Any]]], *, python: str | None = None
    ) -> None:
        """Have several scripts run one after the other in one process, where that can be.

        ``child``, asked for each of them with its payload, then has the answer at once. They must
        run nothing that could keep the interpreter from working, since they share it.
        """
        questions = [
            Question(kind="child", about=_child(script, payload, python, _CHILD_DEADLINE))
            for script, payload in scripts
        ]
        by_key = {question.key: question for question in questions}
        with self._guard:
            locks = [self._locks.setdefault(key, threading.Lock()) for key in sorted(by_key)]
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            unasked = {key: q for key, q in by_key.items() if key not in self._answers}
            told = answers(self.backend, list(unasked.values()))
            self._answers.update(zip(unasked, told, strict=True))


def _child(
    script: str, payload: dict[str, Any] | None, python: str | None, deadline: float
) -> dict[str, Any]:
    return {"script": script, "payload": payload or {}, "python": python, "deadline": deadline}
