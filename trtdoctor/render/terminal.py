"""The report for a person at a terminal: the card, what was not seen, problems, the verdict last."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trtdoctor.model.finding import Command
from trtdoctor.model.report import Finding, Outcome, Report, Severity, Status, Verdict

from .commands import folded, headings
from .common import (
    clean,
    counts,
    failed,
    finding_details,
    flat,
    having,
    machine_rows,
    one_line,
    undecided,
    verdict_line,
)
from .one_line import render_one_line
from .section import Section, stretches
from .sections import report_sections

_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_VERDICTS = {Verdict.HEALTHY: "bold green", Verdict.PROBLEMS: "bold red"}


@dataclass(frozen=True, kw_only=True)
class TerminalOptions:
    """``width`` in columns; ``unicode`` false where the terminal's encoding lacks the marks.

    With ``quiet`` there is one line, of any length.
    """

    width: int = 100
    color: bool = False
    unicode: bool = True
    verbose: int = 0
    quiet: bool = False
    all_layers: bool = False


def render_terminal(report: Report, options: TerminalOptions) -> str:
    """The report as text, with escape sequences for colour if asked for."""
    if options.quiet:
        return render_one_line(report)
    return _Terminal(options).render(report)


class _Measured:
    """A column for rich: as wide as its cells need, of which rich itself prints the first.

    ``width`` is what rich gives to it, in columns of the terminal, once it was printed.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        self._first = cells[0]
        self._needs = Measurement(max(map(_widest_word, cells)), max(map(cell_len, cells)))
        self._wrapped: dict[str, list[str]] = {}
        self.width = 0

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return self._needs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.width = options.max_width
        yield Text(self._first)

    def lines(self, console: Console, cell: str) -> list[str]:
        """The cell's lines, each as wide as the column; none where no room is left for it."""
        if self.width < 1:
            return []
        if cell_len(cell) <= self.width:
            return [set_cell_size(cell, self.width)]
        if cell not in self._wrapped:
            wrapped = Text(cell).wrap(console, self.width, justify="left", overflow="fold")
            self._wrapped[cell] = [line.plain for line in wrapped]
        return self._wrapped[cell]


def _widest_word(cell: str) -> int:
    return max(map(cell_len, cell.split()), default=cell_len(cell))


class _Terminal:
    def __init__(self, options: TerminalOptions) -> None:
        self._options = options
        self._marks = (
            {"error": "✗", "warning": "!", "info": "i", "passed": "✓", "unknown": "?"}
            if options.unicode
            else {"error": "x", "warning": "!", "info": "i", "passed": "+", "unknown": "?"}
        )
        self._buffer = io.StringIO()
        self._console = Console(
            file=self._buffer,
            width=max(40, options.width),
            force_terminal=options.color,
            no_color=not options.color,
            color_system="standard" if options.color else None,
            highlight=False,
            legacy_windows=False,
            safe_box=not options.unicode,
        )

    def render(self, report: Report) -> str:
        self._card(report)
        self._engines(report)
        self._unseen(report)
        for severity in Severity:
            self._findings(report, severity)
        if self._options.verbose:
            self._rest(report)
        self._closing(report)
        text = self._buffer.getvalue()
        lines = (line.rstrip() for line in text.splitlines())
        return "\n".join(lines).strip("\n") + "\n"

    def _print(self, *parts: tuple[str, str]) -> None:
        self._console.print(Text.assemble(*((clean(text), style) for text, style in parts)))

    def _item(self, mark: str, style: str, text: str, dim: str = "") -> None:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(Text(mark, style), Text.assemble(clean(text), (clean(dim), "dim")))
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _rows(self, rows: list[tuple[str, str, str]], indent: int, *, labels: int = 0) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, text, style in rows:
            # Not min_width, to which rich before 14 adds the padding.
            name = set_cell_size(clean(label), labels) if labels else clean(label)
            table.add_row(Text(name, "dim"), Text(clean(text), style))
        self._console.print(Padding(table, (0, 0, 0, indent)))

    def _card(self, report: Report) -> None:
        tool = report.tool
        if report.machine is None:
            return
        self._print(
            (f"{tool.name} {tool.version}", "bold"),
            (f"  knowledge of {tool.knowledge}, looked {report.snapshot.taken}", "dim"),
        )
        if report.machine is not None:
            rows = [(label, text, "") for label, text in machine_rows(report.machine)]
            self._rows(rows, 2)

    def _engines(self, report: Report) -> None:
        sections = report_sections(
            report, all_layers=self._options.all_layers, verbose=bool(self._options.verbose)
        )
        for section in sections:
            self._console.print()
            self._print((one_line(section.title), "bold"))
            if section.columns:
                self._table(section)
            else:
                self._pairs(section)
            if section.note:
                self._console.print(Padding(Text(one_line(section.note), "dim"), (0, 0, 0, 2)))

    def _pairs(self, section: Section) -> None:
        """Labels with their texts, all in one column also where commands stand between them."""
        pairs = [row for row in section.rows if not isinstance(row, Command)]
        labels = max((cell_len(clean(label)) for label, _ in pairs), default=0)
        for rows, commands in stretches(section.rows):
            if rows:
                self._rows([(label, flat(text), "") for label, text in rows], 2, labels=labels)
            self._commands(commands, 4)

    def _commands(self, commands: Sequence[Command], indent: int) -> None:
        """Commands as they are pasted: what rich would fold goes to the text as it is."""
        for heading, command in headings(commands):
            self._console.print(Padding(Text(heading, "dim"), (0, 0, 0, indent)))
            for line in folded(command, self._console.width - indent - 2):
                # Padding would have rich cut it at the right margin.
                told = Text(f"{' ' * (indent + 2)}{line}", "green")
                self._console.print(told, soft_wrap=True)

    def _table(self, section: Section) -> None:
        """A table as rich lays it out, which sees one row of it and the measures of all.

        Rich spends half a millisecond on a row, and a network can have 50 000 layers.
        """
        rows = [[flat(cell) for cell in row] for row in section.rows if isinstance(row, tuple)]
        columns = [_Measured(cells) for cells in zip(*rows, strict=True)]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for number, name in enumerate(section.columns):
            last = number == len(section.columns) - 1
            table.add_column(name, overflow="fold", ratio=1 if last else None)
        if columns:
            table.add_row(*columns)
        self._console.print(Padding(table, (0, 0, 0, 2)))
        for row in rows[1:]:
            cells = [
                column.lines(self._console, cell) for column, cell in zip(columns, row, strict=True)
            ]
            for number in range(max(map(len, cells))):
                parts = [
                    lines[number] if number < len(lines) else " " * column.width
                    for column, lines in zip(columns, cells, strict=True)
                ]
                self._buffer.write("  " + "  ".join(parts) + "\n")

    def _unseen(self, report: Report) -> None:
        groups = undecided(report)
        if not groups and not report.problems:
            return
        self._heading("Could not be seen or decided", len(groups) + len(report.problems), "magenta")
        for reason, outcomes in groups:
            named = ", ".join(o.check.label for o in outcomes)
            self._item(self._marks["unknown"], "magenta", one_line(reason))
            self._rows([("leaves open", named, "dim")], 4)
        for problem in report.problems:
            told = f"{one_line(problem.where)}: {one_line(problem.message)}"
            self._item(self._marks["warning"], "magenta", told)
            if problem.detail and self._options.verbose:
                self._rows([("", line, "dim") for line in clean(problem.detail).splitlines()], 4)

    def _findings(self, report: Report, severity: Severity) -> None:
        outcomes = failed(report, severity)
        if not outcomes:
            return
        number = sum(len(outcome.findings) for outcome in outcomes)
        self._heading(_HEADINGS[severity], number, _STYLES[severity])
        for outcome in outcomes:
            for finding in outcome.findings:
                self._finding(outcome, finding)

    def _finding(self, outcome: Outcome, finding: Finding) -> None:
        severity = outcome.check.severity
        subject = f" [{one_line(finding.subject)}]" if finding.subject else ""
        self._print(
            (f"  {self._marks[severity.value]} ", _STYLES[severity]),
            (one_line(f"{outcome.check.label}{subject}"), "bold"),
        )
        self._console.print(Padding(Text(clean(finding.message)), (0, 0, 0, 4)))
        rows = [(label, text, "") for label, text in finding_details(finding)]
        if rows:
            self._rows(rows, 4)
        if finding.remedy:
            self._commands(finding.remedy.commands, 4)
        if self._options.verbose and finding.references:
            self._rows([("reference", reference, "dim") for reference in finding.references], 4)

    def _rest(self, report: Report) -> None:
        for status, title, mark, style in (
            (Status.PASSED, "Passed", self._marks["passed"], "green"),
            (Status.NOT_APPLICABLE, "Not applicable", "-", "dim"),
            (Status.IGNORED, "Deselected", "-", "dim"),
        ):
            outcomes = having(report, status)
            if not outcomes:
                continue
            self._heading(title, len(outcomes), style)
            for outcome in outcomes:
                reason = f" ({one_line(outcome.reason)})" if outcome.reason else ""
                self._item(mark, style, outcome.check.label, reason)

    def _heading(self, title: str, number: int, style: str) -> None:
        self._console.print()
        self._print((f"{title} ({number})", style))

    def _closing(self, report: Report) -> None:
        if report.machine is None and report.verdict is Verdict.HEALTHY:
            # Of files alone nothing was asked that could be healthy.
            return
        self._console.print()
        hint = "" if self._options.verbose else " (-v lists all of them)"
        self._print((counts(report) + hint, "dim"))
        if report.comparisons and report.verdict is not Verdict.PROBLEMS:
            # The comparison's own verdict, which stands above.
            return
        self._print((verdict_line(report), _VERDICTS.get(report.verdict, "bold magenta")))
