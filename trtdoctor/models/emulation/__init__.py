"""Runs a model node by node, with any of them in FP16 or BF16 and every value looked at.

A whole FP16 graph given to onnxruntime's CPU is lifted to FP32 and hides what FP16 does. Here each
node computes in FP32, as a kernel that accumulates in FP32 does, and what it reads and makes is
rounded: what Casts around it would do.
"""

from __future__ import annotations

from .backends import BACKENDS, Backend, NoBackend, find_backend
from .errors import Deviation, deviation
from .network import Network, Values
from .rounding import Rounding

__all__ = [
    "BACKENDS",
    "Backend",
    "Deviation",
    "Network",
    "NoBackend",
    "Rounding",
    "Values",
    "deviation",
    "find_backend",
]
