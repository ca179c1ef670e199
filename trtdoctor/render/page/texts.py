"""Rows of label and text as a page shows them: grouped by label, commands apart, under their tool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TOOLS = {
    "trtexec": "trtexec",
    "tensorrt_rtx": "trtexec",
    "polygraphy": "Polygraphy",
    "python": "Python",
    "trtdoctor": "shell",
}
# Of a long list, so many stand there at once.
_AT_ONCE = 5
# How a line of Python begins, and no shell's.
_PYTHON = re.compile(r"[A-Za-z_][\w.]*\s*(?:[=(\[])|(?:for|if|import|from|with|def|class)\s|#")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A text; a command where ``tool`` tells what takes it."""

    text: str
    tool: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """What one label has to say."""

    label: str
    entries: tuple[Entry, ...]

    @property
    def shown(self) -> tuple[Entry, ...]:
        """What stands there at once."""
        return self.entries[:_AT_ONCE] if self._long else self.entries

    @property
    def folded(self) -> tuple[Entry, ...]:
        """What a reader opens: the end of a long list without commands."""
        return self.entries[_AT_ONCE:] if self._long else ()

    @property
    def _long(self) -> bool:
        return len(self.entries) > _AT_ONCE + 2 and not any(entry.tool for entry in self.entries)


def items(rows: Iterable[Sequence[str]]) -> tuple[Item, ...]:
    """Rows with an empty label, or with the same again, go on with the one above."""
    found: list[tuple[str, list[Entry]]] = []
    for label, text in rows:
        if not found or (label.strip() and label.strip() != found[-1][0]):
            found.append((label.strip(), []))
        found[-1][1].append(entry(text))
    return tuple(Item(label=label, entries=tuple(entries)) for label, entries in found)


def entry(text: str) -> Entry:
    """A text, or a command where it begins as commands in rows do."""
    if not text.startswith("$ "):
        return Entry(text=text)
    return Entry(text=text[2:], tool=_tool(text[2:]))


def _tool(command: str) -> str:
    first = command.split(maxsplit=1)[0].rsplit("/", 1)[-1] if command.strip() else ""
    if first in _TOOLS and not command.lstrip().startswith("python ="):
        return _TOOLS[first] if first != "python" else "shell"
    return "Python" if _PYTHON.match(command.lstrip()) else "shell"
