"""The generated pages of the reference: a page for each command, and the list of decisions."""

from __future__ import annotations

from pathlib import Path

import click

from trtdoctor.cli.app import program

ROOT = Path(__file__).resolve().parents[1]


def command_pages() -> dict[Path, str]:
    """A page for each command with its subcommands, and their list."""
    context = click.Context(program, info_name="trtdoctor")
    folder = Path("docs/commands")
    rows, made = [], {}
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None
        made[folder / f"{name}.md"] = "\n".join(_command(command, context, name, 1)) + "\n"
        rows.append(f"| [`trtdoctor {name}`]({name}.md) | {_cell(_first_line(command))} |")
    made[folder / "README.md"] = "\n".join(
        [
            "# Commands",
            "",
            "`trtdoctor COMMAND --help` prints the same. What the exit codes mean is told in"
            " [Exit codes](../exit-codes.md).",
            "",
            "| command | answers |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )
    return made


def decisions() -> dict[Path, str]:
    """The list of the records of decisions."""
    lines = ["# Decisions", "", "Why trtdoctor is built as it is, one decision a page.", ""]
    for page in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        title = page.read_text("utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({page.name})")
    return {Path("docs/adr/README.md"): "\n".join(lines) + "\n"}


def _command(command: click.Command, parent: click.Context, name: str, level: int) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    paragraphs = (command.help or "").replace("\b\n", "").strip().split("\n\n")
    lines = [f"{'#' * level} trtdoctor {context.command_path.partition(' ')[2]}", ""]
    for paragraph in paragraphs:
        lines += [" ".join(paragraph.split()), ""]
    lines += ["```", usage, "```"]
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            inner = command.get_command(context, sub)
            assert inner is not None
            lines += ["", *_command(inner, context, sub, level + 1)]
        return lines
    # Not the option for help: click keeps the names that it had when it was first asked for.
    options = (p for p in command.params if isinstance(p, click.Option))
    records = (option.get_help_record(context) for option in options)
    rows = [record for record in records if record is not None]
    rows.append(("-h, --help", "Show this message and exit."))
    lines += ["", "| option | meaning |", "| --- | --- |"]
    lines += [f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows]
    return lines


def _first_line(command: click.Command) -> str:
    return " ".join((command.help or "").strip().split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
