"""What error texts mean: the answer to a text that somebody was shown, and what nobody knows of it."""

from __future__ import annotations

from .base import Frozen
from .finding import Command
from .report import Confidence, Redaction, Report, Severity

DECODED_SCHEMA = "trtdoctor.decoded/1"


class CodeMeaning(Frozen, frozen=True, kw_only=True):
    """A numbered error. ``kind`` is ``cuda``, ``nvml``, ``tensorrt`` or ``exit``: who numbers it."""

    kind: str
    code: int
    name: str
    meaning: str
    runtime_name: str | None = None


class Answer(Frozen, frozen=True, kw_only=True):
    """One known message in a text.

    ``id`` is the permanent name of its row in trtdoctor's table, ``line`` where it stands first
    (from 1), ``times`` on how many lines. ``often`` is its most frequent cause, ``checks`` are ids of
    the checks that find out on a machine. ``partial``: only the frame of the message is known, and
    not what stands in it. ``follower``: something before it is the cause. ``recovered``: what
    came after it ended well.
    """

    id: str
    line: int
    text: str
    severity: Severity
    said_by: str
    meaning: str
    next_step: str
    source: str
    often: str | None = None
    commands: tuple[Command, ...] = ()
    checks: tuple[str, ...] = ()
    details: dict[str, str] = {}
    code: CodeMeaning | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    certainty: Confidence = Confidence.CERTAIN
    note: str | None = None
    times: int = 1
    partial: bool = False
    follower: bool = False
    recovered: bool = False


class UnknownLine(Frozen, frozen=True, kw_only=True):
    """A line that looks like an error and is in no table."""

    line: int
    text: str


class Nearest(Frozen, frozen=True, kw_only=True):
    """The known message that has most words in common with a text; not what the text means."""

    id: str
    example: str
    meaning: str


class Decoded(Frozen, frozen=True, kw_only=True):
    """What the known messages in a text mean: the first cause first, what follows from it after it.

    ``lines`` counts the text's lines; ``not_read`` says what of it was left out. ``unknown`` are the
    first lines that look like errors and are in no table, ``unknown_lines`` counts all of them.
    ``attach`` says what to attach to a ticket where the text is not known. ``here`` is the report of
    the checks that find out on this machine, where it was asked for. ``redaction`` is about the text's
    own lines; the report has its own.
    """

    schema: str = DECODED_SCHEMA
    knowledge: str
    name: str | None = None
    lines: int = 0
    not_read: str | None = None
    answers: tuple[Answer, ...] = ()
    unknown: tuple[UnknownLine, ...] = ()
    unknown_lines: int = 0
    nearest: Nearest | None = None
    attach: tuple[str, ...] = ()
    here: Report | None = None
    redaction: Redaction = Redaction()

    @property
    def known(self) -> bool:
        """Whether at least one message is known, and not only its frame."""
        return any(not answer.partial for answer in self.answers)

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that find out on a machine, of the first answer first."""
        return tuple(dict.fromkeys(check for answer in self.answers for check in answer.checks))
