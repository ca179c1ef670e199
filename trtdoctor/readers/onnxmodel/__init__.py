"""Reads ONNX models: which values have which types, and which nodes make them.

No weights are read, and nothing is run. What an operator does not define and the model does not
declare stays unknown.
"""

from .load import read_onnx
from .onnx_facts import (
    FormatError,
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
