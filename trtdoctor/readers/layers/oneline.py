"""The inspector's ONELINE text: one layer a line, as trtexec --dumpLayerInfo prints it too.

Names hold commas, braces and brackets, so a line is cut at its fixed key markers, from left to
right, and every search starts where the last one ended: the time is linear in the line.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from .bounds import Allowance

START = "Name: "
_TENSOR = "{ Name: "
_TYPE = ", LayerType: "
_DIMENSIONS = ", Dimensions: ["
_LOCATION = re.compile(r", Location: (\w+)$")
_WEIGHTS = re.compile(
    r', (\w{0,32}Weights|Scale|Shift|Power): \{"Type": "([\w-]{1,32})", "Count": (\d{1,18})\}'
)
_FIELD = re.compile(r", (Format/Datatype|Datatype|DataType|Strides|StrideOrder|Format): ")
_TRAILER = re.compile(r", (TacticName|TacticValue|Origin|StreamId|EventId|Metadata): ?")
_TENSOR_START = re.compile(r"\s*(?:, )?\{ Name: ")
_TENSOR_END = re.compile(r" \}(?=\]|, \{ Name: )")
_LISTS = ("Inputs", "Constants", "Outputs")


def parse_line(line: str, allowed: Allowance | None = None) -> dict[str, Any] | None:
    """The layer object that a line stands for, with the JSON's keys, or None where it is none.

    Raises:
        TooMuch: with it the text has more layers or tensors than are read.
    """
    if allowed is not None:
        allowed.layer(line.count(_TENSOR))
    if not line.startswith(START):
        return None
    at = line.find(_TYPE)
    if at < 0:
        return None
    layer: dict[str, Any] = {"Name": line[len(START) : at]}
    start = at + len(_TYPE)
    end = line.find(", ", start)
    layer["LayerType"] = line[start : end if end >= 0 else None].strip()
    position = end if end >= 0 else len(line)
    for key in _LISTS:
        marker = f", {key}: ["
        if line.startswith(marker, position):
            layer[key], position = _tensor_list(line, position + len(marker))
    layer.update(_trailer(line, position))
    for found in _WEIGHTS.finditer(line, position):
        layer[found.group(1)] = {"Type": found.group(2), "Count": int(found.group(3))}
    return layer


def parse_io_line(line: str) -> dict[str, Any] | None:
    """A network tensor of the ``I/O Tensors:`` block that TensorRT 11 and TensorRT-RTX print."""
    text = line.strip()
    mark = text.find(", IOMode: ")
    if not text.startswith(START) or mark < 0:
        return None
    tensor: dict[str, Any] = {"Name": text[len(START) : mark]}
    for key in ("IOMode", "DataType"):
        found = re.search(rf", {key}: (\w+)", text[mark:])
        if found:
            tensor[key] = found.group(1)
    found = re.search(r", Dimensions: \[([^\]]*)\]", text[mark:])
    if found:
        tensor["Dimensions"] = _ints(found.group(1))
    infos: list[dict[str, Any]] = []
    for shapes in re.finditer(
        r"MinShape: \[([^\]]*)\], OptShape: \[([^\]]*)\], MaxShape: \[([^\]]*)\]", text[mark:]
    ):
        low, opt, high = (_ints(s) for s in shapes.groups())
        infos.append({"MinShape": low, "OptShape": opt, "MaxShape": high})
    tensor["ProfileInfo"] = infos
    return tensor


def _tensor_list(line: str, position: int) -> tuple[list[dict[str, Any]], int]:
    """The tensors of one list, and the position after its closing bracket."""
    tensors: list[dict[str, Any]] = []
    while True:
        opening = _TENSOR_START.match(line, position)
        if opening is None:
            close = line.find("]", position)
            return tensors, close + 1 if close >= 0 else len(line)
        dims = line.find(_DIMENSIONS, opening.end())
        if dims < 0:
            return tensors, len(line)
        end = _TENSOR_END.search(line, dims)
        stop = end.start() if end else len(line)
        tensors.append(_tensor(line, opening.end(), dims, stop))
        position = end.end() if end else len(line)


def _tensor(line: str, start: int, dims: int, stop: int) -> dict[str, Any]:
    name = line[start:dims]
    tensor: dict[str, Any] = {}
    if location := _LOCATION.search(name[-32:]):
        tensor["Location"] = location.group(1)
        name = name[: len(name) - len(location.group(0))]
    tensor["Name"] = name
    close = line.find("]", dims, stop)
    if close < 0:
        return tensor
    tensor["Dimensions"] = _ints(line[dims + len(_DIMENSIONS) : close])
    marks = list(_FIELD.finditer(line, close, stop))
    for mark, following in zip_longest(marks, marks[1:]):
        until = following.start() if following else stop
        tensor[mark.group(1)] = line[mark.end() : until].strip()
    return tensor


def _trailer(line: str, position: int) -> dict[str, str]:
    marks = list(_TRAILER.finditer(line, position))
    # Metadata ends the line; what looks like a key inside it belongs to a node's name.
    for index, mark in enumerate(marks):
        if mark.group(1) == "Metadata":
            marks = marks[: index + 1]
            break
    fields: dict[str, str] = {}
    for mark, following in zip_longest(marks, marks[1:]):
        value = line[mark.end() : following.start() if following else None]
        if mark.group(1) not in ("Metadata", "TacticName"):
            value = value.split(", ", 1)[0]
        fields[mark.group(1)] = value.strip(" \r\n\t")
    return fields


def _ints(text: str) -> list[int] | None:
    parts = [p.strip() for p in text.split(",")] if text.strip() else []
    if not all(re.fullmatch(r"-?\d{1,18}", p) for p in parts):
        return None
    return [int(p) for p in parts]
