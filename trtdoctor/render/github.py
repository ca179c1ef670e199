"""The report as workflow commands of GitHub Actions: an annotation a finding, then the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.report import Finding, Outcome, Report, Severity

from .common import failed, undecided, verdict_line
from .plain import file_of, finding_lines, not_loaded, plain_line

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(report: Report) -> str:
    """One line each: findings, the gravest first, what is undecided, and the verdict."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for severity in Severity:
        for outcome in failed(report, severity):
            for finding in outcome.findings:
                yield _annotation(report, outcome, finding)
    yield from _undecided(report)
    for problem in not_loaded(report):
        title = f"trtdoctor: {plain_line(problem.where)}"
        yield _command("warning", plain_line(problem.message), title=title)
    yield _text(f"trtdoctor: {verdict_line(report)}")


def _undecided(report: Report) -> Iterator[str]:
    """One annotation for all that might have been errors and one for the rest: GitHub shows ten."""
    by_command: dict[str, list[str]] = {"warning": [], "notice": []}
    numbers = dict.fromkeys(by_command, 0)
    for reason, outcomes in undecided(report):
        command = (
            "warning" if any(o.check.severity is Severity.ERROR for o in outcomes) else "notice"
        )
        named = ", ".join(o.check.label for o in outcomes)
        by_command[command].append(plain_line(f"{reason}; leaves open {named}"))
        numbers[command] += len(outcomes)
    for command, lines in by_command.items():
        if lines:
            checks = "1 check" if numbers[command] == 1 else f"{numbers[command]} checks"
            title = f"trtdoctor could not decide {checks}"
            yield _command(command, "\n".join(lines), title=title)


def _annotation(report: Report, outcome: Outcome, finding: Finding) -> str:
    place: dict[str, str] = {}
    about = file_of(report, finding)
    if about is not None:
        place["file"] = plain_line(about[0])
        if about[1] is not None:
            place["line"] = str(about[1])
    return _command(
        _COMMANDS[outcome.check.severity],
        "\n".join(finding_lines(finding)),
        title=plain_line(outcome.check.label),
        **place,
    )


def _command(name: str, message: str, **properties: str) -> str:
    """One workflow command; nothing in it can end it or begin another."""
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _text(text: str) -> str:
    """A line that is no command: the older form of commands is obeyed anywhere in a line."""
    return plain_line(text).replace("##[", "# #[")
