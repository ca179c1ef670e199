"""The formats of a report: what they are called, by which suffix of a file, and what writes them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of a report.

    Attributes:
        name: What ``--format`` calls it.
        suffixes: How names of files end that hold it, in small letters; none where it is only printed.
        shared: Whether private data are replaced unless told otherwise. They are in all that is made
            to be passed on: a ticket, a page, and what servers of CI and monitoring collect and show to
            whoever may look there. JSON is for programs on this machine, and the terminal is its
            user's own.
        renderer: The function that writes it, after its module in :mod:`trtdoctor.render`; empty where
            it takes more than a report.
        judged: Whether it is also told ``fail_on``, the least severity that fails.
    """

    name: str
    suffixes: tuple[str, ...]
    shared: bool
    renderer: str = ""
    judged: bool = False

    def load(self) -> Callable[..., str]:
        """The function that turns a report into text; imports its module."""
        module, _, function = self.renderer.partition(":")
        render: Callable[..., str] = getattr(
            importlib.import_module(f"trtdoctor.render.{module}"), function
        )
        return render


FORMATS = {
    known.name: known
    for known in (
        Format(name="json", suffixes=(".json",), shared=False),
        Format(
            name="markdown", suffixes=(".md",), shared=True, renderer="markdown:render_markdown"
        ),
        Format(name="html", suffixes=(".html",), shared=True, renderer="html:render_html"),
        Format(name="terminal", suffixes=(".txt",), shared=False),
        Format(
            name="junit",
            suffixes=(".xml", ".junit.xml"),
            shared=True,
            renderer="junit:render_junit",
            judged=True,
        ),
        Format(
            name="sarif",
            suffixes=(".sarif", ".sarif.json"),
            shared=True,
            renderer="sarif:render_sarif",
        ),
        Format(name="github", suffixes=(), shared=True, renderer="github:render_github"),
        Format(
            name="prometheus",
            suffixes=(".prom",),
            shared=True,
            renderer="prometheus:render_prometheus",
        ),
    )
}


def format_of(file: PurePath) -> Format | None:
    """The format that a file's name asks for, by its longest suffix; None where it names none.

    ``x.sarif.json`` is SARIF and ``x.json`` a report.
    """
    name = file.name.lower()
    known = [
        (len(suffix), candidate)
        for candidate in FORMATS.values()
        for suffix in candidate.suffixes
        if name.endswith(suffix) and len(name) > len(suffix)
    ]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def suffixes() -> tuple[str, ...]:
    """The suffix of each format that files can have, the shortest of each."""
    return tuple(known.suffixes[0] for known in FORMATS.values() if known.suffixes)
