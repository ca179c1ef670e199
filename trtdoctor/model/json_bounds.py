"""How much structure JSON may have that somebody else wrote, counted before it is parsed.

Bytes are no bound: an object of two bytes costs a hundred times as many once parsed, and microseconds
to read. What no file of this size holds is refused instead. Real files (reports, recordings, the
inspector's output, profiles) have an object in 260 bytes, an array in 130, a key in 40 and a value
in 35; small ones may be as dense as they like.
"""

from __future__ import annotations

from typing import NamedTuple


class _Limit(NamedTuple):
    """At most ``base`` in any text, and one more in each ``spacing`` characters of it."""

    words: str
    mark: str
    base: int
    spacing: int


_LIMITS = (
    _Limit("objects", "{", 250_000, 100),
    _Limit("lists", "[", 500_000, 50),
    _Limit("keys", ":", 500_000, 30),
    _Limit("values", ",", 1_000_000, 16),
)


def excess(text: str | bytes) -> str | None:
    """What a JSON text holds too much of to be parsed, in words; None where it may be.

    Marks inside strings count too, so that the true number is never above the one that is told.
    """
    for limit in _LIMITS:
        most = limit.base + len(text) // limit.spacing
        found = text.count(limit.mark) if isinstance(text, str) else text.count(limit.mark.encode())
        if found > most:
            return f"it holds more than {most:,} {limit.words}"
    return None
