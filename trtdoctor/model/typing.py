"""Who decides precision, in one word."""

from __future__ import annotations

from .base import Vocabulary


class Typing(Vocabulary):
    """Who decides precision: the builder (weak), the model's types (strong), either (both)."""

    WEAK = "weak"
    STRONG = "strong"
    BOTH = "both"
    UNKNOWN = "unknown"
