"""A fleet: what the reports of many machines say together. A document of its own."""

from __future__ import annotations

from enum import Enum

from .base import Frozen, HostName, PathText, Vocabulary
from .report import CheckInfo, Redaction, Severity, Tool, Verdict

FLEET_SCHEMA = "trtdoctor.fleet/1"


class State(Vocabulary):
    """How one check came out on all machines of a group.

    ``clear`` stands where it passed on some of them and does not apply to the others; ``not_checked``
    where it was deselected, or where the trtdoctor that made the report does not have it.
    """

    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_CHECKED = "not_checked"
    PASSED = "passed"
    NOT_APPLICABLE = "not_applicable"
    CLEAR = "clear"

    @property
    def said(self) -> State:
        """The same, with all that is no finding and nothing open told as ``clear``."""
        decided = (State.PASSED, State.NOT_APPLICABLE, State.CLEAR)
        return State.CLEAR if self in decided else self


class Traits(Frozen, frozen=True, kw_only=True):
    """What machines are told apart by; null is unknown, ``none`` a claim.

    ``gpus`` is as ``8 x NVIDIA H100 80GB HBM3``, ``cuda`` the newest CUDA that the driver supports.
    """

    gpus: str | None = None
    driver: str | None = None
    cuda: str | None = None
    cuda_runtimes: str | None = None
    tensorrt: str | None = None


class FleetMachine(Frozen, frozen=True, kw_only=True):
    """One machine, by the one report of it that counts.

    Attributes:
        name: Its host name, or its file's where that is not known; each machine has another.
        file: The report; null in a document that is to be shared.
        taken: When trtdoctor looked, as the report tells it: UTC, ISO 8601.
        version: Of the trtdoctor that made the report.
        knowledge: The date of that trtdoctor's tables.
        verdict: The report in one word.
        worst: The gravest severity of what was found; null where nothing was.
        open: The gravest severity of what might have been found and could not be decided.
    """

    name: HostName
    file: PathText | None
    taken: str
    version: str
    knowledge: str
    verdict: Verdict
    worst: Severity | None = None
    open: Severity | None = None


class GroupFinding(Frozen, frozen=True, kw_only=True):
    """What a check found on each machine of a group.

    Attributes:
        check: Its label in the fleet's ``checks``.
        message: The words that most of the machines have for it.
        wordings: How many different ones there are.
        remedy: What to change, for the same machines.
    """

    check: str
    message: str
    wordings: int = 1
    remedy: str | None = None


class GroupOpen(Frozen, frozen=True, kw_only=True):
    """What could not be decided on each machine of a group, and the reason that most of them have."""

    check: str
    reason: str


class Group(Frozen, frozen=True, kw_only=True):
    """Machines with the same findings, the same open questions and the same traits.

    Attributes:
        machines: By name.
        verdict: Of each of them.
        traits: What they have in common.
        differs: In words, what tells them from most of the fleet; empty where nothing does.
        findings: The gravest first.
        undecided: What could not be decided, with why.
        states: How each of the fleet's ``checks`` came out, by its label.
    """

    machines: tuple[FleetMachine, ...]
    verdict: Verdict
    traits: Traits
    differs: tuple[str, ...] = ()
    findings: tuple[GroupFinding, ...] = ()
    undecided: tuple[GroupOpen, ...] = ()
    states: dict[str, State] = {}


class FleetCheck(Frozen, frozen=True, kw_only=True):
    """A check that found something or could not decide somewhere, and on how many machines."""

    check: CheckInfo
    failed: int
    undecided: int


class Why(Vocabulary):
    """Why a file is not a machine of the fleet.

    ``unreadable``: it may be a report, so that the fleet is not fully known; ``duplicate``: a newer one
    of the same machine counts; ``other_command``: a report about a file; ``no_report``: something else.
    """

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    OTHER_COMMAND = "other_command"
    NO_REPORT = "no_report"


class NotCounted(Frozen, frozen=True, kw_only=True):
    """A file that is no machine of the fleet, and why: a sentence without its capital and full stop."""

    file: PathText
    why: Why
    reason: str


class Fleet(Frozen, frozen=True, kw_only=True):
    """The whole document. ``created`` is UTC, ISO 8601.

    Attributes:
        verdict: ``problems`` where one machine has problems, else ``inconclusive`` where one of them is
            or where a file that may be a report could not be read.
        machines: How many there are.
        checks: The rows of the matrix: those that found something or could not decide somewhere, the
            gravest first.
        groups: The gravest first, of these the smallest first; a group of more than half of the fleet is
            the last.
        not_counted: Files that are no machine of the fleet.
        notes: What a reader has to know to judge all this, a sentence each.
        redaction: Whether names were replaced by pseudonyms.
    """

    schema: str = FLEET_SCHEMA
    created: str
    tool: Tool
    verdict: Verdict
    machines: int
    checks: tuple[FleetCheck, ...] = ()
    groups: tuple[Group, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()
    notes: tuple[str, ...] = ()
    redaction: Redaction = Redaction()


class FleetExit(int, Enum):
    """Exit codes, as the commands of one machine have them."""

    CLEAN = 0
    FOUND = 1
    INCONCLUSIVE = 3


def fleet_exit_code(fleet: Fleet, fail_on: Severity | None) -> int:
    """0, 1 or 3: whether a machine has findings at or above ``fail_on``, or might have.

    None never fails.
    """
    if fail_on is None:
        return FleetExit.CLEAN
    machines = [machine for group in fleet.groups for machine in group.machines]
    if any(m.worst is not None and m.worst.rank >= fail_on.rank for m in machines):
        return FleetExit.FOUND
    unknown = any(m.open is not None and m.open.rank >= fail_on.rank for m in machines)
    unread = any(file.why is Why.UNREADABLE for file in fleet.not_counted)
    return FleetExit.INCONCLUSIVE if unknown or unread else FleetExit.CLEAN
