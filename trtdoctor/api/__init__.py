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
from trtdoctor.diagnosis.subjects import (
    Device,
    LoadedTensorRT,
    devices,
    loaded_tensorrts,
    nvml_devices,
)
from trtdoctor.knowledge import Knowledge, KnowledgeEnds, versions
from trtdoctor.model.machine import Typing
from trtdoctor.model.report import (
    Confidence,
    Evidence,
    FactStatus,
    Finding,
    Remedy,
    Severity,
)

from . import facts

__all__ = [
    "Check",
    "CheckDefinitionError",
    "Confidence",
    "Device",
    "Evidence",
    "Fact",
    "FactStatus",
    "Finding",
    "Knowledge",
    "KnowledgeEnds",
    "LoadedTensorRT",
    "NotApplicable",
    "Note",
    "Remedy",
    "Severity",
    "Typing",
    "Unknown",
    "Yielded",
    "check",
    "devices",
    "facts",
    "loaded_tensorrts",
    "nvml_devices",
    "versions",
]
