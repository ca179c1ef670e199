"""Everything a check or a plugin may import. What is here stays; the rest of trtdoctor may move."""

from trtdoctor.diagnosis.checking import (
    Check,
    CheckDefinitionError,
    Fact,
    NotApplicable,
    Note,
    Unknown,
    Yielded,
    check,
)
from trtdoctor.knowledge import Knowledge, KnowledgeEnds, versions
from trtdoctor.model import facts
from trtdoctor.model.machine import Typing
from trtdoctor.model.report import (
    Confidence,
    Evidence,
    FactStatus,
    Finding,
    Remedy,
    Severity,
)

__all__ = [
    "Check",
    "CheckDefinitionError",
    "Confidence",
    "Evidence",
    "Fact",
    "FactStatus",
    "Finding",
    "Knowledge",
    "KnowledgeEnds",
    "NotApplicable",
    "Note",
    "Remedy",
    "Severity",
    "Typing",
    "Unknown",
    "Yielded",
    "check",
    "facts",
    "versions",
]
