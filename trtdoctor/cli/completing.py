"""What a shell offers when somebody presses the Tab key: names, formats and files.

What it takes to know them is imported when a name is completed, and never otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import CompletionItem

# So many files of a folder are looked at; in a larger one the shell offers all of them.
_MOST_FILES = 2000


def checks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids, names and areas of checks, also after a comma."""
    from trtdoctor.checking.definition import AREAS
    from trtdoctor.checking.discover import discover

    before, comma, word = incomplete.rpartition(",")
    found = discover().checks
    areas = {check.id[:3]: AREAS[check.id[:3]] for check in found}
    named = [(name, check.info.title) for check in found for name in (check.id, check.name)]
    named += [(name, f"all checks of {area}") for id, area in areas.items() for name in (id, area)]
    return [
        CompletionItem(f"{before}{comma}{name}", help=told) for name, told in _begun(word, named)
    ]


def explained(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids and names of checks, and causes: what ``trtdoctor why`` explains."""
    from trtdoctor.checking.discover import discover
    from trtdoctor.knowledge import Knowledge

    named = [
        (name, check.info.title) for check in discover().checks for name in (check.id, check.name)
    ]
    named += [(doc.cause.value, doc.title) for doc in Knowledge.load().causes()]
    return [
        CompletionItem(name, help=told) for name, told in dict(_begun(incomplete, named)).items()
    ]


def tables(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of knowledge tables, after ``list tables``."""
    from trtdoctor.knowledge import Knowledge

    if ctx.params.get("kind") != "tables":
        return []
    named = [(table.name, table.covers) for table in Knowledge.load().tables()]
    return [CompletionItem(name, help=told) for name, told in _begun(incomplete, named)]


def outputs(*suffixes: str) -> click.types.StringParamType:
    """A file to write: once it has a name, with each suffix that picks a format."""
    return _Written(suffixes)


def files_named(incomplete: str, suffixes: Iterable[str]) -> list[CompletionItem]:
    """The files with one of these suffixes that begin so; all files where a folder might be meant."""
    everything = [CompletionItem(incomplete, type="file")]
    folder, _, start = incomplete.rpartition("/")
    place = f"{folder}/" if "/" in incomplete else ""
    try:
        with os.scandir(place or ".") as entries:
            found = list(islice(entries, _MOST_FILES + 1))
    except OSError:
        return everything
    begun = [entry for entry in found if entry.name.startswith(start)]
    fitting = [entry.name for entry in begun if entry.name.endswith(tuple(suffixes))]
    below = any(entry.is_dir() for entry in begun if start or not entry.name.startswith("."))
    if len(found) > _MOST_FILES or below or not fitting:
        return everything
    return [CompletionItem(f"{place}{name}") for name in sorted(fitting)]


class _Written(click.types.StringParamType):
    def __init__(self, suffixes: Iterable[str]) -> None:
        self._suffixes = tuple(suffixes)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        name = incomplete.rpartition("/")[2]
        stem, dot, begun = name.rpartition(".")
        if not name or f".{begun}" in self._suffixes or Path(incomplete).is_dir():
            return [CompletionItem(incomplete, type="file")]
        kept = incomplete[: len(incomplete) - len(begun) - 1] if dot and stem else incomplete
        wanted = f".{begun}" if dot and stem else "."
        fitting = [suffix for suffix in self._suffixes if suffix.startswith(wanted)]
        if not fitting:
            kept, fitting = incomplete, list(self._suffixes)
        return [CompletionItem(f"{kept}{suffix}") for suffix in fitting]


def _begun(word: str, named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names that begin so, in any case; with nothing typed all of them."""
    begun = word.casefold()
    return [(name, told) for name, told in named if name.casefold().startswith(begun)]
