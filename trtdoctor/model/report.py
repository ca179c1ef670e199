"""The report: everything one run saw and concluded. Renderers see only this."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NamedTuple

from .base import Frozen
from .comparison import Comparison
from .engine import EngineReport
from .finding import Confidence as Confidence
from .finding import Evidence as Evidence
from .finding import Remedy as Remedy
from .machine import Machine
from .model_report import ModelReport

REPORT_SCHEMA = "trtdoctor.report/1"
SNAPSHOT_SCHEMA = "trtdoctor.snapshot/1"
# Stands where a plugin's name would, for the checks that trtdoctor brings itself.
OWN = "trtdoctor"


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


class Finding(Frozen, frozen=True, kw_only=True):
    """One instance of a problem."""

    message: str
    subject: str | None = None
    confidence: Confidence = Confidence.CERTAIN
    evidence: tuple[Evidence, ...] = ()
    remedy: Remedy | None = None
    references: tuple[str, ...] = ()


class CheckKey(NamedTuple):
    """What tells a check from every other: its id within its plugin, or within trtdoctor's own."""

    plugin: str
    id: str


def plugin_name(plugin: str) -> str:
    """A plugin's name without its version, spelt as package indexes do: ``acme-checks``."""
    return re.sub(r"[-_.]+", "-", plugin.partition(" ")[0]).lower()


class CheckInfo(Frozen, frozen=True, kw_only=True):
    """Which check an outcome belongs to, so that a report can be read without the check.

    ``plugin`` is its distribution's name and version; null for trtdoctor's own checks.
    """

    id: str
    name: str
    area: str
    severity: Severity
    title: str
    plugin: str | None = None

    @property
    def key(self) -> CheckKey:
        """The same for every version of a plugin, so that reports can be compared."""
        return CheckKey(plugin_name(self.plugin) if self.plugin else OWN, self.id)

    @property
    def label(self) -> str:
        """Id and name, ``acme-checks:GPU901 gpu-too-small`` where a plugin brings it."""
        return f"{f'{self.key.plugin}:' if self.plugin else ''}{self.id} {self.name}"


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


class ProblemKind(str, Enum):
    """``not_loaded``: checks are missing; ``crashed``: one raised, and its outcome says so too."""

    NOT_LOADED = "not_loaded"
    CRASHED = "crashed"


class Problem(Frozen, frozen=True, kw_only=True):
    """Something that went wrong with trtdoctor itself or its plugins; never a silence.

    A document that does not tell the kind is read as the one that claims less.
    """

    kind: ProblemKind = ProblemKind.NOT_LOADED
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
    models: tuple[ModelReport, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()
