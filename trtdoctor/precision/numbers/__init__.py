"""What FP16 does to values: the gate that every remedy which lowers precision has to ask.

The first part goes by the operators' pattern alone. What is not shown to be safe is kept.
"""

from __future__ import annotations

from .gate import Cleared, Gate, Kept, Verdict, fragile
from .network_tensors import wide_tensors

__all__ = ["Cleared", "Gate", "Kept", "Verdict", "fragile", "wide_tensors"]
