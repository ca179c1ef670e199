"""Converts ONNX models from FP32 to FP16 or BF16, all nodes but those that are to be kept.

Casts stand only where a value really changes its type, one for all its readers. No number is clamped
in silence: what does not fit is either harmless (a mask, a bound), or its readers stay in FP32.
"""

from __future__ import annotations

from .convert import Converted, convert
from .load import load_model
from .write import write_model

__all__ = ["Converted", "convert", "load_model", "write_model"]
