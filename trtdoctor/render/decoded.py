"""Decoded error texts for a person at a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from trtdoctor.model.decoded import Answer, CodeMeaning, Decoded
from trtdoctor.model.finding import Command
from trtdoctor.model.report import Confidence, Severity

from .commands import folded, headings
from .common import flat, one_line
from .section import stretches

_LABEL = 12
_INDENT = " " * (2 + _LABEL)
_COLORS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[33m", Severity.INFO: "\x1b[36m"}
_PLAIN = "\x1b[0m"
_KINDS = {"cuda": "CUDA", "nvml": "NVML", "tensorrt": "TensorRT", "exit": "exit code"}


def render_decoded(decoded: Decoded, *, width: int = 100, color: bool = False) -> str:
    """What a text means: the first cause, what else stands in it, and what nobody knows of it."""
    return "\n".join(_lines(decoded, max(width, 40), color)) + "\n"


def render_answer(answer: Answer, *, width: int = 100, color: bool = False) -> str:
    """One known message by itself."""
    return "\n".join(_answer(answer, max(width, 40), color, where=False)) + "\n"


def check_command(checks: tuple[str, ...]) -> str:
    """The command that runs these checks, with what they need."""
    if checks == ("BLD001",):
        return "trtdoctor explain --log build.log"
    chosen = ",".join(check for check in checks if check != "BLD001")
    file = " MODEL.engine" if any(check.startswith("ENG") for check in checks) else ""
    active = " --active" if "TRT006" in checks else ""
    return f"trtdoctor check{file}{active} --select {chosen}"


def _lines(decoded: Decoded, width: int, color: bool) -> Iterator[str]:
    whole = decoded.lines > 1
    if decoded.name is not None or whole:
        name = f"{flat(decoded.name)}: " if decoded.name else ""
        yield f"{name}{decoded.lines:,} {'line' if decoded.lines == 1 else 'lines'}"
    if decoded.not_read:
        yield from _wrapped("not read", decoded.not_read, width)
    if decoded.name is not None or whole or decoded.not_read:
        yield ""
    first, *others = decoded.answers or (None,)
    if first is not None and decoded.known:
        earlier = [u for u in decoded.unknown if u.line < first.line]
        yield from _answer(first, width, color, where=whole)
        if earlier:
            yield from _wrapped(
                "before it",
                f"line {earlier[0].line:,} looks like an error and is none that is known: "
                f"{one_line(earlier[0].text)}",
                width,
            )
    for number, answer in enumerate(others if decoded.known else decoded.answers):
        if number == 0 and decoded.known:
            yield ""
            yield "Also in this text, which may follow from it" if whole else "Also"
        if number or decoded.known:
            yield ""
        yield from _answer(answer, width, color, where=whole)
    if not decoded.known:
        if decoded.answers:
            yield ""
        yield from _not_known(decoded, width)


def _not_known(decoded: Decoded, width: int) -> Iterator[str]:
    what = "Only its frame is known, and not what it says" if decoded.answers else "Not known"
    if decoded.unknown or decoded.answers:
        yield f"{what}: no message in trtdoctor's table of {decoded.knowledge} is this text."
    else:
        yield "Nothing in it looks like an error, and no message that is known stands in it."
    for unknown in decoded.unknown:
        label = f"line {unknown.line:,}" if decoded.lines > 1 else "the text"
        yield from _wrapped(label, one_line(unknown.text), width)
    more = decoded.unknown_lines - len(decoded.unknown)
    if more > 0:
        yield from _wrapped("", f"and {more:,} more lines that look like errors", width)
    if decoded.nearest is not None:
        near = decoded.nearest
        yield from _wrapped(
            "nearest", f"{one_line(near.example)} (another message: trtdoctor why {near.id})", width
        )
    for number, item in enumerate(decoded.attach):
        yield from _wrapped("" if number else "ticket", item, width)


def _answer(answer: Answer, width: int, color: bool, *, where: bool) -> Iterator[str]:
    mark = _COLORS[answer.severity] if color else ""
    yield f"{mark}{answer.severity.value}{_PLAIN if color else ''} {answer.id}, says {answer.said_by}"
    times = f", and on {answer.times - 1:,} more" if answer.times > 1 else ""
    if answer.text:
        place = f"line {answer.line:,}{times}" if where else "the text"
        yield from _wrapped(place, one_line(answer.text), width)
    for pairs, commands in stretches(answer_rows(answer)):
        for label, text in pairs:
            yield from _wrapped(label, text, width)
        for heading, command in headings(commands):
            yield f"{_INDENT}{heading}"
            yield from (f"{_INDENT}  {line}" for line in folded(command, width - len(_INDENT) - 2))


def answer_rows(answer: Answer) -> Iterator[tuple[str, str] | Command]:
    """What is told of a message, as label and text; an empty label goes on with the one above."""
    if answer.recovered:
        yield "but", "what came after it ended well, so it is not what failed last"
    if answer.code is not None:
        yield "code", code_words(answer.code)
    yield "means", answer.meaning
    for name, value in answer.details.items():
        yield name.replace("_", " "), one_line(value)
    if answer.certainty is not Confidence.CERTAIN:
        yield "confidence", answer.certainty.value
    if answer.often:
        yield "often", answer.often
    if answer.follower:
        yield "look", "something before it is the cause; decode the lines before it, too"
    yield "next", answer.next_step
    yield from answer.commands
    if answer.checks:
        yield "proved by", check_command(answer.checks)
    seen = " to ".join(dict.fromkeys(v for v in (answer.first_seen, answer.last_seen) if v))
    if seen:
        yield "seen in", seen if answer.last_seen else f"{seen} and newer"
    if answer.note:
        yield "note", answer.note
    yield "source", answer.source


def code_words(code: CodeMeaning) -> str:
    """A code by its number and names."""
    names = dict.fromkeys(name for name in (code.name, code.runtime_name) if name)
    return f"{_KINDS.get(code.kind, code.kind)} {code.code}, {', '.join(names)}"


def _wrapped(label: str, text: str, width: int) -> Iterator[str]:
    room = max(len(label) + 1, _LABEL)
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=f"  {label:<{room}}",
        subsequent_indent=" " * (2 + _LABEL),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [f"  {label}"]
