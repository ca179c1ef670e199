"""A fleet for a person at a terminal: the odd groups first, then the matrix, the verdict last."""

from __future__ import annotations

import io

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trtdoctor.model.fleet import Fleet, Group, State
from trtdoctor.model.report import Severity, Verdict

from .common import clean, flat, one_line
from .fleet import (
    MOST_CHECKS,
    MOST_FILES,
    MOST_NAMES,
    closing,
    columns_of,
    fleet_line,
    grave_rows,
    group_title,
    names,
    not_counted,
    severities,
    trait_rows,
    worded,
)
from .terminal import TerminalOptions

# The rest of a fleet that is different everywhere is for JSON and the page.
_MOST_GROUPS = 20
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_VERDICTS = {Verdict.HEALTHY: "bold green", Verdict.PROBLEMS: "bold red"}
_MARKS = {
    State.FAILED: ("✗", "x"),
    State.UNDECIDED: ("?", "?"),
    State.NOT_CHECKED: ("·", "."),
    State.PASSED: ("✓", "+"),
    State.NOT_APPLICABLE: ("-", "-"),
    State.CLEAR: ("✓", "+"),
}
_SEVERE = {Severity.ERROR: ("✗", "x"), Severity.WARNING: ("!", "!"), Severity.INFO: ("i", "i")}
# The most columns for a check's label beside the matrix.
_LABEL = 48


def render_fleet_terminal(fleet: Fleet, options: TerminalOptions) -> str:
    """The fleet as text, with escape sequences for colour if asked for."""
    return _Screen(options).render(fleet)


class _Screen:
    def __init__(self, options: TerminalOptions) -> None:
        self._options = options
        self._ascii = 0 if options.unicode else 1
        self._width = max(40, options.width)
        self._buffer = io.StringIO()
        self._console = Console(
            file=self._buffer,
            width=self._width,
            force_terminal=options.color,
            no_color=not options.color,
            color_system="standard" if options.color else None,
            highlight=False,
            legacy_windows=False,
            safe_box=not options.unicode,
        )

    def render(self, fleet: Fleet) -> str:
        if not self._options.quiet:
            self._groups(fleet)
            self._matrix(fleet)
            self._rest(fleet)
            self._console.print()
        line = Text(clean(fleet_line(fleet)), _VERDICTS.get(fleet.verdict, "bold magenta"))
        # In quiet mode it is the one line that programs read.
        self._console.print(line, soft_wrap=self._options.quiet)
        lines = (line.rstrip() for line in self._buffer.getvalue().splitlines())
        return "\n".join(lines).strip("\n") + "\n"

    def _print(self, *parts: tuple[str, str], indent: int = 0) -> None:
        text = Text.assemble(*((clean(text), style) for text, style in parts))
        self._console.print(Padding(text, (0, 0, 0, indent)))

    def _rows(self, rows: list[tuple[str, str, str]], indent: int) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, text, style in rows:
            table.add_row(Text(clean(label), "dim"), Text(clean(text), style))
        self._console.print(Padding(table, (0, 0, 0, indent)))

    def _groups(self, fleet: Fleet) -> None:
        self._print((closing(fleet), "dim"))
        grave = severities(fleet)
        shown = fleet.groups if self._options.verbose else fleet.groups[:_MOST_GROUPS]
        for number, group in enumerate(shown, 1):
            self._console.print()
            self._group(number, group, grave)
        more = len(fleet.groups) - len(shown)
        if more:
            self._console.print()
            self._print((f"... and {more:,} more groups; -v shows all of them", "dim"))

    def _group(self, number: int, group: Group, grave: dict[str, Severity]) -> None:
        self._print((group_title(number, group), "bold"))
        most = None if self._options.verbose else MOST_NAMES
        rows = [("Machines", names(group, most), "")]
        differs = [one_line(text) for text in group.differs]
        rows += [("Differs" if n == 0 else "", text, "bold") for n, text in enumerate(differs)]
        if self._options.verbose or group.machines[0].verdict is not Verdict.HEALTHY or not differs:
            rows += [(label, one_line(text), "") for label, text in trait_rows(group)]
        found = [
            (grave.get(finding.check, Severity.INFO), finding)
            for finding in group.findings[:MOST_CHECKS]
        ]
        notes = [one_line(it.check) for severity, it in found if severity is Severity.INFO]
        if notes and not self._options.verbose:
            if not differs:
                rows.append(("Notes", ", ".join(notes), "dim"))
            found = [(severity, it) for severity, it in found if severity is not Severity.INFO]
        self._rows(rows, 2)
        for severity, finding in found:
            mark = _SEVERE[severity][self._ascii]
            self._print(
                (f"{mark} ", _STYLES[severity]), (one_line(finding.check), "bold"), indent=2
            )
            self._print((f"{one_line(finding.message)}{worded(finding.wordings)}", ""), indent=4)
            if finding.remedy:
                self._rows([("remedy", one_line(finding.remedy), "")], 4)
        for open_ in group.undecided[:MOST_CHECKS]:
            self._print(("? ", "magenta"), (one_line(open_.check), "bold"), indent=2)
            self._print((one_line(open_.reason), ""), indent=4)

    def _matrix(self, fleet: Fleet) -> None:
        rows = grave_rows(fleet, all_of_them=bool(self._options.verbose))
        if not rows:
            return
        label = min(_LABEL, self._width // 2, 4 + max(len(row.check.label) for row in rows))
        heads = columns_of(fleet.groups)
        room = max(1, (self._width - 2 - label) // (2 + max(map(len, heads))))
        groups = fleet.groups[:room]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("Check; group (machines)", overflow="fold")
        for head in heads[:room]:
            table.add_column(head, justify="center", no_wrap=True)
        for row in rows:
            states = (group.states.get(row.check.label, State.NOT_CHECKED) for group in groups)
            cells = [_MARKS.get(state, ("?", "?"))[self._ascii] for state in states]
            mark = _SEVERE[row.check.severity][self._ascii]
            named = Text.assemble(
                (f"{mark} ", _STYLES[row.check.severity]), one_line(row.check.label)
            )
            table.add_row(named, *(Text(cell) for cell in cells))
        self._console.print()
        self._print(("Checks and groups", "bold"))
        self._console.print(Padding(table, (0, 0, 0, 2)))
        legend = {
            _MARKS[State.FAILED]: "found",
            _MARKS[State.UNDECIDED]: "undecided",
            _MARKS[State.CLEAR]: "no problem",
            _MARKS[State.NOT_APPLICABLE]: "does not apply",
            _MARKS[State.NOT_CHECKED]: "not checked",
        }
        told = ", ".join(f"{marks[self._ascii]} {word}" for marks, word in legend.items())
        more = len(fleet.groups) - len(groups)
        beyond = f"; not all groups fit here, -o fleet.html has {more:,} more" if more else ""
        self._print((f"{told}{beyond}", "dim"), indent=2)

    def _rest(self, fleet: Fleet) -> None:
        section = not_counted(fleet, None if self._options.verbose else MOST_FILES)
        if section is not None:
            self._console.print()
            self._print((section.title, "bold"))
            for file, why, reason in section.rows:
                self._print(
                    (f"{flat(file)}: ", ""), (f"{why}: ", "dim"), (one_line(reason), ""), indent=2
                )
            if section.note:
                self._print((section.note, "dim"), indent=2)
        if fleet.notes:
            self._console.print()
            self._print(("To know", "bold"))
            for note in fleet.notes:
                self._print((one_line(note), ""), indent=2)
