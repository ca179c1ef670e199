"""How long work may go on, and who is told of it; handed down to whatever may take long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class OutOfTime(Exception):
    """Work was ended because its time was over; what it had done by then may be used."""


def _forever() -> float:
    return float("inf")


def silently(text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Watch:
    """Without arguments: work takes as long as it takes, and nobody is told.

    Attributes:
        left: answers how many seconds are left, negative ones once the time is over.
        tell: is called with what is being done, as often as that changes.
    """

    left: Callable[[], float] = _forever
    tell: Callable[[str], None] = silently

    def check(self) -> None:
        """Go on if there is time.

        Raises:
            OutOfTime: if there is none.
        """
        if self.left() <= 0.0:
            raise OutOfTime


UNHURRIED = Watch()
