"""Reads an engine's layers from the engine inspector's output, trtexec's, or a build log."""

from __future__ import annotations

from .dialects import MAX_BYTES, MAX_LAYERS, read_layers
from .layers_file import Dialect, FormatError, LayersFile, Verbosity

__all__ = [
    "MAX_BYTES",
    "MAX_LAYERS",
    "Dialect",
    "FormatError",
    "LayersFile",
    "Verbosity",
    "read_layers",
]
