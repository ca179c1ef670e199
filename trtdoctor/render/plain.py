"""What formats for programs share: a finding's parts as plain text, and the file that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath

from trtdoctor.model.report import Finding, Problem, ProblemKind, Report

from .commands import headings, pasted
from .common import clean, finding_details

# XML knows no way to write these, and Unicode promises that they stand for nothing.
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")


def plain(text: str) -> str:
    """Clean text, also without what no XML document can hold; it keeps its lines."""
    return _xml_safe(clean(text))


def _xml_safe(text: str) -> str:
    return _NO_CHARACTERS.sub(lambda m: f"\\u{ord(m.group()):04x}", text)


def plain_line(text: str) -> str:
    """The same on one line."""
    return " ".join(plain(text).split())


def finding_lines(finding: Finding) -> Iterator[str]:
    """A finding as lines of text: the message, its evidence, the remedy and the commands, each whole."""
    subject = f"{plain_line(finding.subject)}: " if finding.subject else ""
    # Most messages name what they are about.
    told = plain_line(finding.message)
    yield told if finding.subject and finding.subject in finding.message else f"{subject}{told}"
    above = ""
    for label, text in finding_details(finding):
        above = label or above
        yield f"{above}: {plain(text)}"
    if finding.remedy is not None:
        for heading, command in headings(finding.remedy.commands):
            yield heading
            yield from (f"  {_xml_safe(line)}" for line in pasted(command))


def file_of(report: Report, finding: Finding) -> tuple[str, int | None] | None:
    """The file that was given and that a finding is about, with the line where it is known.

    None where it is about the machine.
    """
    subject = finding.subject
    if subject is None:
        return None
    for engine in report.engines:
        if engine.failure is not None and subject == engine.log:
            return subject, engine.failure.line
    files = {engine.path for engine in report.engines}
    files |= {engine.log for engine in report.engines if engine.log is not None}
    files |= {model.path for model in report.models}
    return (subject, None) if subject in files else None


def short_names(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Names of files without their folders; those that are alike are numbered."""
    seen: dict[str, int] = {}
    names = []
    for path in paths:
        name = plain_line(PurePath(path).name or path)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def not_loaded(report: Report) -> tuple[Problem, ...]:
    """What kept checks from running at all: they might have found something."""
    return tuple(p for p in report.problems if p.kind is ProblemKind.NOT_LOADED)


def moment(text: str) -> datetime | None:
    """A point in time that a document tells; None where it is none with a zone."""
    try:
        told = datetime.fromisoformat(text.replace("Z", "+00:00"))
        told.timestamp()
    except (ValueError, OverflowError):
        return None
    return told if told.tzinfo is not None else None
