r"""Commands as people paste them: under a heading, and broken only where a shell joins them again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from trtdoctor.model.finding import Command, Tool

from .common import exact

# A word of a shell command with the blanks before it, as a POSIX shell and bash quote words.
_WORD = re.compile(
    r"""[ \t]*(?:\$'(?:\\.|[^'\\])*'|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""", re.DOTALL
)
_STEP = "  "
_MORE = " \\"


def headings(commands: Sequence[Command]) -> Iterator[tuple[str, Command]]:
    """Each command with the words to put above it: "either" and "or" where one of them is enough."""
    for command, following in zip_longest(commands, commands[1:]):
        assert command is not None
        way = _with(command)
        if command.instead:
            way = f"or {way}"
        elif following is not None and following.instead:
            way = f"either {way}"
        yield f"{way[:1].upper()}{way[1:]}:", command


def _with(command: Command) -> str:
    if command.tool is Tool.SHELL:
        return "run"
    if command.tool is Tool.PYTHON:
        return f"in Python, in {exact(command.where)}" if command.where else "in Python"
    if command.tool is Tool.POLYGRAPHY:
        return "with Polygraphy"
    programs = {line.partition(" ")[0] for line in command.lines}
    return "with tensorrt_rtx" if programs == {"tensorrt_rtx"} else "with trtexec"


def pasted(command: Command) -> Iterator[str]:
    """Its lines whole, free of anything that a terminal would obey."""
    yield from map(exact, command.lines)


def folded(command: Command, width: int) -> Iterator[str]:
    """Its lines, none wider than ``width`` where a shell takes them broken as it takes them whole.

    A word is never broken, nor is a line of Python.
    """
    for line in pasted(command):
        if command.tool is Tool.PYTHON or len(line) <= width:
            yield line
        else:
            yield from _broken(line, width)


def _broken(line: str, width: int) -> Iterable[str]:
    words = _WORD.findall(line)
    # What these do not make up again is no plain command, and a comment has no second line.
    if "".join(words) != line or any(word.lstrip().startswith("#") for word in words):
        return [line]
    lines: list[str] = []
    here = ""
    for word in words:
        if here and len(here) + len(word) + len(_MORE) > width:
            lines.append(here + _MORE)
            here = _STEP + word.lstrip()
        else:
            here += word
    return [*lines, here]


def fence(command: Command) -> Iterator[str]:
    """A fenced block of Markdown that no content can break out of."""
    lines = [part for line in pasted(command) for part in line.splitlines() or [""]]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    marks = "`" * max(3, longest + 1)
    yield f"{marks}{'python' if command.tool is Tool.PYTHON else 'sh'}"
    yield from lines
    yield marks
