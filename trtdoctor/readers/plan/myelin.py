"""The text of a Myelin program: what a fused part of an engine executes.

A program starts with ``NLYM``, its compiler's version and the length of its text. The text has
sections ``header``, ``descriptors`` (the tensors) and ``main`` (the operations); binary constants
and the texts of programs nested in them follow and are not looked at. Observed in files of TensorRT
8.6 and 10.9 and of TensorRT-RTX 1.4 to 1.7.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from ...model.engine import Layer, LayerTensor, LayerWeights
from ..files.source import Source
from .datatypes import MYELIN_TYPES
from .onnxnodes import onnx_nodes

MAGIC = b"NLYM"
_HEADER = struct.Struct("<4sIQ")
_TEXT_LIMIT = 32 << 20
_STATEMENT_LIMIT = 1 << 20
_CHUNK = 1 << 16
_MOST_STATEMENTS = 200_000
_TOKEN = re.compile(r'"[^"]*"|[{}=]|[^\s{}="]+')
_MOST_NAMES = 500_000
_KEPT_FIELDS = frozenset(
    (
        "name",
        "type",
        "dims",
        "base",
        "region",
        "const_payload_size",
        "input",
        "output",
        "input_args",
        "output_args",
        "layers",
        "fqn",
        "kernel",
    )
)
_COUNTER = re.compile(r"\.\d+$")
_LOGGED_TYPES = {
    "function": "kgen",
    "corrltn": "correlation",
    "fully_connected": "gemm",
    "deconvolution": "deconv",
}

Fields = dict[str, "str | list[str]"]


@dataclass
class Descriptor:
    """A tensor of a program.

    Attributes:
        base: For a part of another tensor that tensor's name.
        constant: Whether its values are stored with the program.
        device: Whether it lies in the GPU's memory; shape arithmetic is on the host.
    """

    name: str
    dtype: str | None
    count: int | None
    base: str | None
    constant: bool
    device: bool


@dataclass
class Program:
    """One parsed program.

    Attributes:
        version: Of the Myelin compiler, as "2.22.49".
        flags: The header's plain settings.
        externals: The names of its inputs and outputs.
        length: Of its text, in bytes.
        complete: Whether the text was there to its end.
    """

    version: str
    flags: dict[str, str] = field(default_factory=dict)
    externals: set[str] = field(default_factory=set)
    descriptors: dict[str, Descriptor] = field(default_factory=dict)
    operations: list[tuple[str, Fields]] = field(default_factory=list)
    length: int = 0
    complete: bool = False
    kept: int = 0


def read_flags(source: Source, offset: int, length: int) -> tuple[str, dict[str, str]] | None:
    """Return the compiler's version and the header's settings; None where no program starts."""
    head = _read_header(source, offset, length)
    if head is None:
        return None
    version, size = head
    program = Program(version)
    _parse(_lines(source, offset + _HEADER.size, min(size, _CHUNK)), program, only_header=True)
    return version, program.flags


def read_program(source: Source, offset: int, length: int) -> Program | None:
    """Parse the program at ``offset``; None where none starts."""
    head = _read_header(source, offset, length)
    if head is None:
        return None
    version, size = head
    program = Program(version)
    start = offset + _HEADER.size
    program.length = max(0, min(size, _TEXT_LIMIT, source.size - start))
    program.complete = program.length == size
    _parse(_lines(source, start, program.length), program, only_header=False)
    return program


def program_layers(program: Program, number: int) -> tuple[Layer, ...]:
    """Return a program's operations as layers, named as in the builder's log."""
    suffix = f"_myl{number}"
    layers = []
    for sequence, (operation, fields) in enumerate(program.operations):
        inputs = _names(fields.get("input_args") or fields.get("input"))
        outputs = _names(fields.get("output_args") or fields.get("output"))
        nodes = fields.get("layers", "")
        tactic = fields.get("fqn") or fields.get("kernel")
        layers.append(
            Layer(
                name=f"{_text(fields.get('name')) or operation}{suffix}_{sequence}",
                type=_LOGGED_TYPES.get(operation, operation),
                onnx_nodes=onnx_nodes(_text(nodes)),
                inputs=tuple(_tensors(program, inputs, suffix)),
                outputs=tuple(_tensors(program, outputs, suffix)),
                weights=_weights(program, inputs),
                tactic=_text(tactic) or None,
            )
        )
    return tuple(layers)


def _read_header(source: Source, offset: int, length: int) -> tuple[str, int] | None:
    raw = source.read(offset, _HEADER.size)
    if len(raw) < _HEADER.size or raw[:4] != MAGIC:
        return None
    _, number, size = _HEADER.unpack(raw)
    version = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
    return version, min(size, max(0, length - _HEADER.size))


def _parse(lines: Iterator[str], program: Program, *, only_header: bool) -> None:
    section = ""
    for line in lines:
        if line.startswith("}"):
            if only_header and section == "header":
                return
            section = ""
        elif not line.startswith(" ") and line.endswith("{"):
            section = line[:-1].strip()
        elif section == "header":
            _header_line(line, program)
        elif section == "descriptors" and len(program.descriptors) < _MOST_STATEMENTS:
            _descriptor_line(line, program)
        elif section == "main" and len(program.operations) < _MOST_STATEMENTS:
            statement = _statement(line, program)
            if statement is not None:
                program.operations.append(statement)


def _lines(source: Source, start: int, length: int) -> Iterator[str]:
    """Yield the text's lines; names may hold what str.splitlines would break at."""
    rest, position, end = b"", start, start + length
    while position < end:
        chunk = source.read(position, min(_CHUNK, end - position))
        if not chunk:
            break
        position += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
        if len(rest) > _STATEMENT_LIMIT:
            rest = b""
    yield rest.decode("utf-8", "replace")


def _header_line(line: str, program: Program) -> None:
    key, separator, value = line.strip().partition("=")
    if not separator:
        return
    key, value = key.strip(), value.strip()
    if key in ("inputs", "outputs"):
        program.externals.update(_unquote(t) for t in _TOKEN.findall(value) if t.startswith('"'))
    elif not value.startswith("{"):
        program.flags[key] = value


def _descriptor_line(line: str, program: Program) -> None:
    statement = _statement(line, program)
    if statement is None or statement[0] not in ("tensor", "sub_tensor"):
        return
    fields = statement[1]
    name = _text(fields.get("name"))
    if not name:
        return
    program.descriptors[name] = Descriptor(
        name=name,
        dtype=MYELIN_TYPES.get(_text(fields.get("type"))),
        count=_count(_names(fields.get("dims"))),
        base=_text(fields.get("base")) or None,
        constant="const_payload_size" in fields,
        device="hmem" not in _text(fields.get("region")),
    )


def _statement(line: str, program: Program) -> tuple[str, Fields] | None:
    """Split ``op={ key=value key={ … } }`` into operation and fields; None for anything else."""
    tokens = _TOKEN.findall(line)
    if len(tokens) < 3 or tokens[1] != "=" or tokens[2] != "{":
        return None
    fields: Fields = {}
    depth, key = 1, ""
    values: list[str] = []
    for position in range(3, len(tokens)):
        token = tokens[position]
        if token == "{":
            depth += 1
            if depth == 2:
                values = []
        elif token == "}":
            depth -= 1
            if depth == 1 and key:
                if key in _KEPT_FIELDS and program.kept + len(values) <= _MOST_NAMES:
                    fields.setdefault(key, values)
                    program.kept += len(values)
                key = ""
            elif depth <= 0:
                break
        elif depth == 2 and token != "=":
            values.append(_unquote(token))
        elif depth == 1:
            if token == "=":
                key = tokens[position - 1]
            elif key and tokens[position - 1] == "=":
                if key in _KEPT_FIELDS:
                    fields.setdefault(key, _unquote(token))
                key = ""
    return tokens[0], fields


def _unquote(token: str) -> str:
    return token[1:-1] if token.startswith('"') else token


def _text(value: str | list[str] | None) -> str:
    return value if isinstance(value, str) else ""


def _names(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else []


def _count(dims: list[str]) -> int | None:
    if (
        not dims
        or len(dims) > 16
        or not all(d.isascii() and d.isdigit() and len(d) < 19 for d in dims)
    ):
        return None
    return prod(int(d) for d in dims)


def _tensors(program: Program, names: list[str], suffix: str) -> Iterator[LayerTensor]:
    for name in names:
        found = program.descriptors.get(name)
        if found is not None and (found.constant or not found.device):
            continue
        # A part of a tensor is logged under the tensor's name.
        shown = (found.base if found is not None else None) or name
        shown = _COUNTER.sub("", shown) if shown in program.externals else shown + suffix
        yield LayerTensor(name=shown, dtype=found.dtype if found else None)


def _weights(program: Program, names: list[str]) -> LayerWeights | None:
    """Return the largest of an operation's constants; single numbers scale and are no weights."""
    best: LayerWeights | None = None
    for name in names:
        found = program.descriptors.get(name)
        if found is None or not found.constant or found.dtype is None or found.count is None:
            continue
        if found.count > (best.count if best else 1):
            best = LayerWeights(dtype=found.dtype, count=found.count)
    return best
