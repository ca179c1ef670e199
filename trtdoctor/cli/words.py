"""Words of the command line that name nothing: what was meant is suggested, in one place for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trtdoctor.model.near import did_you_mean, shown

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    # Before click 8.2 it has no type parameter.
    _Choice = click.Choice


class OneOf(_Choice):
    """A choice among few words, which suggests the one that was meant."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(list(words))
        self._words = tuple(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word itself."""
        if value in self._words:
            return str(value)
        listed = ", ".join(self._words)
        hint = did_you_mean(str(value), self._words, otherwise=f"it is one of {listed}")
        name = param.opts[-1] if param is not None and param.param_type_name == "option" else ""
        what = f"{name} has no value" if name else f"there is no {self._kind(param)}"
        raise click.UsageError(f"{what} {shown(str(value))}; {hint}", ctx)

    @staticmethod
    def _kind(param: click.Parameter | None) -> str:
        return "choice" if param is None or param.name is None else param.name


class Group(click.Group):
    """Commands by their names; without one the help is shown, and that is no mistake."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, and show the help where nothing was asked for."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit(0)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names."""
        word = args[0]
        if ctx.resilient_parsing or word.startswith("-") or self.get_command(ctx, word):
            return super().resolve_command(ctx, args)
        names = self.list_commands(ctx)
        hint = did_you_mean(word, names, otherwise=f"it has {', '.join(names)}")
        if ctx.parent is None and _is_path(word):
            hint = f"it is a path; did you mean {ctx.command_path} explain {word}?"
        raise click.UsageError(f"there is no command {shown(word)}; {hint}", ctx)


def sentence(error: click.UsageError) -> str:
    """What is wrong, as one sentence without its end."""
    if not isinstance(error, click.NoSuchOption):
        return error.format_message()
    names = [] if error.ctx is None else _options(error.ctx.command)
    return _told(f"there is no option {shown(error.option_name)}", error.option_name, names)


def _told(what: str, word: str, names: Sequence[str]) -> str:
    hint = did_you_mean(word, names)
    return f"{what}; {hint}" if hint else what


def _options(command: click.Command) -> list[str]:
    named = [name for param in command.params for name in (*param.opts, *param.secondary_opts)]
    return [name for name in [*named, "--help"] if name.startswith("--")]


def _is_path(word: str) -> bool:
    try:
        return Path(word).exists()
    except OSError:
        return False
