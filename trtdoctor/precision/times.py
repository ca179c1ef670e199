"""How times are shown; all are given in milliseconds."""

from __future__ import annotations


def in_us(ms: float) -> str:
    """A time in microseconds, as people compare kernels."""
    return f"{ms * 1000:.2f} us"


def signed_us(ms: float) -> str:
    """A difference in microseconds, with its sign."""
    return f"{ms * 1000:+.2f} us"


def us_or_ms(ms: float) -> str:
    """A time in the unit that fits it: microseconds, or milliseconds from one on."""
    return in_us(ms) if ms < 1.0 else f"{ms:.3f} ms"
