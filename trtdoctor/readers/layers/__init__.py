"""Reads an engine's layers from the inspector's text, JSON or a log, never judging precisions."""

from __future__ import annotations

from ..errors import FormatError
from .bounds import MAX_LAYERS
from .dialects import MAX_BYTES, read_layers
from .layers_file import Dialect, LayersFile, Verbosity

__all__ = [
    "MAX_BYTES",
    "MAX_LAYERS",
    "Dialect",
    "FormatError",
    "LayersFile",
    "Verbosity",
    "read_layers",
]
