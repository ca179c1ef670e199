"""A fleet as Markdown, for a ticket or a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.fleet import Fleet, Group
from trtdoctor.model.report import Severity

from .fleet import (
    MOST_CHECKS,
    closing,
    columns_of,
    fleet_line,
    grave_rows,
    group_title,
    names,
    not_counted,
    severities,
    state_word,
    trait_rows,
    worded,
)
from .markdown import as_text

# More would be wider and longer than anybody reads; JSON has them.
_MOST_COLUMNS, _MOST_GROUPS = 12, 40


def render_fleet_markdown(fleet: Fleet) -> str:
    """The fleet as GitHub-flavoured Markdown; whatever the reports hold is escaped."""
    return "\n".join(_lines(fleet)) + "\n"


def _lines(fleet: Fleet) -> Iterator[str]:
    yield f"### trtdoctor: {as_text(fleet_line(fleet))}"
    grave = severities(fleet)
    for number, group in enumerate(fleet.groups[:_MOST_GROUPS], 1):
        yield from _group(number, group, grave)
    more = len(fleet.groups) - _MOST_GROUPS
    if more > 0:
        yield from ("", f"And {more:,} more groups; -o fleet.json has all of them.")
    yield from _matrix(fleet)
    section = not_counted(fleet)
    if section is not None:
        yield from ("", f"#### {as_text(section.title)}", "")
        yield from (
            f"- {as_text(file)}: {why}: {as_text(text)}" for file, why, text in section.rows
        )
        if section.note:
            yield f"- {as_text(section.note)}"
    if fleet.notes:
        yield from ("", "#### To know", "")
        yield from (f"- {as_text(note)}" for note in fleet.notes)
    yield from ("", f"<sub>{as_text(closing(fleet))}</sub>")


def _group(number: int, group: Group, grave: dict[str, Severity]) -> Iterator[str]:
    yield from ("", f"#### {as_text(group_title(number, group))}", "", "| | |", "| --- | --- |")
    yield f"| Machines | {as_text(names(group))} |"
    for text in group.differs:
        yield f"| **Differs** | **{as_text(text)}** |"
    yield from (f"| {label} | {as_text(text)} |" for label, text in trait_rows(group))
    lines = []
    for finding in group.findings[:MOST_CHECKS]:
        severity = grave.get(finding.check, Severity.INFO)
        if severity is Severity.INFO:
            continue
        told = f"{as_text(finding.message)}{worded(finding.wordings)}"
        lines.append(f"- {severity.value} **{as_text(finding.check)}**: {told}")
        if finding.remedy:
            lines.append(f"  - remedy: {as_text(finding.remedy)}")
    for open_ in group.undecided[:MOST_CHECKS]:
        lines.append(f"- undecided **{as_text(open_.check)}**: {as_text(open_.reason)}")
    if lines:
        yield from ("", *lines)


def _matrix(fleet: Fleet) -> Iterator[str]:
    rows = grave_rows(fleet, all_of_them=False)
    if not rows:
        return
    groups = fleet.groups[:_MOST_COLUMNS]
    yield from ("", "#### Checks and groups", "")
    yield f"| Check | {' | '.join(f'group {head}' for head in columns_of(groups))} |"
    yield f"| --- |{' --- |' * len(groups)}"
    for row in rows:
        cells = []
        for group in groups:
            word = state_word(group, row.check.label)
            cells.append(f"**{word}**" if word == "found" else word)
        yield f"| {as_text(row.check.label)} | {' | '.join(cells)} |"
    more = len(fleet.groups) - len(groups)
    if more:
        yield from ("", f"{more:,} more groups do not fit here; -o fleet.html has them.")
