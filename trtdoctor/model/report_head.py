"""What a report says, without what it says it of: enough to put machines beside each other.

Engines, models and the values of facts are checked to be JSON and left as they are, so that reading
costs a fraction of what :func:`trtdoctor.model.codec.read_report` costs, in time and in memory.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .base import FactValue, Frozen
from .codec import damaged, no_json, refuse_excess, refuse_foreign
from .machine import Machine
from .report import (
    CheckInfo,
    FactRecord,
    FactStatus,
    Finding,
    Outcome,
    Problem,
    Redaction,
    Remedy,
    Snapshot,
    Status,
    Tool,
    Verdict,
)

T = TypeVar("T", bound=FactValue)


class Given(Frozen, frozen=True, kw_only=True):
    """A file that a report is about."""

    path: str = ""


class SnapshotHead(Frozen, frozen=True, kw_only=True):
    """A snapshot whose facts are JSON still, one record each."""

    taken: str
    redaction: Redaction = Redaction()
    facts: dict[str, msgspec.Raw]

    def value(self, kind: type[T]) -> T | None:
        """One fact's value; None where it is not known or damaged."""
        raw = self.facts.get(kind.FACT)
        if raw is None:
            return None
        try:
            record = msgspec.json.decode(raw, type=FactRecord)
            if record.status is not FactStatus.OK or record.value is None:
                return None
            return msgspec.convert(record.value, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def whole(self) -> Snapshot:
        """The snapshot with all its facts.

        Raises:
            DocumentError: if one of them is damaged.
        """
        try:
            facts = {
                name: msgspec.json.decode(raw, type=FactRecord) for name, raw in self.facts.items()
            }
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise damaged("it", error) from None
        return Snapshot(taken=self.taken, redaction=self.redaction, facts=facts)


class Advice(Frozen, frozen=True, kw_only=True):
    """A remedy without its commands."""

    text: str


class FindingHead(Frozen, frozen=True, kw_only=True):
    """A finding without what proves it."""

    message: str
    remedy: Advice | None = None


class OutcomeHead(Frozen, frozen=True, kw_only=True):
    """An outcome whose findings are told in a sentence each."""

    check: CheckInfo
    status: Status
    reason: str | None = None
    findings: tuple[FindingHead, ...] = ()

    def told(self) -> Outcome:
        """The same, as the judge knows it."""
        findings = tuple(
            Finding(message=it.message, remedy=Remedy(text=it.remedy.text) if it.remedy else None)
            for it in self.findings
        )
        return Outcome(check=self.check, status=self.status, reason=self.reason, findings=findings)


class ReportHead(Frozen, frozen=True, kw_only=True):
    """The parts of :class:`trtdoctor.model.report.Report` that say what was found."""

    created: str
    tool: Tool
    command: str
    verdict: Verdict
    machine: Machine | None = None
    outcomes: tuple[OutcomeHead, ...] = ()
    engines: tuple[Given, ...] = ()
    models: tuple[Given, ...] = ()
    snapshot: SnapshotHead
    problems: tuple[Problem, ...] = ()


class _Marked(Frozen, frozen=True, kw_only=True):
    schema: object = None


def _no_object(data: bytes, name: str) -> _Marked:
    """What is not JSON object is no document either, if it is JSON at all."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise no_json(name, error) from None
    return _Marked()


def read_head(data: bytes | memoryview, *, name: str = "the report") -> ReportHead:
    """Read what a saved report says, as :func:`trtdoctor.model.codec.read_report` would.

    Raises:
        DocumentError: in one sentence, if the bytes are no report this version can read.
    """
    data = bytes(data)
    refuse_excess(data, name)
    try:
        head = msgspec.json.decode(data, type=_Marked)
    except msgspec.ValidationError:
        head = _no_object(data, name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise no_json(name, error) from None
    refuse_foreign(head.schema, name)
    try:
        return msgspec.json.decode(data, type=ReportHead)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(name, error) from None
