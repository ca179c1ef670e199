"""``trtdoctor why``: the documentation of a check."""

from __future__ import annotations

import difflib
import textwrap

import click

from trtdoctor.diagnosis.checking import SECTIONS, Check
from trtdoctor.diagnosis.discover import Catalogue, discover

from .errors import UserError


@click.command("why")
@click.argument("id_or_name")
def command(id_or_name: str) -> int:
    """Explain the check with this id or name."""
    catalogue = discover()
    check = catalogue.find(id_or_name)
    if check is None:
        raise UserError(_suggest(id_or_name, catalogue))
    click.echo(_page(check), nl=False)
    return 0


def _suggest(wanted: str, catalogue: Catalogue) -> str:
    names = [name for check in catalogue.checks for name in (check.id, check.name)]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "'trtdoctor list checks' shows all"
    return f"there is no check {wanted!r}; {hint}"


def _page(check: Check) -> str:
    lines = [
        f"{check.id} {check.name} ({check.info.severity.value}, since {check.since})",
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
