"""Reads an engine's layers from the engine inspector's output, trtexec's, or a build log."""

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
