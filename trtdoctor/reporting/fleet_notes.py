"""What a reader has to know to judge a fleet: old reports, several versions, names that say little."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

from .fleet_summary import Summary

OLD_DAYS = 30
"""A report of so many days ago is told as an old one."""
# Clocks of a fleet agree no better.
_AHEAD = timedelta(hours=1)
_MOST_NAMED = 5
_EVER = datetime.min.replace(tzinfo=timezone.utc)

Named = Sequence[tuple[str, Summary]]


def fleet_notes(named: Named, created: str) -> tuple[str, ...]:
    """A sentence for each thing; ``named`` holds the machines' names and their reports."""
    return tuple(
        note
        for notes in (
            _versions(named),
            _ages(named, created),
            _pseudonyms(named),
            _same_names(named),
            _several_questions(named),
        )
        for note in notes
    )


def old_first(summaries: Sequence[Summary]) -> list[Summary]:
    """By the time of the look; what tells no time is the oldest, and equal ones go by their file."""
    return sorted(summaries, key=lambda s: (_time(s.taken) or _EVER, s.file))


def _versions(named: Named) -> Iterator[str]:
    versions = Counter(summary.version for _, summary in named)
    if len(versions) > 1:
        yield (
            f"The reports were made by different versions of trtdoctor: {_tally(versions)}. What a version "
            "does not check is told as not checked; 'trtdoctor report rejudge REPORT.json -o NEW.json' "
            "judges a report anew by this version."
        )
    dates = Counter(summary.knowledge for _, summary in named)
    if len(dates) > 1:
        yield f"Their tables of what NVIDIA documents are of different dates: {_tally(dates)}."


def _ages(named: Named, created: str) -> Iterator[str]:
    now = _time(created)
    if now is None:
        return
    times = [(name, summary.taken, _time(summary.taken)) for name, summary in named]
    old = [
        (name, taken)
        for name, taken, time in times
        if time is not None and now - time > timedelta(days=OLD_DAYS)
    ]
    if old:
        listed = _some([f"{name} ({taken[:10]})" for name, taken in old])
        yield f"{_reports(len(old))} older than {OLD_DAYS} days; check these machines again: {listed}."
    ahead = [name for name, _, time in times if time is not None and time - now > _AHEAD]
    if ahead:
        yield (
            f"{_reports(len(ahead))} dated in the future, so a clock is wrong there or here: "
            f"{_some(ahead)}."
        )
    undated = [name for name, _, time in times if time is None]
    if undated:
        yield f"{_reports(len(undated))} without a time that can be read: {_some(undated)}."


def _pseudonyms(named: Named) -> Iterator[str]:
    number = sum(summary.redacted for _, summary in named)
    if number:
        yield (
            f"{_reports(number)} without names (--share), so that the machine is named after its file, "
            "and two reports of it would count as two machines."
        )


def _same_names(named: Named) -> Iterator[str]:
    told = set()
    for (host, _), hosts in _by(named, lambda s: (s.machine.host, s.asked), lambda s: s.machine):
        if len(hosts) > 1 and host not in told:
            told.add(host)
            yield (
                f"{len(hosts)} reports are of machines called {host} and each counts as a machine: their "
                "GPUs are different or unknown."
            )


def _several_questions(named: Named) -> Iterator[str]:
    for (host, _), asked in _by(named, lambda s: (s.machine.host, None), lambda s: s.asked):
        if len(asked) > 1:
            yield (
                f"{host} has {len(asked)} reports, of different Pythons (--python) or files; each counts "
                "as a machine."
            )


def _by(
    named: Named,
    key: Callable[[Summary], tuple[str | None, object]],
    value: Callable[[Summary], object],
) -> Iterator[tuple[tuple[str | None, object], set[object]]]:
    found: dict[tuple[str | None, object], set[object]] = defaultdict(set)
    for _, summary in named:
        # Where the file is hidden the names are.
        if summary.machine.host is not None and summary.file:
            found[key(summary)].add(value(summary))
    yield from found.items()


def _reports(number: int) -> str:
    return "1 report is" if number == 1 else f"{number} reports are"


def _tally(counted: Counter[str]) -> str:
    return ", ".join(f"{word} ({number})" for word, number in counted.most_common())


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _time(text: str) -> datetime | None:
    """A time of the document; None where it is none."""
    try:
        # Python 3.10 knows no Z.
        time = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
