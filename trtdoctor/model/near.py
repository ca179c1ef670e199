"""What somebody may have meant by a word that names nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 3
_LIKENESS = 0.55
# In characters: no name is longer, and comparing takes time by the square of it.
_LONGEST = 80


def near(word: str, words: Iterable[str]) -> tuple[str, ...]:
    """The words that are written much like ``word``, the likeliest first, at most three.

    Case does not count, and neither does ``_`` for ``-``; what begins with ``word`` counts as alike.
    """
    wanted = _plain(word[:_LONGEST])
    by_plain: dict[str, str] = {}
    for known in words:
        by_plain.setdefault(_plain(known), known)
    if not wanted:
        return ()
    begun = [plain for plain in by_plain if len(wanted) > 2 and plain.startswith(wanted)]
    alike = difflib.get_close_matches(wanted, by_plain, n=_MOST, cutoff=_LIKENESS)
    if alike and difflib.SequenceMatcher(None, wanted, alike[0]).ratio() > 0.8:
        # One is meant without doubt; others that share half of its letters only distract.
        best = difflib.get_close_matches(wanted, alike, n=_MOST, cutoff=0.8)
        return tuple(by_plain[plain] for plain in best)
    return tuple(by_plain[plain] for plain in dict.fromkeys([*begun, *alike]))[:_MOST]


def did_you_mean(word: str, words: Iterable[str], *, otherwise: str = "") -> str:
    """``did you mean A or B?``, or ``otherwise`` where nothing is written like ``word``."""
    found = near(word, words)
    if not found:
        return otherwise
    listed = " or ".join((", ".join(found[:-1]), found[-1]) if len(found) > 1 else found)
    return f"did you mean {listed}?"


def shown(word: str) -> str:
    """The word in quotes, and of a long one only its beginning."""
    return repr(word if len(word) <= _LONGEST else f"{word[:_LONGEST]}...")


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-")
