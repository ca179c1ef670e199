"""What differs between two reports, as a document of its own."""

from __future__ import annotations

from typing import Any

from .base import Frozen
from .report import CheckInfo, Report, Status, Tool, Verdict

DIFFERENCE_SCHEMA = "trtdoctor.difference/1"


class Side(Frozen, frozen=True, kw_only=True):
    """Which report was compared. ``created`` is UTC, ISO 8601."""

    created: str
    command: str
    verdict: Verdict
    tool: Tool

    @classmethod
    def of(cls, report: Report) -> Side:
        """What there is to say of a report."""
        return cls(
            created=report.created,
            command=report.command,
            verdict=report.verdict,
            tool=report.tool,
        )


class Said(Frozen, frozen=True, kw_only=True):
    """How a check came out in one of the reports, and the messages of its findings."""

    status: Status
    findings: tuple[str, ...] = ()
    reason: str | None = None


class OutcomeChange(Frozen, frozen=True, kw_only=True):
    """A check that came out differently; null on the side that has no such check."""

    check: CheckInfo
    before: Said | None = None
    after: Said | None = None


class FactChange(Frozen, frozen=True, kw_only=True):
    """A part of a fact that differs.

    ``path`` leads to it inside the fact's record, as ``.value.version`` or ``.value.devices[0]``. The
    sides are plain JSON, and null where the part is not there.
    """

    fact: str
    path: str
    before: Any = None
    after: Any = None


class Difference(Frozen, frozen=True, kw_only=True):
    """Everything in which two reports differ: outcomes first, then the facts behind them.

    ``redacted`` tells whether private data in both were replaced by pseudonyms.
    """

    schema: str = DIFFERENCE_SCHEMA
    before: Side
    after: Side
    outcomes: tuple[OutcomeChange, ...] = ()
    facts: tuple[FactChange, ...] = ()
    redacted: bool = False

    @property
    def none(self) -> bool:
        """Whether both say the same."""
        return not self.outcomes and not self.facts
