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


def numbers(version: str | None) -> tuple[int, ...] | None:
    """The numbers of a version, or None where the text is none: ``10.6.0.post2`` is ``(10, 6, 0)``."""
    try:
        return release(version) if version else None
    except Undecided:
        return None


def agree(one: str | None, other: str | None) -> bool | None:
    """Whether two versions are the same as far as both go; None where either is no version.

    ``10.9.0`` of a file's name agrees with ``10.9.0.34`` of a package; post-releases are repackagings.
    """
    left, right = numbers(one), numbers(other)
    if left is None or right is None:
        return None
    shared = min(len(left), len(right))
    return left[:shared] == right[:shared]


def capability(cc: str) -> tuple[int, ...]:
    """A compute capability's numbers, so that ``12.0`` is above ``9.0``."""
    return tuple(int(part) for part in cc.split(".") if part.isdigit())


def satisfies(version: str, specifier: str) -> bool | None:
    """Whether a version is in a range such as ``>=10.9.0,<10.10.0``; None where either is malformed."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None


def requirement(text: str) -> tuple[str, str] | None:
    """The normalised name and the range that a ``Requires-Dist`` asks for unconditionally.

    None where it holds in some environments or for an extra only, or is malformed.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return None
    return None if asked.marker else (canonicalize_name(asked.name), str(asked.specifier))
