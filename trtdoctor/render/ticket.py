"""A report as the ticket that a project's form asks for, never longer than a form takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trtdoctor.model.engine import Precision
from trtdoctor.model.report import Report, Severity

from .common import failed, one_line
from .markdown import as_text
from .ticket_blocks import Block, Rank
from .ticket_body import slot
from .ticket_environment import field
from .ticket_templates import Heading, Template

LIMIT = 60_000
# In characters, before escaping makes a text at most five times as long: with them all that is never
# left out stays far below the limit.
_LONGEST_VALUE = 300
_LONGEST_TITLE = 120
# For the line that says what was left out of a block.
_NOTE = 200


@dataclass
class _Shown:
    """A block, and how many of its items are shown."""

    block: Block
    items: int

    def lines(self) -> list[str]:
        shown = self.block.items[: self.items]
        if not shown and not self.block.items:
            return []
        left = len(self.block.items) - self.items
        lines = [*self.block.head, *shown] if shown else []
        if left:
            lines += [
                "",
                f"*{left} of {len(self.block.items)} {self.block.what} were left out to keep this ticket "
                "short; the attached JSON report has them.*",
            ]
        return [*lines, *self.block.foot] if shown else [*lines, ""]

    @property
    def size(self) -> int:
        return sum(len(line) + 1 for line in self.lines())


def render_ticket(report: Report, template: Template) -> str:
    """The ticket as Markdown of GitHub's: below 60,000 characters, the least useful part left out first.

    What is left out is told where it would stand: first what passed, then single layers, what would
    tell more, causes, files, and last findings. Headings and the environment always stay.
    """
    parts: list[str | _Shown] = [f"<!-- Title: {_title(report, template)} -->", ""]
    for heading in template.headings:
        parts += [f"## {heading.text}", ""]
        parts += _below(report, heading)
    parts.append(_Shown(*_whole(slot(report, "rest")[0])))
    private = report.snapshot.redaction.applied
    hidden = "private data replaced by pseudonyms" if private else "private data NOT replaced"
    tool = (
        f"{report.tool.name} {report.tool.version}, knowledge of {report.tool.knowledge}; {hidden}"
    )
    parts.append(f"<sub>{as_text(_clipped(tool))}</sub>")
    _fit([part for part in parts if isinstance(part, _Shown)], _size(parts) - LIMIT + 1)
    return "\n".join(_lines(parts)) + "\n"


def _below(report: Report, heading: Heading) -> Iterator[str | _Shown]:
    for label, name in heading.fields:
        yield f"- **{label}**: {as_text(_clipped(field(report, name)))}"
    if heading.fields:
        yield ""
        return
    for block in slot(report, heading.slot):
        yield _Shown(*_whole(block))


def _whole(block: Block) -> tuple[Block, int]:
    return block, len(block.items)


def _size(parts: list[str | _Shown]) -> int:
    return sum(part.size if isinstance(part, _Shown) else len(part) + 1 for part in parts) + 1


def _fit(blocks: list[_Shown], over: int) -> None:
    """Leave out items, the last of the least useful block first, until so many characters are gone."""
    for shown in sorted(blocks, key=lambda shown: shown.block.rank):
        if over <= 0:
            return
        before = shown.size
        # Of a short one the note would take as much room.
        if shown.block.rank is Rank.ALWAYS or before <= _NOTE:
            continue
        freed = -_NOTE
        while shown.items and freed < over:
            shown.items -= 1
            freed += len(shown.block.items[shown.items]) + 1
        over -= before - shown.size


def _lines(parts: list[str | _Shown]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Shown):
            yield from part.lines()
        else:
            yield part


def _clipped(text: str, most: int = _LONGEST_VALUE) -> str:
    flat = one_line(text)
    return flat if len(flat) <= most else f"{flat[: most - 24]}... (the JSON has it)"


def _problem(report: Report) -> str:
    """What is wrong in a few words: the first finding, or layers that are not FP16."""
    for severity in (Severity.ERROR, Severity.WARNING):
        for outcome in failed(report, severity):
            return outcome.check.title.rstrip(".")
    slow = sum(
        told.precision is not Precision.UNKNOWN
        for engine in report.engines
        for told in engine.explanations
    )
    return f"{slow} layers are not FP16" if slow else "(what fails?)"


def _title(report: Report, template: Template) -> str:
    """A title in the project's form; what is not known is left for the author to fill in."""
    named = [e.path for e in report.engines] or [m.path for m in report.models]
    machine = report.machine
    cards = [card.name for card in (machine.gpus or () if machine else ())]
    versions = [e.identity.tensorrt_version for e in report.engines if e.identity]
    versions += [card.version for card in (machine.tensorrts or () if machine else ())]
    title = template.title.format(
        problem=_clipped(_problem(report), _LONGEST_TITLE),
        tensorrt=next((v for v in versions if v), "(version?)"),
        file=named[0].replace("\\", "/").rpartition("/")[2] if named else "(which model?)",
        gpu=cards[0] if cards else "(which GPU?)",
    )
    # A comment ends at its first "-->", whatever stands before it.
    return _clipped(title).replace("--", "- -").replace(">", "").replace("<", "")
