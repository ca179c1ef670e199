"""Converts a model to FP16 or BF16, all of it but the nodes that are to stay in FP32."""

from __future__ import annotations

from .convert import convert, write_model
from .result import Change, Converted, LeftWide

__all__ = ["Change", "Converted", "LeftWide", "convert", "write_model"]
