"""The parts that findings and explanations are made of."""

from __future__ import annotations

from enum import Enum

from .base import Frozen


class Confidence(str, Enum):
    """How sure a statement is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Evidence(Frozen, frozen=True, kw_only=True):
    """One observed value and where it was read."""

    source: str
    value: str


class Remedy(Frozen, frozen=True, kw_only=True):
    """What to change, and the commands that do it or that would tell more."""

    text: str
    commands: tuple[str, ...] = ()
