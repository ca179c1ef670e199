"""What a layer computes in, its role, and how much of an engine is FP16."""

from __future__ import annotations

from .classify import classify, classify_layers
from .roles import role_of
from .shares import converts, named_alone, summarize
from .tactics import TacticReading, read_tactic, uses_tensor_cores

__all__ = [
    "TacticReading",
    "classify",
    "classify_layers",
    "converts",
    "named_alone",
    "read_tactic",
    "role_of",
    "summarize",
    "uses_tensor_cores",
]
