"""How many of something, in words: the one place that knows a plural."""

from __future__ import annotations

_SIBILANTS = ("s", "x", "z", "ch", "sh")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 layer``, ``2 layers``, ``1,200 entries``; ``plural`` only where English has its own.

    Of several words the last one is the noun: ``count(2, "compute layer")``.
    """
    return f"{number:,} {noun if number == 1 else plural or _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith(_SIBILANTS):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"
