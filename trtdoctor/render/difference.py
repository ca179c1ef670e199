"""What differs between two reports, as lines for a person and as Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trtdoctor.model.difference import Difference, OutcomeChange, Said
from trtdoctor.model.plural import count

from .common import one_line
from .markdown import as_code, as_text

_SAME = "The reports agree in every outcome and every fact."
# Of one value, in characters; the JSON has it whole.
_LONGEST_VALUE = 200


def render_difference(difference: Difference) -> str:
    """One line for each outcome and each part of a fact that differs, or one that none does."""
    lines = [
        f"{change.check.label}: {_words(change.before)} -> {_words(change.after)}"
        for change in difference.outcomes
    ]
    lines += [
        f"{change.fact}{change.path}: {_short(change.before)} -> {_short(change.after)}"
        for change in difference.facts
    ]
    return "\n".join(map(one_line, lines or [_SAME])) + "\n"


def render_difference_markdown(difference: Difference) -> str:
    """The same as GitHub-flavoured Markdown; everything that was given is escaped."""
    return "\n".join(_markdown(difference)) + "\n"


def _markdown(difference: Difference) -> Iterator[str]:
    if difference.none:
        yield f"### trtdoctor: {_SAME}"
    else:
        outcomes = count(len(difference.outcomes), "outcome")
        yield f"### trtdoctor: {outcomes} and {count(len(difference.facts), 'detail')} of facts differ"
    yield from ("", "| | before | after |", "| --- | --- | --- |")
    for label, name in (("made", "created"), ("command", "command")):
        yield _row(label, *(as_text(getattr(s, name)) for s in _sides(difference)))
    yield _row("verdict", *(as_text(side.verdict.value) for side in _sides(difference)))
    yield _row("trtdoctor", *(as_text(side.tool.version) for side in _sides(difference)))
    if difference.outcomes:
        yield from ("", "| check | before | after |", "| --- | --- | --- |")
        for change in difference.outcomes:
            yield _outcome_row(change)
    if difference.facts:
        yield from ("", "| fact | before | after |", "| --- | --- | --- |")
        for fact in difference.facts:
            yield _row(
                as_code(f"{fact.fact}{fact.path}"),
                as_code(_short(fact.before)),
                as_code(_short(fact.after)),
            )
    private = "; private data replaced by pseudonyms" if difference.redacted else ""
    yield from ("", f"<sub>trtdoctor report diff{private}</sub>")


def _sides(difference: Difference) -> tuple[Any, Any]:
    return difference.before, difference.after


def _outcome_row(change: OutcomeChange) -> str:
    return _row(
        as_text(change.check.label), as_text(_words(change.before)), as_text(_words(change.after))
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _words(said: Said | None) -> str:
    if said is None:
        return "no such check"
    told = "; ".join(said.findings) or said.reason
    return f"{said.status.value} ({told})" if told else said.status.value


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    if len(text) <= _LONGEST_VALUE:
        return text
    return text[: _LONGEST_VALUE - 3] + "..."
