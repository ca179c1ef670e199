"""Reads the types and nodes of ONNX models, never weights, and never guesses a type unknown."""

from ..errors import FormatError
from .load import read_onnx
from .onnx_facts import (
    OnnxFacts,
    OnnxInitializer,
    OnnxNode,
    OnnxUnavailable,
    OnnxValue,
    TensorType,
)

__all__ = [
    "FormatError",
    "OnnxFacts",
    "OnnxInitializer",
    "OnnxNode",
    "OnnxUnavailable",
    "OnnxValue",
    "TensorType",
    "read_onnx",
]
