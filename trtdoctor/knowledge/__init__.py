"""Dated tables of what NVIDIA documents, a source on every row, and their typed loader.

Answers questions about versions and hardware from the tables alone. Looks at no machine and judges
nothing; past the end of a table it raises :class:`KnowledgeEnds` and never extrapolates.
"""

from __future__ import annotations

from .knowledge import Knowledge
from .rows import (
    CAUSE_SECTIONS,
    WORLDS,
    ArithmeticRates,
    Board,
    CauseDoc,
    CodeTable,
    ComputeCapability,
    DriverFloor,
    ErrorCode,
    FrameworkRequirement,
    HardwareCompatibility,
    JetPack,
    LogMatch,
    LogMessage,
    NoteKind,
    NumpyLimit,
    OnnxOperators,
    OnnxOpset,
    OperatorSupport,
    PackagedDriver,
    PlanCompatibility,
    PythonWindow,
    RemovedApi,
    Support,
    TableInfo,
    TensorRTCuda,
    ToolOption,
    TypingMode,
)
from .tables import KnowledgeEnds, TableError

__all__ = [
    "CAUSE_SECTIONS",
    "WORLDS",
    "ArithmeticRates",
    "Board",
    "CauseDoc",
    "CodeTable",
    "ComputeCapability",
    "DriverFloor",
    "ErrorCode",
    "FrameworkRequirement",
    "HardwareCompatibility",
    "JetPack",
    "Knowledge",
    "KnowledgeEnds",
    "LogMatch",
    "LogMessage",
    "NoteKind",
    "NumpyLimit",
    "OnnxOperators",
    "OnnxOpset",
    "OperatorSupport",
    "PackagedDriver",
    "PlanCompatibility",
    "PythonWindow",
    "RemovedApi",
    "Support",
    "TableError",
    "TableInfo",
    "TensorRTCuda",
    "ToolOption",
    "TypingMode",
]
