"""Reads the types and nodes of ONNX models, and never guesses a type not told.

Weights are read by `weights` alone, which is imported where it is used.
"""

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
from .weight_numbers import FloatNumbers, TensorNumbers, WeightNumbers

__all__ = [
    "FloatNumbers",
    "FormatError",
    "OnnxFacts",
    "OnnxInitializer",
    "OnnxNode",
    "OnnxUnavailable",
    "OnnxValue",
    "TensorNumbers",
    "TensorType",
    "WeightNumbers",
    "read_onnx",
]
