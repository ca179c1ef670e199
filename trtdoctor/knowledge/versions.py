"""Comparing versions with the bounds of tables, without ever guessing a missing component."""

from __future__ import annotations


class Undecided(Exception):
    """The version asked is too short, or no version at all, to be compared with a bound."""


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: ``10.16.1.11`` is ``(10, 16, 1, 11)``.

    Raises:
        Undecided: the text is no version.
    """
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version).release
    except (InvalidVersion, TypeError) as exc:
        raise Undecided(version) from exc


def compare(version: tuple[int, ...], bound: str) -> int:
    """-1, 0 or 1: ``version`` is before, within or after ``bound``.

    A bound stands for all versions that begin with it: ``10.4.0.26`` is within ``10.4``.

    Raises:
        Undecided: ``version`` is shorter than ``bound`` and agrees as far as it goes.
    """
    wanted = release(bound)
    have = version[: len(wanted)]
    if len(have) < len(wanted) and have == wanted[: len(have)]:
        raise Undecided(bound)
    return (have > wanted) - (have < wanted)


def within(version: tuple[int, ...], first: str, last: str) -> bool:
    """Whether a version lies between two bounds, both included.

    Raises:
        Undecided: see :func:`compare`.
    """
    return compare(version, first) >= 0 and compare(version, last) <= 0
