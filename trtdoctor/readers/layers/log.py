"""Layers in a text: the inspector's own text, a verbose build log, or trtexec's console output.

Three forms occur, also together in one log: the ONELINE block after ``Layers:``, the bare names
that an engine without detailed profiling verbosity gives there, and the ``Layer(...)`` lines after
``Engine Layer Information:``. Of several engines in one log the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..layerlines import LAYER_LINE, LineTensor, head_of, read_layer_line
from .bounds import Allowance
from .oneline import START, parse_io_line, parse_line

# "[11/22/2026-06:00:00] [V] [TRT] ", "[VERBOSE] ", "[TensorRT] VERBOSE: " and the like.
_MARK = r"(?:\[[^\]\n]{1,40}\] ?){1,4}(?:[A-Z_]{4,16}: )?"
# A layer's name can begin with a bracket too, so within a block only a logger's own marks end it.
_LOGGED = re.compile(
    r"^\[(?:\d\d/\d\d/\d{4}-[\d:]{8}|\d{4}-\d\d-\d\d[^\]]{0,24}|[VIWEF]|TRT|TensorRT|VERBOSE|INFO"
    r"|WARNING|ERROR|INTERNAL_ERROR)\]"
)
_PREFIX = re.compile(rf"^{_MARK}")
_ONLY_MARK = re.compile(rf"(?:{_MARK})?")
_LONGEST_MARK = 240
_BLOCK, _LINES = "Layers:", "Engine Layer Information:"
_BLOCK_END = ("Bindings:", "I/O Tensors:", "Engine Metadata:")
_NAMED_TACTIC = re.compile(r"Tactic Name: (\S{1,1000}) Tactic: (0x[0-9a-fA-F]{1,16})")


def find_block(text: str) -> int | None:
    """Where the last ``Layers:`` block begins, after its heading; None where there is none."""
    return _after_last(_BLOCK, text)


def find_lines(text: str) -> int | None:
    """Where the last run of ``Layer(...)`` lines begins; None where there is none."""
    heading = _after_last(_LINES, text)
    if heading is not None:
        return heading
    at = -1
    while (at := text.find("Layer(", at + 1)) >= 0:
        start = _line_start(text, at)
        if start is not None and LAYER_LINE.match(text, at):
            return start
    return None


def several_engines(text: str) -> bool:
    """Whether a text lists more than one engine: each is listed at most once in either form."""
    return any(
        len(list(islice(_after_headings(heading, text), 2))) > 1 for heading in (_BLOCK, _LINES)
    )


def _after_last(heading: str, text: str) -> int | None:
    return next(_after_headings(heading, text), None)


def _after_headings(heading: str, text: str) -> Iterator[int]:
    """Where the lines after each such heading begin, the last heading first."""
    at = len(text)
    while (at := text.rfind(heading, 0, at)) >= 0:
        end = text.find("\n", at, at + len(heading) + 16)
        rest = text[at + len(heading) : end if end >= 0 else at + len(heading) + 16]
        if not rest.strip() and _line_start(text, at) is not None:
            yield end + 1 if end >= 0 else len(text)


def _line_start(text: str, at: int) -> int | None:
    """Where the line of ``at`` begins, if a logger's mark is all that stands before ``at``."""
    floor = max(0, at - _LONGEST_MARK)
    start = text.rfind("\n", floor, at) + 1
    if start == 0 and floor > 0:
        return None
    return start if _ONLY_MARK.fullmatch(text, start, at) else None


def read_block(text: str, start: int) -> tuple[list[Any], list[str], list[dict[str, Any]]]:
    """Reads a ``Layers:`` block.

    Returns:
        Layer objects (or bare names, as strings), the names of bindings, and the network tensors.
    """
    layers: list[Any] = []
    bindings: list[str] = []
    io: list[dict[str, Any]] = []
    section, blank = _BLOCK, False
    allowed = Allowance(len(text))
    for raw in _lines(text, start):
        line = raw.rstrip("\r")
        bare = line.strip()
        if bare in _BLOCK_END:
            section, blank = bare, False
        elif not bare:
            blank = True
        elif blank or _LOGGED.match(line):
            break
        elif section == _BLOCK:
            obj = parse_line(line, allowed)
            layers.append(obj if obj is not None else line)
        elif section == "Bindings:":
            allowed.tensors(1)
            bindings.append(bare)
        elif section == "I/O Tensors:" and (tensor := parse_io_line(line)) is not None:
            allowed.tensors(1)
            io.append(tensor)
    return layers, bindings, io


def read_bare_lines(text: str) -> list[Any]:
    """ONELINE layers that stand in a text without any heading."""
    allowed = Allowance(len(text))
    found = (
        parse_line(_PREFIX.sub("", line), allowed) for line in _lines(text, 0) if START in line
    )
    return [obj for obj in found if obj is not None]


def read_lines(text: str, start: int) -> list[dict[str, Any]]:
    """Reads the run of ``Layer(...)`` lines that begins at ``start``.

    The lines give a tactic's number only; where the log names that tactic while timing it, the
    name is taken over. Numbers that the log gives two names keep none.
    """
    layers: list[dict[str, Any]] = []
    allowed = Allowance(len(text))
    for raw in _lines(text, start):
        line = raw.rstrip("\r")
        head = LAYER_LINE.match(line) or LAYER_LINE.match(_PREFIX.sub("", line))
        if head is not None:
            # A tensor ends with its type in two brackets.
            allowed.layer(max(head.string.count("])"), head.string.count(")]")))
            layers.append(_layer(head.string))
        elif layers:
            break
    names = _tactic_names(text, {layer["TacticValue"] for layer in layers})
    for layer in layers:
        if name := names.get(layer["TacticValue"]):
            layer["TacticName"] = name
    return layers


def _lines(text: str, start: int) -> Iterator[str]:
    # Not splitlines(): U+001E, which metadata holds, counts as a line end there.
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def _layer(text: str) -> dict[str, Any]:
    """The layer's object, with the JSON's keys; type and name alone where more cannot be read."""
    read = read_layer_line(text)
    if read is None:
        kind, name = head_of(text)
        return {"Name": name, "LayerType": kind, "TacticValue": ""}
    return {
        "Name": read.name,
        "LayerType": read.type,
        "Inputs": [_tensor(tensor) for tensor in read.inputs],
        "Outputs": [_tensor(tensor) for tensor in read.outputs],
        "TacticValue": read.tactic,
    }


def _tensor(tensor: LineTensor) -> dict[str, Any]:
    dims = None if tensor.dims is None else list(tensor.dims)
    return {"Name": tensor.name, "Dimensions": dims, "Datatype": tensor.dtype}


def _tactic_names(text: str, wanted: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    clashing: set[str] = set()
    for found in _NAMED_TACTIC.finditer(text):
        name, number = found.groups()
        if number in wanted and names.setdefault(number, name) != name:
            clashing.add(number)
    return {number: name for number, name in names.items() if number not in clashing}
