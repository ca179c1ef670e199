"""Reads what the engine inspector, trtexec or a build log tell of an engine's layers, in every dialect."""

from __future__ import annotations

from .model import Dialect, FormatError, LayersFile, Verbosity
from .reader import MAX_BYTES, MAX_LAYERS, read_layers

__all__ = [
    "MAX_BYTES",
    "MAX_LAYERS",
    "Dialect",
    "FormatError",
    "LayersFile",
    "Verbosity",
    "read_layers",
]
