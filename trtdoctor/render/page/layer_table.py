"""All layers of an engine as one table that can be sorted and searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trtdoctor.model.engine import EngineReport, Explanation, Layer, Role
from trtdoctor.model.finding import Command, Confidence
from trtdoctor.render.section import Row

from .layer_map import layers_once
from .looks import CONVERSION, layer_look
from .model_map import NodeRow

R = TypeVar("R", bound=Row)
# Longer lists of nodes, and of what shows a precision, are cut; the JSON report has them whole.
_MOST_NAMED = 12
# What the tags of a row and of a cell take, in characters.
_ROW, _CELL = 24, 14


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's header with its unit; ``kind`` is its class.

    ``num`` for plain numbers, ``word`` and ``name`` for short and long texts, ``fixed`` for what is not
    sorted by, or none.
    """

    header: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows that a map's parts link to: the first cell is the number in each row's anchor."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class Budget:
    """How many characters and rows a page may still hold."""

    def __init__(self, characters: int, rows: int) -> None:
        self._left = characters
        self._rows = rows

    def take(self, rows: Iterable[R]) -> tuple[R, ...]:
        """The first of these rows that a page has room for; a command is there whole or not at all."""
        taken: list[R] = []
        for row in rows:
            cells = row.lines if isinstance(row, Command) else row
            self._left -= _ROW + sum(_CELL + len(cell) for cell in cells)
            if self._left < 0 or len(taken) >= self._rows:
                break
            taken.append(row)
        return tuple(taken)


def layer_table(engine: EngineReport, title: str, budget: Budget, keeps: str) -> Table | None:
    """The table of an engine's layers, in execution order; None where there are none.

    ``keeps`` says where those are that the page has no room for.
    """
    indexed = layers_once(engine)
    if not indexed:
        return None
    causes = {told.layer: told for told in engine.explanations}
    total = sum(layer.time_ms or 0.0 for _, layer in indexed)
    columns = (
        Column(header="#", kind="num"),
        Column(header="layer", kind="name"),
        Column(header="precision", kind="word"),
        Column(header="type", kind="word"),
        Column(header="time (us)", kind="num"),
        Column(header="share of time (%)", kind="num"),
        Column(header="why not FP16", kind="word"),
        Column(header="FP16 would add (us)", kind="num"),
        Column(header="ONNX nodes", kind="name"),
        Column(header="what shows the precision", kind="name"),
    )
    rows = (_row(number, layer, causes.get(layer.name), total) for number, layer in indexed)
    return _table(title, columns, rows, budget, len(indexed), "layers", keeps)


def block_tables(engine: EngineReport, budget: Budget, keeps: str) -> Iterator[Table]:
    """A table for what is inside each fused block."""
    columns = (
        Column(header="#", kind="num"),
        Column(header="layer", kind="name"),
        Column(header="precision", kind="word"),
        Column(header="type", kind="word"),
        Column(header="ONNX nodes", kind="name"),
        Column(header="what shows the precision", kind="name"),
    )
    for block in engine.blocks:
        rows = (
            (
                str(number),
                layer.name,
                precision_words(layer),
                layer.type or "",
                _nodes(layer),
                _listed(layer.precision_evidence, "; "),
            )
            for number, layer in enumerate(block.layers)
        )
        title = f"Inside {block.name}"
        made = _table(title, columns, rows, budget, len(block.layers), "layers", keeps)
        if made is not None:
            yield made


def node_table(
    rows: Sequence[NodeRow], titles: Sequence[str], budget: Budget, keeps: str
) -> Table | None:
    """The table of a model's nodes; ``titles`` name its maps."""
    columns = (
        Column(header="#", kind="num"),
        Column(header="node", kind="name"),
        *(Column(header=title, kind="word") for title in titles),
        Column(header="why not FP16", kind="name"),
        Column(header="what FP16 would do", kind="name"),
        Column(header="stays in FP32 as planned, because", kind="name"),
    )
    cells = ((str(row.number), row.name, *row.types, row.why, row.hazard, row.kept) for row in rows)
    return _table("Nodes", columns, cells, budget, len(rows), "nodes", keeps)


def _table(
    title: str,
    columns: tuple[Column, ...],
    rows: Iterable[tuple[str, ...]],
    budget: Budget,
    number: int,
    unit: str,
    keeps: str,
) -> Table | None:
    """A table without the columns that have nothing to tell."""
    taken = budget.take(rows)
    if not number:
        return None
    filled = [n for n in range(len(columns)) if n < 3 or any(row[n] for row in taken)]
    hidden = number - len(taken)
    note = f"{hidden} of {number} {unit} are not on this page; {keeps}." if hidden else ""
    return Table(
        title=title,
        columns=tuple(columns[n] for n in filled),
        rows=tuple(tuple(row[n] for n in filled) for row in taken),
        note=note,
    )


def _row(number: int, layer: Layer, told: Explanation | None, total: float) -> tuple[str, ...]:
    ms = layer.time_ms
    why = ""
    if told is not None:
        why = f"{told.cause.value}{f' ({told.confidence.value})' if told.confidence else ''}"
    return (
        str(number),
        layer.name,
        precision_words(layer),
        layer.type or "",
        "" if ms is None else f"{ms * 1000:.2f}",
        "" if ms is None or not total else f"{ms / total * 100:.2f}",
        why,
        f"{told.cost.margin_ms * 1000:+.2f}" if told is not None and told.cost else "",
        _nodes(layer),
        _listed(layer.precision_evidence, "; "),
    )


def _nodes(layer: Layer) -> str:
    """The nodes that are fused in a layer, where its name is not just them."""
    if " + ".join(layer.onnx_nodes) == layer.name:
        return ""
    return _listed(layer.onnx_nodes)


def precision_words(layer: Layer) -> str:
    """A layer's precision and how sure that is, or what it does where it computes nothing."""
    if layer.role is not Role.COMPUTE:
        return (
            "conversion" if layer_look(layer) is CONVERSION else layer.role.value.replace("-", " ")
        )
    if layer.precision_confidence in (None, Confidence.CERTAIN):
        return str(layer.precision.value)
    return f"{layer.precision.value} ({layer.precision_confidence.value})"


def _listed(names: Iterable[str], between: str = ", ") -> str:
    listed = list(names)
    more = len(listed) - _MOST_NAMED
    return between.join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
