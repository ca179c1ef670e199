"""The report: everything one run saw and concluded. Renderers see only this."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .base import Frozen
from .engine import EngineReport
from .machine import Machine

REPORT_SCHEMA = "trtdoctor.report/1"
SNAPSHOT_SCHEMA = "trtdoctor.snapshot/1"


class FactStatus(str, Enum):
    """How a look at one thing ended. Only ``absent`` claims that the thing is not there."""

    OK = "ok"
    ABSENT = "absent"
    DENIED = "denied"
    FAILED = "failed"
    TIMEOUT = "timeout"
    NOT_RUN = "not_run"


class Severity(str, Enum):
    """``error``: will not work; ``warning``: wrong, slow or about to break; ``info``."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """2 for error, 1 for warning, 0 for info."""
        return {"error": 2, "warning": 1, "info": 0}[self.value]


class Confidence(str, Enum):
    """How sure a statement is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Status(str, Enum):
    """How one check came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    CRASHED = "crashed"
    IGNORED = "ignored"


class Verdict(str, Enum):
    """The report in one word; it does not depend on ``--fail-on``."""

    HEALTHY = "healthy"
    PROBLEMS = "problems"
    INCONCLUSIVE = "inconclusive"


class Evidence(Frozen, frozen=True, kw_only=True):
    """One observed value and where it was read."""

    source: str
    value: str


class Remedy(Frozen, frozen=True, kw_only=True):
    """What to change, and the commands that do it or that would tell more."""

    text: str
    commands: tuple[str, ...] = ()


class Finding(Frozen, frozen=True, kw_only=True):
    """One instance of a problem."""

    message: str
    subject: str | None = None
    confidence: Confidence = Confidence.CERTAIN
    evidence: tuple[Evidence, ...] = ()
    remedy: Remedy | None = None
    references: tuple[str, ...] = ()


class CheckInfo(Frozen, frozen=True, kw_only=True):
    """Which check an outcome belongs to, so that a report can be read without the check."""

    id: str
    name: str
    area: str
    severity: Severity
    title: str
    plugin: str | None = None


class Outcome(Frozen, frozen=True, kw_only=True):
    """How one check came out. ``took_ms`` is in milliseconds."""

    check: CheckInfo
    status: Status
    reason: str | None = None
    took_ms: float = 0.0
    findings: tuple[Finding, ...] = ()


class FactRecord(Frozen, frozen=True, kw_only=True):
    """One fact in a document; ``value`` is plain JSON, so that unknown facts survive."""

    status: FactStatus
    value: Any = None
    reason: str | None = None
    source: str = ""
    took_ms: float = 0.0


class Redaction(Frozen, frozen=True, kw_only=True):
    """Whether private data were replaced by pseudonyms, and how many places."""

    applied: bool = False
    count: int = 0


class Snapshot(Frozen, frozen=True, kw_only=True):
    """All facts of one look; the only thing a check can see. ``taken`` is UTC, ISO 8601."""

    schema: str = SNAPSHOT_SCHEMA
    taken: str
    redaction: Redaction = Redaction()
    facts: dict[str, FactRecord]


class Tool(Frozen, frozen=True, kw_only=True):
    """Which trtdoctor made the report, and how old its knowledge is."""

    name: str = "trtdoctor"
    version: str
    knowledge: str
    plugins: tuple[str, ...] = ()


class Problem(Frozen, frozen=True, kw_only=True):
    """Something that went wrong with trtdoctor itself or its plugins; never a silence."""

    where: str
    message: str
    detail: str | None = None


class Report(Frozen, frozen=True, kw_only=True):
    """The whole document. ``created`` is UTC, ISO 8601."""

    schema: str = REPORT_SCHEMA
    created: str
    tool: Tool
    command: str
    verdict: Verdict
    machine: Machine | None = None
    outcomes: tuple[Outcome, ...] = ()
    engines: tuple[EngineReport, ...] = ()
    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()
