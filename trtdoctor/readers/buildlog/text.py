"""The small grammars inside a log line: formats, combinations, ``Layer(...)`` lines.

Each answers None for text that it does not understand; nothing raises.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.engine import Layer
from ..layerlines import LineTensor, read_layer_line
from ..layers.objects import layer_from
from ..layers.oneline import parse_line
from .log_facts import EngineLayer, EngineTensor, TensorFormat
from .strides import NAMED, WHERE, Product, Stride, definitions, split, stride

Combination = tuple[tuple[TensorFormat, ...], tuple[TensorFormat, ...]]

# Beyond this nothing a builder prints is a format or a layer's line.
_LONGEST = 1 << 16


class Formats:
    """Reads formats and keeps one object for each distinct text, so that memory stays small."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], TensorFormat | None] = {}

    def one(self, text: str, where: str = "") -> TensorFormat | None:
        """``Half(128,1:8,128,128)`` with whatever stands around it, or None.

        Names in it are told behind a ``where`` of its own, as in ``where E0=(* 8 (# 3 (SHAPE x)))``,
        else by ``where``, which is the line's.
        """
        key = text.strip(), where
        if key not in self._known:
            self._known[key] = _format(*key)
        return self._known[key]

    def many(self, text: str, where: str = "") -> tuple[TensorFormat, ...] | None:
        """A list of formats, separated by comma and space; an empty text is an empty list."""
        text = text.strip()
        if not text:
            return ()
        parts: list[str] = []
        for part in split(text, ", "):
            if parts and NAMED.match(part):
                parts[-1] += f" {part}"
            else:
                parts.append(part)
        found = tuple(self.one(part, where) for part in parts)
        return None if None in found else found  # type: ignore[return-value]

    def combination(self, text: str) -> Combination | None:
        """``A, B -> C``, with a ``where`` behind the whole, behind each format, or both."""
        if len(text) > _LONGEST:
            return None
        sides = split(text, "->")
        if len(sides) != 2:
            return None
        *_, where = ["", *sides[0].split(WHERE)[1:], *sides[1].split(WHERE)[1:]]
        inputs, outputs = self.many(sides[0], where), self.many(sides[1], where)
        if inputs is None or outputs is None or not (inputs or outputs):
            return None
        return inputs, outputs


def _format(text: str, where: str) -> TensorFormat | None:
    text, *own = text.split(WHERE)
    told = definitions(own[0] if own else where) if own or where else ({}, "")
    if told is None:
        return None
    names, note = told
    if own and note:
        text = f"{text} {note}"
    dtype, opened, rest = text.partition("(")
    inside, closed, after = rest.rpartition(")")
    if not opened or not closed or inside.count("(") != inside.count(")"):
        return None
    before = dtype.split()
    if not before or not before[-1].isalnum():
        return None
    note = " ".join([*before[:-1], *after.split()])
    parsed = _extents(inside, names)
    if parsed is None:
        return None
    strides, vector, axis = parsed
    if any(isinstance(stride, Product) for stride in strides):
        # Names mean something else in the next line, so the text tells what they stand for.
        packed = {axis: f":{vector}"}
        put = ",".join(f"{part}{packed.get(place, '')}" for place, part in enumerate(strides))
        text = f"{dtype}({put}){after}"
    return TensorFormat(
        text=text, dtype=before[-1], strides=strides, vector=vector, vector_axis=axis, note=note
    )


def _extents(
    text: str, names: Mapping[str, str]
) -> tuple[tuple[Stride, ...], int, int | None] | None:
    """Comma-separated strides, one of which may carry ``:vector``."""
    values: list[Stride] = []
    vector, axis = 1, None
    if not text.strip():
        return (), 1, None
    for position, part in enumerate(split(text, ",")):
        number, *width = split(part, ":")
        found = stride(number, names)
        if found is None or len(width) > 1:
            return None
        values.append(found)
        if width:
            try:
                vector, axis = int(width[0]), position
            except ValueError:
                return None
    if vector < 1:
        return None
    return tuple(values), vector, axis


def number(text: str) -> float | None:
    """A time as printed; None for ``inf``, for ``nan`` and for what is no number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None


def whole(text: str) -> int | None:
    """The integer that the text starts with, or None."""
    digits = ""
    for character in text.strip():
        if not ("0" <= character <= "9"):
            break
        digits += character
    return int(digits) if 0 < len(digits) <= 19 else None


def engine_layer(text: str, line: int) -> EngineLayer | None:
    """``Layer(TYPE): NAME, Tactic: NUMBER, IN -> OUT``, if every extent in it is a number."""
    read = read_layer_line(text)
    if read is None:
        return None
    inputs, outputs = _measured(read.inputs), _measured(read.outputs)
    if inputs is None or outputs is None:
        return None
    return EngineLayer(
        line=line,
        type=read.type,
        name=read.name,
        tactic=read.tactic,
        inputs=inputs,
        outputs=outputs,
    )


def listed_layer(text: str) -> Layer | None:
    """``Name: NAME, LayerType: TYPE, …``, a line of the inspector's own text."""
    found = parse_line(text)
    return None if found is None else layer_from(found)


def _measured(tensors: tuple[LineTensor, ...]) -> tuple[EngineTensor, ...] | None:
    found: list[EngineTensor] = []
    for tensor in tensors:
        if tensor.dims is None:
            return None
        found.append(
            EngineTensor(
                name=tensor.name,
                dtype=tensor.dtype,
                dims=tensor.dims,
                vector=tensor.vector,
                vector_axis=tensor.vector_axis,
            )
        )
    return tuple(found)


def last_group(text: str) -> tuple[str, str] | None:
    """``BEFORE (INSIDE)``, where the inside may hold parentheses that balance."""
    if not text.endswith(")"):
        return None
    depth = 0
    for position in range(len(text) - 1, 0, -1):
        if text[position] == ")":
            depth += 1
        elif text[position] == "(":
            depth -= 1
            if depth == 0 and text[position - 1] == " ":
                return text[: position - 1], text[position + 1 : -1]
    before, opened, inside = text[:-1].rpartition(" (")
    return (before, inside) if opened else None


def runner_of(text: str) -> tuple[str, str] | None:
    """``NAME (RUNNER[0x80000009])`` or ``NAME (RUNNER)`` as name and runner."""
    name, opened, runner = text.rstrip().rpartition(" (")
    if not opened or not name or not runner.endswith(")"):
        return None
    return name, runner[:-1].partition("[")[0]


def reformat_of(name: str) -> tuple[str | None, str | None] | None:
    """``Optimizer Reformat(A -> B)`` as its two tensors; ``<in>`` and ``<out>`` are None."""
    if not name.startswith("Optimizer Reformat(") or not name.endswith(")"):
        return None
    inside = name[len("Optimizer Reformat(") : -1]
    if inside.endswith(" -> <out>"):
        return inside[: -len(" -> <out>")], None
    if inside.startswith("<in> -> "):
        return None, inside[len("<in> -> ") :]
    before, arrow, after = inside.partition(" -> ")
    return (before, after) if arrow else None
