"""The report as Markdown for a ticket: the verdict first, the details folded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trtdoctor.model.finding import Command
from trtdoctor.model.report import Outcome, Report, Severity, Status

from .commands import fence, headings
from .common import (
    clean,
    counts,
    failed,
    having,
    machine_rows,
    one_line,
    undecided,
    verdict_line,
)
from .section import Section, stretches
from .sections import report_sections

_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown; every value of the machine is escaped."""
    lines = [
        f"### trtdoctor: {as_text(verdict_line(report))}",
        "",
    ]
    if report.machine is not None:
        lines += ["| | |", "| --- | --- |"]
        lines += [f"| {label} | {as_text(text)} |" for label, text in machine_rows(report.machine)]
    for section in report_sections(report):
        lines += _section(section)
    lines += _unseen(report)
    for severity in Severity:
        lines += _findings(report, severity)
    lines += _rest(report)
    private = "private data replaced by pseudonyms" if report.snapshot.redaction.applied else ""
    tool = f"{report.tool.name} {report.tool.version}, knowledge of {report.tool.knowledge}"
    closing = "; ".join(part for part in (tool, f"looked {report.snapshot.taken}", private) if part)
    lines += ["", f"<sub>{as_text(closing)}</sub>"]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    columns = section.columns or ("", "")
    lines = ["", f"#### {as_text(section.title)}", ""]
    head = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    for rows, commands in stretches(section.rows):
        lines += [*head, *(f"| {' | '.join(map(as_text, row))} |" for row in rows)] if rows else []
        lines += ["", *as_blocks(commands)] if commands else []
    return [*lines, "", as_text(section.note)] if section.note else lines


def _unseen(report: Report) -> list[str]:
    lines = []
    for reason, outcomes in undecided(report):
        named = ", ".join(o.check.label for o in outcomes)
        lines.append(f"- {as_text(reason)}; leaves open {as_text(named)}")
    lines += [f"- {as_text(p.where)}: {as_text(p.message)}" for p in report.problems]
    return ["", "#### Could not be seen or decided", "", *lines] if lines else []


def _findings(report: Report, severity: Severity) -> list[str]:
    outcomes = failed(report, severity)
    if not outcomes:
        return []
    lines = ["", f"#### {_HEADINGS[severity]}", ""]
    for outcome in outcomes:
        for finding in outcome.findings:
            subject = f" ({as_text(finding.subject)})" if finding.subject else ""
            name = as_text(outcome.check.label)
            lines.append(f"- **{name}**{subject}: {as_text(finding.message)}")
            for item in finding.evidence:
                lines.append(f"  - evidence: {as_text(item.source)}: {as_code(item.value)}")
            if finding.confidence.value != "certain":
                lines.append(f"  - confidence: {finding.confidence.value}")
            if finding.remedy:
                lines.append(f"  - remedy: {as_text(finding.remedy.text)}")
                lines += as_blocks(finding.remedy.commands, indent=4)
    return lines


def _rest(report: Report) -> list[str]:
    lines = ["", "<details>", f"<summary>{counts(report)}</summary>", ""]
    for status, word in (
        (Status.PASSED, "passed"),
        (Status.NOT_APPLICABLE, "not applicable"),
        (Status.IGNORED, "deselected"),
    ):
        lines += [_line(outcome, word) for outcome in having(report, status)]
    return [*lines, "", "</details>"]


def _line(outcome: Outcome, word: str) -> str:
    reason = f" ({as_text(outcome.reason)})" if outcome.reason else ""
    return f"- {word}: {as_text(outcome.check.label)}{reason}"


def as_text(text: str) -> str:
    """Plain text on one line with everything escaped that Markdown or HTML would obey."""
    escaped = re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", one_line(text)).replace("&", "&amp;")
    # An at sign or "#12" would notify people or link issues where this is pasted.
    return re.sub(r"@(?=\w)", "@\u200b", escaped)


def as_blocks(commands: Sequence[Command], *, indent: int = 0) -> list[str]:
    """Commands as fenced blocks under their headings; whole lines, for whoever pastes them."""
    lines = []
    for heading, command in headings(commands):
        lines += [as_text(heading), "", *fence(command), ""]
    return [f"{' ' * indent}{line}" if line else line for line in lines]


def as_code(text: str) -> str:
    """A code span that no content can break out of."""
    flat = one_line(clean(text)).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else "(empty)"
