"""The one grammar of ``Layer(TYPE): NAME, Tactic: NUMBER, IN -> OUT``, a line of verbose build logs.

From TensorRT 8.5 on a tensor is ``NAME (TYPE[extents])``, before that ``NAME[TYPE(extents)]``.
Tactics are hexadecimal from 8.4 on and signed decimals before. Names are the model's and may hold
commas, parentheses, brackets and arrows, so nothing inside a name ends it: a name ends at
``, Tactic: NUMBER``, a tensor's at its type in the form in which the line's last tensor has it.
"""

from __future__ import annotations

import re

from ..model.base import Frozen

LAYER_LINE = re.compile(r"Layer\(([^()\n]{1,128})\): ")
_TACTIC = re.compile(r", Tactic: (0[xX][0-9a-fA-F]{1,16}|-?[0-9]{1,20}) ?(?:,|$)")
_ENDS = r"(?=, | -> | ->$|$)"
_FORMS = {
    "])": re.compile(r" \((\w{1,32})\[([^\[\]]{0,512})\]\)" + _ENDS),
    ")]": re.compile(r"\[(\w{1,32})\(([^\[\]]{0,512})\)\]" + _ENDS),
}
_ARROW = "->"


class LineTensor(Frozen, frozen=True, kw_only=True):
    """A tensor of a line; a negative extent is dynamic, and the layout is not printed.

    ``dims`` is null where an extent is no number. ``vector`` (8 in ``64:8``) is how many elements
    of dimension ``vector_axis`` lie packed together.
    """

    name: str
    dtype: str
    dims: tuple[int, ...] | None
    vector: int = 1
    vector_axis: int | None = None


class LayerLine(Frozen, frozen=True, kw_only=True):
    """One line. ``tactic`` is the number as printed: hexadecimal or a signed decimal."""

    type: str
    name: str
    tactic: str
    inputs: tuple[LineTensor, ...]
    outputs: tuple[LineTensor, ...]


def read_layer_line(text: str) -> LayerLine | None:
    """The layer that a text beginning with ``Layer(`` tells, or None where it is cut or damaged.

    Takes time linear in the text.
    """
    start = LAYER_LINE.match(text)
    tactic = None if start is None else _TACTIC.search(text, start.end())
    if start is None or tactic is None:
        return None
    sides = _sides(text[tactic.end() :].strip())
    if sides is None:
        return None
    return LayerLine(
        type=start.group(1),
        name=text[start.end() : tactic.start()],
        tactic=tactic.group(1),
        inputs=sides[0],
        outputs=sides[1],
    )


def head_of(text: str) -> tuple[str, str]:
    """Type and name in a text that :data:`LAYER_LINE` matches, of a line that is cut or damaged."""
    start = LAYER_LINE.match(text)
    kind, rest = (start.group(1), text[start.end() :]) if start else ("", text)
    return kind, rest.partition(", Tactic: ")[0].strip()


def _sides(text: str) -> tuple[tuple[LineTensor, ...], tuple[LineTensor, ...]] | None:
    """The tensors before and after the arrow; None where that is not all there is."""
    if text == _ARROW:
        return (), ()
    form = _FORMS.get(text.removesuffix(_ARROW).rstrip()[-2:])
    if form is None:
        return None
    sides: tuple[list[LineTensor], list[LineTensor]] = ([], [])
    side, position = (1, 3) if text.startswith("-> ") else (0, 0)
    for found in form.finditer(text, position):
        sides[side].append(_tensor(text[position : found.start()], found))
        position = found.end()
        if text.startswith(", ", position):
            position += 2
        elif text.startswith(" ->", position):
            if side:
                return None
            side, position = 1, min(position + 4, len(text))
    # Without an arrow the line ends before the outputs do.
    return (tuple(sides[0]), tuple(sides[1])) if side and position == len(text) else None


def _tensor(name: str, found: re.Match[str]) -> LineTensor:
    dtype, extents = found.groups()
    dims: list[int] = []
    vector, axis = 1, None
    for place, part in enumerate(extents.split(",") if extents.strip() else ()):
        number, packed, width = part.strip().partition(":")
        if not _whole(number) or (packed and not (_whole(width) and int(width) > 0)):
            return LineTensor(name=name.strip(), dtype=dtype, dims=None)
        dims.append(int(number))
        if packed:
            vector, axis = int(width), place
    return LineTensor(
        name=name.strip(), dtype=dtype, dims=tuple(dims), vector=vector, vector_axis=axis
    )


def _whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return len(digits) <= 18 and digits.isascii() and digits.isdigit()
