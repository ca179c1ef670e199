"""The parts that a ticket is put together from, and how useful each is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .common import one_line
from .markdown import as_text

# Of one text, in characters.
LONGEST = 1500


class Rank(IntEnum):
    """How useful a block is: the lowest is left out first."""

    PASSED = 0
    LAYERS = 1
    MORE = 2
    UNDECIDED = 3
    CAUSES = 4
    FILES = 5
    COMMANDS = 6
    FINDINGS = 7
    ALWAYS = 8


@dataclass(frozen=True, kw_only=True)
class Block:
    """Items that are left out one by one from the last; ``head`` and ``foot`` stand around them.

    Each item is one or several lines. ``what`` names items in the plural.
    """

    rank: Rank
    what: str
    items: tuple[str, ...]
    head: tuple[str, ...] = ()
    foot: tuple[str, ...] = ("",)


def always(*lines: str) -> Block:
    """Lines that are never left out; whoever makes them keeps them short."""
    return Block(rank=Rank.ALWAYS, what="lines", items=lines)


def short(text: str) -> str:
    """A text on one line, escaped, and cut short where it is very long."""
    flat = one_line(text)
    return as_text(flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}... (the JSON has it)")


def cell(text: str, most: int = 200) -> str:
    """A text on one line of at most so many characters, not escaped."""
    flat = one_line(text)
    return flat if len(flat) <= most else f"{flat[:most]}..."


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return cell(path.replace("\\", "/").rpartition("/")[2] or path)
