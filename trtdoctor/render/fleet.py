"""What all formats tell of a fleet: its sentences, its tables and the marks of its matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from trtdoctor.model.fleet import Fleet, FleetCheck, Group, State, Why
from trtdoctor.model.report import Severity, Verdict

from .common import one_line

TRAITS = {
    "gpus": "GPU",
    "driver": "Driver",
    "cuda": "CUDA",
    "cuda_runtimes": "CUDA runtimes",
    "tensorrt": "TensorRT",
}
STATES = {
    State.FAILED: "found",
    State.UNDECIDED: "undecided",
    State.NOT_CHECKED: "not checked",
    State.PASSED: "passed",
    State.NOT_APPLICABLE: "does not apply",
    State.CLEAR: "passed or does not apply",
}
# Enough to begin with; JSON has all of them.
MOST_NAMES, MOST_FILES = 8, 20
# No sound fleet has so many; what somebody made up may.
MOST_CHECKS = 200
_WHY = {
    Why.UNREADABLE: "cannot be read",
    Why.DUPLICATE: "duplicate",
    Why.OTHER_COMMAND: "not about a machine",
    Why.NO_REPORT: "no report",
}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many machines came out how; each is counted once, by its gravest."""

    errors: int
    warnings: int
    inconclusive: int
    healthy: int


def tally(fleet: Fleet) -> Tally:
    """Count the machines."""
    machines = [machine for group in fleet.groups for machine in group.machines]
    bad = [machine for machine in machines if machine.verdict is Verdict.PROBLEMS]
    errors = sum(machine.worst is Severity.ERROR for machine in bad)
    return Tally(
        errors=errors,
        warnings=len(bad) - errors,
        inconclusive=sum(m.verdict is Verdict.INCONCLUSIVE for m in machines),
        healthy=sum(m.verdict is Verdict.HEALTHY for m in machines),
    )


def machines(number: int) -> str:
    """``1 machine``, ``1,000 machines``."""
    return f"{number:,} machine{'' if number == 1 else 's'}"


def fleet_line(fleet: Fleet) -> str:
    """The verdict in one sentence."""
    all_of_them = machines(fleet.machines)
    unread = sum(file.why is Why.UNREADABLE for file in fleet.not_counted)
    counted = tally(fleet)
    missing = f"; {_files(unread)} could not be read" if unread else ""
    if fleet.verdict is Verdict.PROBLEMS:
        bad = counted.errors + counted.warnings
        kinds = {
            "with errors": counted.errors,
            "with warnings": counted.warnings,
            "inconclusive": counted.inconclusive,
            "healthy": counted.healthy,
        }
        told = ", ".join(f"{number:,} {word}" for word, number in kinds.items() if number)
        return f"Problems on {bad:,} of {all_of_them}: {told}{missing}. {_look_first(fleet)}"
    if fleet.verdict is Verdict.INCONCLUSIVE:
        if not counted.inconclusive:
            lost = missing.removeprefix("; ")
            return f"Inconclusive: no problems found on {all_of_them}, but {lost}."
        undecided = f"{counted.inconclusive:,} of {all_of_them} could not be fully checked"
        return f"Inconclusive: no problems found, but {undecided}{missing}."
    one = "the one machine" if fleet.machines == 1 else f"any of {all_of_them}"
    return f"Healthy: no errors and no warnings on {one}."


def _look_first(fleet: Fleet) -> str:
    """The machine to begin with: of the gravest, the one that differs most from the others."""
    first = next((g for g in fleet.groups if g.verdict is Verdict.PROBLEMS and _grave(g)), None)
    first = first or next((g for g in fleet.groups if g.findings), None)
    if first is None:
        return ""
    return f"Look first at {one_line(first.machines[0].name)}: {one_line(first.findings[0].check)}."


def _grave(group: Group) -> bool:
    return group.machines[0].worst is Severity.ERROR


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def group_title(number: int, group: Group) -> str:
    """``Group 1: 2 machines with errors``."""
    return f"Group {number}: {machines(len(group.machines))}{_came_out(group)}"


def _came_out(group: Group) -> str:
    """`` with errors``, `` with warnings``, ``, inconclusive`` or ``, healthy``."""
    if group.verdict is Verdict.PROBLEMS:
        return " with errors" if _grave(group) else " with warnings"
    return f", {group.verdict.value}"


def names(group: Group, most: int | None = MOST_NAMES) -> str:
    """The machines' names, as many as are asked for."""
    shown = [one_line(machine.name) for machine in group.machines[:most]]
    more = len(group.machines) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def trait_rows(group: Group) -> Iterator[tuple[str, str]]:
    """What the machines of a group have in common."""
    for trait, label in TRAITS.items():
        value: str | None = getattr(group.traits, trait)
        yield label, value or "unknown"


def worded(wordings: int) -> str:
    """What is told where a finding has other words on other machines."""
    return f"; worded in {wordings} ways" if wordings > 1 else ""


def severities(fleet: Fleet) -> dict[str, Severity]:
    """The severity of each check of the fleet, by its label."""
    return {row.check.label: row.check.severity for row in fleet.checks}


def grave_rows(fleet: Fleet, *, all_of_them: bool) -> tuple[FleetCheck, ...]:
    """The rows of the matrix; those of notes only if all are asked for."""
    rows = (row for row in fleet.checks if all_of_them or row.check.severity is not Severity.INFO)
    return tuple(islice(rows, MOST_CHECKS))


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Files that are no machine: each with what it is and why, and a note on how many more there are."""

    title: str
    rows: tuple[tuple[str, str, str], ...]
    note: str


def not_counted(fleet: Fleet, most: int | None = MOST_FILES) -> LeftOut | None:
    """The files that are no machine of the fleet; None where there are none."""
    files = fleet.not_counted
    if not files:
        return None
    order = {Why.UNREADABLE: 0, Why.DUPLICATE: 1, Why.OTHER_COMMAND: 2}
    ranked = sorted(files, key=lambda file: order.get(file.why, 3))
    shown = ranked[:most]
    more = len(files) - len(shown)
    return LeftOut(
        title=f"Not counted ({len(files):,})",
        rows=tuple((file.file, _WHY.get(file.why, str(file.why)), file.reason) for file in shown),
        note=f"and {more:,} more; -v or -o fleet.json has all of them" if more else "",
    )


def state_word(group: Group, label: str) -> str:
    """A cell of the matrix in words."""
    return STATES.get(group.states.get(label, State.NOT_CHECKED), "unknown")


def closing(fleet: Fleet) -> str:
    """Which trtdoctor told this, and when."""
    private = "; names are replaced by pseudonyms" if fleet.redaction.applied else ""
    tool = fleet.tool
    made = f"{tool.name} {tool.version}, knowledge of {tool.knowledge}"
    return f"{made}, put together {fleet.created}{private}"


def columns_of(groups: Sequence[Group]) -> tuple[str, ...]:
    """The heads of the matrix' columns: a group's number and its machines."""
    return tuple(f"{number} ({len(group.machines):,})" for number, group in enumerate(groups, 1))
