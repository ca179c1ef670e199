"""Rows of label and text as a page shows them: grouped by label, commands apart, under a heading each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trtdoctor.render.commands import headings, pasted
from trtdoctor.render.section import Row, stretches

if TYPE_CHECKING:
    from markupsafe import Markup

# Of a long list, so many stand there at once.
_AT_ONCE = 5


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A text; a command where ``heading`` says who takes it."""

    text: str
    heading: str = ""

    @property
    def whole(self) -> Markup:
        """A command's text, escaped and never cut short; paper breaks its lines between words."""
        from markupsafe import Markup

        word = Markup("<span>{}</span>")
        return Markup("\n").join(
            Markup(" ").join(word.format(each) if each else Markup("") for each in line.split(" "))
            for line in self.text.split("\n")
        )


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
        return len(self.entries) > _AT_ONCE + 2 and not any(entry.heading for entry in self.entries)


def items(rows: Iterable[Row]) -> tuple[Item, ...]:
    """Rows with an empty label, or with the same again, and commands go on with the one above."""
    found: list[tuple[str, list[Entry]]] = []
    for texts, commands in stretches(rows):
        for label, text in texts:
            if not found or (label.strip() and label.strip() != found[-1][0]):
                found.append((label.strip(), []))
            found[-1][1].append(Entry(text=text))
        for heading, command in headings(commands):
            if not found:
                found.append(("", []))
            found[-1][1].append(Entry(text="\n".join(pasted(command)), heading=heading))
    return tuple(Item(label=label, entries=tuple(entries)) for label, entries in found)
