"""``trtdoctor why``: the documentation of a check, of a cause or of an error."""

from __future__ import annotations

import textwrap

import click

from trtdoctor.checking.definition import SECTIONS, Check
from trtdoctor.checking.discover import Catalogue, discover
from trtdoctor.knowledge import CAUSE_SECTIONS, WORLDS, CauseDoc, Knowledge
from trtdoctor.knowledge.decoding import decode
from trtdoctor.model.errors import UsageError
from trtdoctor.model.near import did_you_mean, shown
from trtdoctor.render.decoded import render_answer

from . import completing


@click.command("why")
@click.argument("what", nargs=-1, required=True, shell_complete=completing.explained)
def command(what: tuple[str, ...]) -> int:
    """Explain a check by its id or name, a cause that a layer is not FP16, an error code or text."""
    click.echo(documentation(" ".join(what)), nl=False)
    return 0


def documentation(id_or_name: str) -> str:
    """What is documented of a check, a cause or an error.

    Raises:
        UsageError: if nothing has this id or name, and it is no error that is known.
    """
    catalogue = discover()
    knowledge = Knowledge.load()
    causes = knowledge.causes()
    # Checks of several plugins and a cause may share a name, and then all are meant.
    checks = catalogue.named(id_or_name)
    cause = next((c for c in causes if c.cause.value == id_or_name.lower()), None)
    pages = [_page(check) for check in checks]
    if cause is not None:
        pages.append(_cause_page(cause))
    if not pages:
        decoded = decode(id_or_name, knowledge)
        pages = [render_answer(answer) for answer in decoded.answers if decoded.known]
    if not pages:
        raise UsageError(_suggest(id_or_name, catalogue, causes))
    return "\n".join(pages)


def _suggest(wanted: str, catalogue: Catalogue, causes: tuple[CauseDoc, ...]) -> str:
    names = [name for check in catalogue.checks for name in (check.id, check.name)]
    names += [cause.cause.value for cause in causes]
    everything = "'trtdoctor list checks' and 'trtdoctor list causes' show all"
    hint = did_you_mean(wanted, names, otherwise=everything)
    return f"there is no check, cause, error code or known error text {shown(wanted)}; {hint}"


def _cause_page(doc: CauseDoc) -> str:
    lines = [f"{doc.cause.value} (a cause, in {WORLDS[doc.world]})", doc.title + "."]
    for heading, field in CAUSE_SECTIONS:
        lines += ["", heading, _indented(getattr(doc, field))]
    lines += ["", "Example", textwrap.indent(doc.example.strip("\n"), "  ")]
    lines += [_indented(f"({doc.example_from})")]
    lines += ["", "References", *(f"  {reference}" for reference in doc.references)]
    return "\n".join(lines) + "\n"


def _indented(text: str) -> str:
    return textwrap.fill(
        text, 96, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def _page(check: Check) -> str:
    lines = [
        f"{check.info.label} ({check.info.severity.value}, since {check.since})",
        check.info.title + ".",
    ]
    for section in SECTIONS:
        if body := check.documentation.get(section):
            lines += ["", section, textwrap.indent(body, "  ")]
    if check.explained_by:
        lines += [
            "",
            "Explained by",
            textwrap.indent(
                "Does not apply where one of these has the cause: " + ", ".join(check.explained_by),
                "  ",
            ),
        ]
    if check.blinded_by:
        lines += [
            "",
            "Blinded by",
            textwrap.indent(
                "Does not apply where one of these failed and it could not decide: "
                + ", ".join(check.blinded_by),
                "  ",
            ),
        ]
    looked = sorted({p.fact.FACT for p in check.parameters if p.fact})
    lines += ["", "Looks at", "  " + ", ".join(looked)]
    return "\n".join(lines) + "\n"
