"""What a probe is: a function of the host that returns one fact or claims its absence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec

from trtdoctor.host import Host
from trtdoctor.model.base import FactValue

Value = TypeVar("Value", bound=FactValue)


class Cost(str, Enum):
    """``passive`` reads files, ``light`` starts processes, ``active`` uses the GPU."""

    PASSIVE = "passive"
    LIGHT = "light"
    ACTIVE = "active"


class NotThere(Exception):
    """The thing looked for does not exist; the only way to an ``absent`` fact."""

    def __init__(self, reason: str, *, source: str = "") -> None:
        super().__init__(reason)
        self.source = source


@dataclass(frozen=True, kw_only=True)
class Observed(Generic[Value]):
    """A fact's value and where it was read."""

    value: Value
    source: str


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe: the fact it owns, what looking costs, and the look itself."""

    provides: type[FactValue]
    cost: Cost
    look: Callable[[Host], Observed[Any]]


def probe(
    provides: type[Value], cost: Cost
) -> Callable[[Callable[[Host], Observed[Value]]], Probe]:
    """Make a probe of a function.

    The probe raises ``msgspec.ValidationError`` where the function's value does not fit the fact's
    type: much of it comes from child processes, which may say anything.
    """

    def make(look: Callable[[Host], Observed[Value]]) -> Probe:
        def checked(host: Host) -> Observed[Value]:
            seen = look(host)
            msgspec.convert(msgspec.to_builtins(seen.value), provides)
            return seen

        return Probe(provides=provides, cost=cost, look=checked)

    return make
