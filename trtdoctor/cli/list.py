"""``trtdoctor list``: what there is to look at, to judge and to know."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trtdoctor.checking.discover import discover
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.errors import UsageError
from trtdoctor.model.facts import FACT_TYPES
from trtdoctor.model.near import did_you_mean, shown

from . import completing
from .words import OneOf


@click.command("list")
@click.argument("kind", type=OneOf(["checks", "causes", "facts", "tables"]))
@click.argument("name", required=False, shell_complete=completing.tables)
def command(kind: str, name: str | None) -> int:
    """List the checks, causes, facts or knowledge tables; with NAME, one table's rows."""
    if name is not None and kind != "tables":
        raise UsageError(f"'list {kind}' takes no name; 'trtdoctor why {name}' explains one")
    rows = {"checks": _checks, "causes": _causes, "facts": _facts}.get(kind)
    if rows is not None:
        _show(rows())
    elif name is None:
        _show(_tables())
    else:
        _show_table(name)
    return 0


def _checks() -> list[tuple[str, ...]]:
    catalogue = discover()
    rows: list[tuple[str, ...]] = [("ID", "NAME", "SEVERITY", "WHAT IT FINDS")]
    for check in catalogue.checks:
        plugin = f" [{check.info.plugin}]" if check.info.plugin else ""
        rows.append((check.id, check.name, check.info.severity.value, check.info.title + plugin))
    for problem in catalogue.problems:
        click.echo(f"trtdoctor: {problem.where}: {problem.message}", err=True)
    return rows


def _causes() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("CAUSE", "TYPING", "WHY A LAYER IS NOT FP16")]
    for doc in Knowledge.load().causes():
        rows.append((doc.cause.value, doc.world, doc.title))
    return rows


def _facts() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("FACT", "WHAT IT HOLDS")]
    for kind in FACT_TYPES:
        rows.append((kind.FACT, (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")))
    return rows


def _tables() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("TABLE", "AS OF", "ROWS", "COVERS")]
    for table in Knowledge.load().tables():
        rows.append((table.name, table.as_of, str(table.rows), table.covers))
    return rows


def _show_table(name: str) -> None:
    try:
        rows = Knowledge.load().rows(name)
    except KeyError:
        everything = "'trtdoctor list tables' shows all of them"
        tables = [table.name for table in Knowledge.load().tables()]
        hint = did_you_mean(name, tables, otherwise=everything)
        raise UsageError(f"there is no table {shown(name)}; {hint}") from None
    for row in rows:
        for key, value in row.items():
            click.echo(f"{key}: {value}")
        click.echo()


def _show(rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in rows[0]:
        table.add_column(
            heading, overflow="fold", no_wrap=heading in ("ID", "NAME", "CAUSE", "FACT", "TABLE")
        )
    for row in rows[1:]:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(table)
