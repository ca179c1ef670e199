"""Reading table files: their head, their rows, and the error that says where a table ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from ..model.base import Frozen

_ROW = "\n[[row]]\n"


class TableError(Exception):
    """A table file is not what it must be; the message names the file."""


class KnowledgeEnds(LookupError):
    """A table does not reach what was asked; the message names table, range, date and question."""

    def __init__(self, *, table: str, covers: str, as_of: str, asked: str) -> None:
        self.table = table
        self.covers = covers
        self.as_of = as_of
        self.asked = asked
        super().__init__(f"table {table} ({covers}; as of {as_of}) does not say: {asked}")


class Meta(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of a table. ``oldest`` and ``newest`` bound the releases it covers, by product."""

    table: str
    title: str
    as_of: str
    covers: str
    oldest: dict[str, str] = msgspec.field(default_factory=dict)
    newest: dict[str, str] = msgspec.field(default_factory=dict)


def _loads(text: str, path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise TableError(f"{path.name}: {exc}") from exc


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise TableError(f"{path.name}: {exc}") from exc


def _meta(document: dict[str, Any], path: Path) -> Meta:
    try:
        meta = msgspec.convert(document.get("meta"), Meta)
    except msgspec.ValidationError as exc:
        raise TableError(f"{path.name}: [meta]: {exc}") from exc
    if meta.table != path.stem:
        raise TableError(f"{path.name}: [meta] names another table, {meta.table}")
    return meta


def read_head(path: Path) -> tuple[Meta, int]:
    """The head of a table and the number of its rows, without parsing the rows.

    Raises:
        TableError: the file cannot be read, or its head is not valid.
    """
    head, *rows = _text(path).split(_ROW)
    return _meta(_loads(head, path), path), len(rows)


def read_table(path: Path) -> tuple[Meta, tuple[dict[str, Any], ...]]:
    """The head of a table and its rows as plain dicts.

    Raises:
        TableError: the file cannot be read, is not valid TOML, or has more than head and rows.
    """
    document = _loads(_text(path), path)
    if extra := sorted(set(document) - {"meta", "row"}):
        raise TableError(f"{path.name}: unexpected {', '.join(extra)}")
    return _meta(document, path), tuple(document.get("row", ()))
