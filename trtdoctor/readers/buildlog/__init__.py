"""Reads build logs of TensorRT 8.0 to 10 and RTX as facts with line numbers, never as causes."""

from __future__ import annotations

from ...knowledge import NoteKind
from ..errors import FormatError, NoBuild
from .collector import parse_build_log, read_build_log
from .log_facts import (
    FLOAT_TYPES,
    AddedConversion,
    Attempt,
    Autotuning,
    Build,
    BuildLog,
    BuildSummary,
    Candidate,
    Conversion,
    ConversionSet,
    ConversionSide,
    EngineLayer,
    EngineTensor,
    InnerKernel,
    LostLines,
    NetworkTensor,
    Note,
    OnnxNode,
    Outcome,
    RunnerTiming,
    Setting,
    SkippedTactic,
    TensorFormat,
)
from .strides import Product, Stride, at_least, times

__all__ = [
    "FLOAT_TYPES",
    "AddedConversion",
    "Attempt",
    "Autotuning",
    "Build",
    "BuildLog",
    "BuildSummary",
    "Candidate",
    "Conversion",
    "ConversionSet",
    "ConversionSide",
    "EngineLayer",
    "EngineTensor",
    "FormatError",
    "InnerKernel",
    "LostLines",
    "NetworkTensor",
    "NoBuild",
    "Note",
    "NoteKind",
    "OnnxNode",
    "Outcome",
    "Product",
    "RunnerTiming",
    "Setting",
    "SkippedTactic",
    "Stride",
    "TensorFormat",
    "at_least",
    "parse_build_log",
    "read_build_log",
    "times",
]
