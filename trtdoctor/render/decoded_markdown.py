"""Decoded error texts as Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.decoded import Answer, Decoded

from .decoded import answer_rows
from .markdown import as_blocks, as_code, as_text, render_markdown
from .section import stretches


def render_decoded_markdown(decoded: Decoded) -> str:
    """What a text means as GitHub-flavoured Markdown; everything that was given is escaped."""
    return "\n".join(_lines(decoded)) + "\n"


def _lines(decoded: Decoded) -> Iterator[str]:
    first, *others = decoded.answers or (None,)
    if decoded.known and first is not None:
        yield f"### trtdoctor: {as_text(first.meaning)}"
    else:
        yield f"### trtdoctor: not known, by its table of {as_text(decoded.knowledge)}"
    if decoded.name is not None:
        yield from ("", f"{as_text(decoded.name)}: {decoded.lines:,} lines")
    if decoded.not_read:
        yield from ("", f"Not read: {as_text(decoded.not_read)}")
    if first is not None:
        yield from _answer(first)
    if not decoded.known:
        yield from _not_known(decoded)
    for number, answer in enumerate(others):
        if number == 0:
            yield from ("", "<details>", "<summary>Also in this text</summary>")
        yield from _answer(answer)
        if number + 1 == len(others):
            yield from ("", "</details>")
    if decoded.here is not None:
        yield from ("", render_markdown(decoded.here).rstrip("\n"))
    private = "; private data replaced by pseudonyms" if decoded.redaction.applied else ""
    yield from ("", f"<sub>trtdoctor decode, table of {as_text(decoded.knowledge)}{private}</sub>")


def _answer(answer: Answer) -> Iterator[str]:
    times = f", and on {answer.times - 1:,} more" if answer.times > 1 else ""
    yield from (
        "",
        f"**{answer.severity.value} {as_text(answer.id)}**, says {as_text(answer.said_by)}",
        "",
    )
    if answer.text:
        yield f"- line {answer.line:,}{times}: {as_code(answer.text)}"
    for pairs, commands in stretches(answer_rows(answer)):
        yield from (f"- {label}: {as_text(text)}" for label, text in pairs)
        yield from as_blocks(commands, indent=2)


def _not_known(decoded: Decoded) -> Iterator[str]:
    yield ""
    for unknown in decoded.unknown:
        yield f"- line {unknown.line:,}: {as_code(unknown.text)}"
    more = decoded.unknown_lines - len(decoded.unknown)
    if more > 0:
        yield f"- and {more:,} more lines that look like errors"
    if decoded.nearest is not None:
        near = decoded.nearest
        yield f"- nearest, and another message: {as_code(near.example)} ({as_text(near.id)})"
    yield from (f"- for a ticket: {as_text(item)}" for item in decoded.attach)
