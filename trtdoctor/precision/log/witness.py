"""The shape of an answer to "why not FP16?", and evidence out of a build log's lines."""

from __future__ import annotations

from trtdoctor.model.cause import Cause
from trtdoctor.model.report import Evidence
from trtdoctor.precision.reasons import Cost, LayerReasons, Reason

__all__ = ["Cause", "Cost", "LayerReasons", "Reason", "Witness"]


class Witness:
    """Makes evidence out of lines of one log."""

    def __init__(self, log: str) -> None:
        self._log = log

    def at(self, line: int | None, value: str) -> Evidence:
        """A value read from a line; without a line, one that was computed from the whole log."""
        return Evidence(source=self._log if line is None else f"{self._log}:{line}", value=value)
