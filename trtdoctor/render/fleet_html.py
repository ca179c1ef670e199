"""A fleet as one web page: the matrix first, then each group."""

from __future__ import annotations

from dataclasses import dataclass

from trtdoctor.model.fleet import Fleet, FleetCheck, Group, State
from trtdoctor.model.report import Severity, Verdict

from .fleet import (
    MOST_CHECKS,
    closing,
    fleet_line,
    grave_rows,
    group_title,
    machines,
    not_counted,
    severities,
    state_word,
    trait_rows,
    worded,
)

# A page of more is slow to open and nobody reads so far.
_MOST_GROUPS, _MOST_MACHINES, _MOST_FILES = 60, 500, 200
_SIGNS = {
    State.FAILED: "✗",
    State.UNDECIDED: "?",
    State.NOT_CHECKED: "·",
    State.PASSED: "✓",
    State.NOT_APPLICABLE: "–",  # noqa: RUF001  the dash is meant
    State.CLEAR: "✓",
}


@dataclass(frozen=True)
class _Mark:
    kind: str
    sign: str
    word: str


def render_fleet_html(fleet: Fleet) -> str:
    """The fleet as a page that needs no network."""
    from markupsafe import Markup

    from .page.shell import environment, page

    groups = fleet.groups[:_MOST_GROUPS]
    more = len(fleet.groups) - len(groups)
    body = (
        environment()
        .get_template("fleet.html.j2")
        .render(
            fleet=fleet,
            verdict=fleet_line(fleet),
            rows=grave_rows(fleet, all_of_them=True),
            most=MOST_CHECKS,
            groups=groups,
            heads=[machines(len(group.machines)) for group in groups],
            titles=[group_title(number, group) for number, group in enumerate(groups, 1)],
            kinds=[_kind(group) for group in groups],
            marks=_mark,
            traits=trait_rows,
            count=machines,
            severity=severities(fleet),
            worded=worded,
            section=not_counted(fleet, _MOST_FILES),
            most_machines=_MOST_MACHINES,
            hidden=f"{more:,} more groups are not on this page; -o fleet.json has them."
            if more
            else "",
        )
    )
    return page(f"trtdoctor: {fleet_line(fleet)}", Markup(body), closing(fleet))


def _kind(group: Group) -> str:
    if group.verdict is Verdict.INCONCLUSIVE:
        return "unknown"
    if group.verdict is Verdict.HEALTHY:
        return "healthy"
    return "error" if group.machines[0].worst is Severity.ERROR else "warning"


def _mark(group: Group, row: FleetCheck) -> _Mark:
    state = group.states.get(row.check.label, State.NOT_CHECKED)
    kind = row.check.severity.value if state is State.FAILED else state.value
    return _Mark(kind, _SIGNS.get(state, "?"), state_word(group, row.check.label))
