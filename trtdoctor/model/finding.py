"""The parts that findings and explanations are made of."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePath

from .base import Frozen, PathText


class Confidence(str, Enum):
    """How sure a statement is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Evidence(Frozen, frozen=True, kw_only=True):
    """One observed value and where it was read."""

    source: str
    value: str


class Tool(str, Enum):
    """Who takes a command: ``trtexec`` (TensorRT-RTX's ``tensorrt_rtx`` too), a script, a shell."""

    TRTEXEC = "trtexec"
    PYTHON = "python"
    POLYGRAPHY = "polygraphy"
    SHELL = "shell"


class Command(Frozen, frozen=True, kw_only=True):
    r"""What to paste: ``lines`` joined by newlines, into a shell or, for Python, into a script.

    Where ``instead`` is true it does the same as the command before it, and either of them is enough.
    ``where`` says which script the lines of Python belong into, where it is not one of their own.
    """

    tool: Tool
    lines: tuple[PathText, ...]
    instead: bool = False
    where: str | None = None


class Remedy(Frozen, frozen=True, kw_only=True):
    """What to change, and the commands that do it or that would tell more."""

    text: str
    commands: tuple[Command, ...] = ()


_PROGRAMS = {"trtexec": Tool.TRTEXEC, "tensorrt_rtx": Tool.TRTEXEC, "polygraphy": Tool.POLYGRAPHY}


def to_run(*lines: str) -> tuple[Command, ...]:
    """Lines for a POSIX shell, one after the other, as commands; each line's program names its tool."""
    found: list[Command] = []
    for line in lines:
        program = PurePath(line.partition(" ")[0].strip("'\"")).name
        tool = _PROGRAMS.get(program, Tool.SHELL)
        if found and found[-1].tool is tool:
            found[-1] = Command(tool=tool, lines=(*found[-1].lines, line))
        else:
            found.append(Command(tool=tool, lines=(line,)))
    return tuple(found)


def to_write(*lines: str, where: str | None = None) -> tuple[Command, ...]:
    """Lines of Python, as one command; ``where`` says which script of the user's they belong into."""
    return (Command(tool=Tool.PYTHON, lines=lines, where=where),) if lines else ()


def either(*ways: tuple[Command, ...]) -> tuple[Command, ...]:
    """Ways to do the same thing, of which one is enough; each a single command or none."""
    found: list[Command] = []
    for command in (command for way in ways for command in way):
        found.append(
            Command(
                tool=command.tool,
                lines=command.lines,
                where=command.where,
                instead=bool(found),
            )
        )
    return tuple(found)
