"""Facts as checks and reports see them: decoded from a snapshot's plain data, each with its status.

The one place that decodes them, so that whoever asks hears the same of a value that another version
wrote, or another program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from trtdoctor.model.base import FactValue
from trtdoctor.model.report import FactStatus, Snapshot

Value = TypeVar("Value", bound=FactValue)


@dataclass(frozen=True, kw_only=True)
class Fact(Generic[Value]):
    """A fact with its status, for checks that must know why a value is missing."""

    status: FactStatus
    value: Value | None = None
    reason: str | None = None
    source: str = ""

    @property
    def unseen(self) -> bool:
        """Whether nobody could look: neither a value nor a claim of absence."""
        return self.status in (FactStatus.DENIED, FactStatus.FAILED, FactStatus.TIMEOUT)


class Facts:
    """The facts of one snapshot, each decoded when it is asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._records = snapshot.facts

    def fact(self, kind: type[Value]) -> Fact[Value]:
        """The fact with its status; only an ``ok`` one has a value, and each of those has one.

        A fact that the snapshot lacks was ``not_run``. One whose value has a shape that this version
        cannot read is ``failed``, and the reason says so: what it holds was seen, but not by us.
        """
        record = self._records.get(kind.FACT)
        if record is None:
            return Fact(status=FactStatus.NOT_RUN, reason=kind.NOT_GIVEN or "not looked at")
        if record.status is not FactStatus.OK:
            return Fact(status=record.status, reason=record.reason, source=record.source)
        try:
            value = msgspec.convert(record.value, kind)
        except msgspec.ValidationError as error:
            return Fact(
                status=FactStatus.FAILED,
                reason=f"its value has a shape that this version cannot read: {error}",
                source=record.source,
            )
        return Fact(status=record.status, value=value, reason=record.reason, source=record.source)

    def value(self, kind: type[Value]) -> Value | None:
        """The fact's value; None where there is none, whatever the cause."""
        return self.fact(kind).value
