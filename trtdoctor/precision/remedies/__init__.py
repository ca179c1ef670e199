"""What to change about a layer that is not FP16, and how to see more: commands for one user."""

from __future__ import annotations

from .by_cause import remedy_for
from .context import BuildTool, Given, RemedyContext
from .missing import missing_evidence
from .quoting import shell

__all__ = [
    "BuildTool",
    "Given",
    "RemedyContext",
    "missing_evidence",
    "remedy_for",
    "shell",
]
