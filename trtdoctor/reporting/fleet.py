"""Machines grouped by what was found on them, and what tells each group from most of the fleet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from trtdoctor.model.fleet import (
    Fleet,
    FleetCheck,
    FleetMachine,
    Group,
    GroupFinding,
    GroupOpen,
    NotCounted,
    State,
    Traits,
    Why,
)
from trtdoctor.model.report import CheckInfo, CheckKey, Redaction, Severity, Tool, Verdict

from .fleet_notes import fleet_notes, old_first
from .fleet_summary import Summary

T = TypeVar("T", bound=Hashable)
TRAITS = {
    "gpus": "GPU",
    "driver": "driver",
    "cuda": "CUDA",
    "cuda_runtimes": "CUDA runtimes",
    "tensorrt": "TensorRT",
}
# Of the checks that came out otherwise: somebody who reads so many reads the reports.
_MOST_DIFFERENT = 30
_GRAVITY = {Verdict.PROBLEMS: 0, Verdict.INCONCLUSIVE: 1, Verdict.HEALTHY: 2}


def put_together(
    summaries: Iterable[Summary],
    not_counted: Sequence[NotCounted],
    *,
    tool: Tool,
    created: str,
    share: bool = False,
) -> Fleet:
    """Make a fleet of the reports of its machines.

    Args:
        summaries: Of each report; where several are of one machine, the newest counts.
        not_counted: Files that are no machine's report.
        tool: Which trtdoctor does this.
        created: Now; UTC, ISO 8601.
        share: Replace names of machines and files by pseudonyms. Texts of the reports have to be
            without private data already.
    """
    found = list(summaries)
    counted, dropped = newest(found)
    named = _named(counted)
    notes = fleet_notes(named, created)
    left_out = [*not_counted, *dropped]
    pseudonyms = 0
    if share:
        named, left_out, notes = _shared(named, left_out, created)
        pseudonyms = len(named) + len(left_out)
    rows = _rows(counted)
    groups = _groups(named, rows)
    return Fleet(
        created=created,
        tool=tool,
        verdict=_verdict(groups, left_out),
        machines=len(counted),
        checks=tuple(rows.values()),
        groups=groups,
        not_counted=tuple(left_out),
        notes=notes,
        redaction=Redaction(
            applied=share and all(summary.knows_names for summary in found), count=pseudonyms
        ),
    )


def newest(summaries: Sequence[Summary]) -> tuple[list[Summary], list[NotCounted]]:
    """Of each machine and question the newest report, and why the others do not count."""
    kept: list[Summary] = []
    dropped = []
    digests: dict[bytes, Summary] = {}
    by_name: dict[Hashable, list[Summary]] = defaultdict(list)
    for summary in reversed(old_first(summaries)):
        if summary.digest in digests:
            reason = f"a copy of {digests[summary.digest].file}"
            dropped.append(NotCounted(file=summary.file, why=Why.DUPLICATE, reason=reason))
            continue
        digests[summary.digest] = summary
        alike = by_name[summary.machine.host, summary.asked]
        newer = None
        if summary.machine.host is not None:
            newer = next((s for s in alike if s.machine.may_be(summary.machine)), None)
        if newer is None:
            alike.append(summary)
            kept.append(summary)
            continue
        older = "another" if newer.taken == summary.taken else f"an older ({summary.taken})"
        reason = f"{older} report of {summary.machine.host}; {newer.file} ({newer.taken}) counts"
        dropped.append(NotCounted(file=summary.file, why=Why.DUPLICATE, reason=reason))
    return kept, dropped


def _named(summaries: Sequence[Summary]) -> list[tuple[str, Summary]]:
    """Each with a name that no other has, in the order of the names."""
    plain = [summary.machine.host or _stem(summary.file) for summary in summaries]
    often = Counter(plain)
    named = [
        (name if often[name] == 1 else f"{name} ({summary.file})", summary)
        for name, summary in zip(plain, summaries, strict=True)
    ]
    return sorted(named, key=lambda pair: pair[0])


def _stem(file: str) -> str:
    name = file.rpartition("/")[2]
    return name.removesuffix(".json") or file


def _shared(
    named: list[tuple[str, Summary]], left_out: list[NotCounted], created: str
) -> tuple[list[tuple[str, Summary]], list[NotCounted], tuple[str, ...]]:
    """The same under pseudonyms, numbered in the order of the names."""
    width = len(str(len(named)))
    hidden = [
        (f"<host-{number:0{width}}>", replace(summary, file=""))
        for number, (_, summary) in enumerate(named, 1)
    ]
    files = [
        NotCounted(
            file=f"<file-{number}>",
            why=file.why,
            reason="another report of the same machine"
            if file.why is Why.DUPLICATE
            else file.reason,
        )
        for number, file in enumerate(left_out, 1)
    ]
    return hidden, files, fleet_notes(hidden, created)


def _rows(summaries: Sequence[Summary]) -> dict[CheckKey, FleetCheck]:
    """The checks that found something or could not decide somewhere, the gravest first.

    What is only worth a note and could not be decided is not told: the fleet would differ everywhere.
    """
    failed: Counter[CheckKey] = Counter()
    undecided: Counter[CheckKey] = Counter()
    infos: dict[CheckKey, CheckInfo] = {}
    for summary in summaries:
        for key in summary.said:
            # A later version may judge a check graver.
            info, known = summary.checks[key], infos.get(key)
            found = summary.states[key] is State.FAILED
            if info.severity is Severity.INFO and not found:
                continue
            if known is None or info.severity.rank > known.severity.rank:
                infos[key] = info
            (failed if found else undecided)[key] += 1
    order = sorted(
        infos,
        key=lambda key: (
            infos[key].severity is Severity.INFO,
            failed[key] == 0,
            -infos[key].severity.rank,
            -failed[key],
            -undecided[key],
            key,
        ),
    )
    return {
        key: FleetCheck(check=infos[key], failed=failed[key], undecided=undecided[key])
        for key in order
    }


def _groups(
    named: Sequence[tuple[str, Summary]], rows: dict[CheckKey, FleetCheck]
) -> tuple[Group, ...]:
    alike: dict[Hashable, list[tuple[str, Summary]]] = defaultdict(list)
    for name, summary in named:
        said = tuple(_state(summary, key).said for key in rows)
        # The severity is a version's own.
        grave = tuple(
            summary.checks[key].severity
            for key, it in zip(rows, said, strict=True)
            if it is State.FAILED
        )
        alike[said, grave, summary.verdict, summary.traits].append((name, summary))
    fleet = [summary for _, summary in named]
    usual = _Usual(fleet, rows)
    groups = [_group(members, rows, usual) for members in alike.values()]
    return tuple(sorted(groups, key=lambda group: _order(group, len(named))))


def _order(group: Group, number: int) -> tuple[bool, int, int, int, str]:
    """Most of the fleet comes last, before it the gravest first, and of these the smallest."""
    worst = group.machines[0].worst
    return (
        2 * len(group.machines) > number,
        _GRAVITY[group.verdict],
        -(worst.rank if worst else -1),
        len(group.machines),
        group.machines[0].name,
    )


def _state(summary: Summary, key: CheckKey) -> State:
    return summary.states.get(key, State.NOT_CHECKED)


class _Usual:
    """What more than half of the fleet has in common, trait by trait and check by check."""

    def __init__(self, fleet: Sequence[Summary], rows: Iterable[CheckKey]) -> None:
        number = len(fleet)
        self.traits = {
            trait: _majority((getattr(s.traits, trait) for s in fleet), number) for trait in TRAITS
        }
        self.states = {key: _majority((_state(s, key).said for s in fleet), number) for key in rows}


def _majority(values: Iterable[T], number: int) -> tuple[T, int] | None:
    for value, times in Counter(values).most_common(1):
        return (value, times) if value is not None and 2 * times > number else None
    return None


def _group(
    members: Sequence[tuple[str, Summary]], rows: dict[CheckKey, FleetCheck], usual: _Usual
) -> Group:
    summaries = [summary for _, summary in members]
    first = summaries[0]
    labels = {key: row.check.label for key, row in rows.items()}
    states = {key: _together(_state(s, key) for s in summaries) for key in rows}
    return Group(
        machines=tuple(_machine(name, summary) for name, summary in members),
        verdict=first.verdict,
        traits=first.traits,
        differs=(
            *_other_traits(first.traits, usual),
            *_at_most(_MOST_DIFFERENT, _other_states(states, rows, usual)),
        ),
        findings=tuple(
            _finding(labels[key], key, summaries)
            for key, state in states.items()
            if state is State.FAILED
        ),
        undecided=tuple(
            GroupOpen(check=labels[key], reason=_most(s.said[key].text for s in summaries))
            for key, state in states.items()
            if state is State.UNDECIDED
        ),
        states={labels[key]: state for key, state in states.items()},
    )


def _machine(name: str, summary: Summary) -> FleetMachine:
    return FleetMachine(
        name=name,
        file=summary.file or None,
        taken=summary.taken,
        version=summary.version,
        knowledge=summary.knowledge,
        verdict=summary.verdict,
        worst=summary.worst,
        open=summary.open,
    )


def _together(states: Iterable[State]) -> State:
    """The one state, or that all have in common."""
    different = set(states)
    return different.pop() if len(different) == 1 else State.CLEAR


def _most(texts: Iterable[str]) -> str:
    return Counter(texts).most_common(1)[0][0]


def _finding(label: str, key: CheckKey, summaries: Sequence[Summary]) -> GroupFinding:
    said = Counter(summary.said[key] for summary in summaries)
    first = said.most_common(1)[0][0]
    wordings = len({it.text for it in said})
    return GroupFinding(check=label, message=first.text, wordings=wordings, remedy=first.remedy)


def _other_traits(traits: Traits, usual: _Usual) -> Iterator[str]:
    for trait, word in TRAITS.items():
        common, own = usual.traits[trait], getattr(traits, trait)
        if common is not None and own != common[0]:
            value, number = common
            here = f"no {word}" if own == "none" else f"{word} {own or 'unknown'}"
            yield f"{here} where {_others(number)} {value}"


def _at_most(number: int, told: Iterator[str]) -> Iterator[str]:
    yield from islice(told, number)
    if more := sum(1 for _ in told):
        yield f"and {more:,} more checks came out otherwise"


def _other_states(
    states: dict[CheckKey, State], rows: dict[CheckKey, FleetCheck], usual: _Usual
) -> Iterator[str]:
    for key, state in states.items():
        common, own = usual.states[key], state.said
        if common is None or own is common[0]:
            continue
        check = rows[key].check
        # That a note is missing, or was not looked for, makes no machine odd.
        if check.severity is not Severity.INFO or own is State.FAILED:
            yield _told(check.label, own, *common)


def _told(label: str, own: State, usual: State, number: int) -> str:
    others = f"{number} {'other' if number == 1 else 'others'}"
    do = "does" if number == 1 else "do"
    if own is State.FAILED:
        return f"finding {label}, which {others} {do} not have"
    if usual is State.FAILED:
        without = "not found here" if own is State.CLEAR else f"{own.value.replace('_', ' ')} here"
        return f"{label} {without}, but found on {others}"
    here = {
        State.UNDECIDED: "undecided here",
        State.NOT_CHECKED: "not checked here",
        State.CLEAR: "no problem here",
    }
    there = {
        State.UNDECIDED: "undecided",
        State.NOT_CHECKED: "not checked",
        State.CLEAR: "no problem",
    }
    return f"{label} {here[own]}, {there[usual]} on {others}"


def _others(number: int) -> str:
    return "1 other has" if number == 1 else f"{number} others have"


def _verdict(groups: Sequence[Group], left_out: Sequence[NotCounted]) -> Verdict:
    verdicts = {group.verdict for group in groups}
    if Verdict.PROBLEMS in verdicts:
        return Verdict.PROBLEMS
    unread = any(file.why is Why.UNREADABLE for file in left_out)
    if unread or Verdict.INCONCLUSIVE in verdicts or not groups:
        return Verdict.INCONCLUSIVE
    return Verdict.HEALTHY
