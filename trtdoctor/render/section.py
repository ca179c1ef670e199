"""What every renderer shows: a titled table, and numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from trtdoctor.model.build import Proof
from trtdoctor.model.engine import CostTold
from trtdoctor.model.finding import Command
from trtdoctor.model.typing import Typing

Row = tuple[str, ...] | Command


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled table. Without ``columns`` its rows are pairs of label and text, or commands.

    ``note`` is a sentence below it, for where a renderer shows not all of its rows. ``kind`` says what it
    is about where a renderer may draw it in its own way: ``layers`` for a list of layers, a ``cause``
    with the cost that ``about`` holds, a ``proof``.
    """

    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    note: str = ""
    kind: Literal["", "layers", "cause", "proof"] = ""
    about: CostTold | Proof | None = None


def stretches(
    rows: Iterable[Row],
) -> Iterator[tuple[list[tuple[str, ...]], list[Command]]]:
    """The rows in order, as stretches of texts alone and of commands alone, the other list empty."""
    for _, stretch in groupby(rows, lambda row: isinstance(row, Command)):
        together = list(stretch)
        yield (
            [row for row in together if not isinstance(row, Command)],
            [row for row in together if isinstance(row, Command)],
        )


# Who decided an engine's types, as far as a sentence can say it.
ENGINE_TYPING = {
    Typing.WEAK: "weak: the builder chooses, and --fp16 only allows FP16",
    Typing.STRONG: "strong: the model's types decide",
}


def brief(name: str) -> str:
    """A name as a list has it: of a long one, as fused blocks have, the beginning and the end."""
    most = 90
    if len(name) <= most:
        return name
    return f"{name[: most * 2 // 3]} ... {name[-most // 3 :]}"


def percent(share: float | None) -> str:
    """A share as a percentage; a dash where there is none."""
    return "-" if share is None else f"{share:.1%}"


def size(number: int | None) -> str:
    """Bytes for people."""
    if number is None:
        return "unknown"
    value = float(number)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
