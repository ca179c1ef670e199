"""What a context model of ONNX Runtime says of the engine that it stands for.

The TensorRT providers save an ONNX model whose nodes are ``EPContext`` instead of the parts that they
built (``onnx_ctx_model_helper.h`` of either provider). Attributes of such a node:

- ``embed_mode``: 1 where ``ep_cache_context`` is the engine itself, 0 where it is the engine's path
- ``hardware_architecture``: the compute capability, ``86``, or ``80+``
- ``ep_sdk_version``: the version of TensorRT (TensorRT-RTX's provider writes it)
- ``onnx_model_filename``: the model that the engine was built from, ``partition_name`` which part
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...model.base import Frozen
from ..errors import naming
from ..files.source import Source, open_source
from ..onnxmodel.wire import Wire, damaged
from .names import capability

_GRAPH, _NODE = 7, 1
_OP_TYPE, _ATTRIBUTE = 4, 5
_NAME, _INTEGER, _TEXT = 1, 3, 4
_FIXED = {1: 8, 5: 4}
_MOST_FIELDS = 200_000
_LONGEST = 4096


class EpContext(Frozen, frozen=True, kw_only=True):
    """One ``EPContext`` node.

    Attributes:
        embedded: Whether the engine is in the model.
        engine: The path of the engine, as the model tells it, where it is not.
        compute_capability: What it was built for.
        newer_too: Built for that one and newer ones.
        version: The version of TensorRT or TensorRT-RTX that built it.
        model: The file name of the model that it was built from.
    """

    embedded: bool = False
    engine: str | None = None
    compute_capability: str | None = None
    newer_too: bool = False
    version: str | None = None
    model: str | None = None


def read_contexts(
    source: Path | BinaryIO | bytes | Source, *, name: str | None = None
) -> tuple[EpContext, ...]:
    """The context nodes of a model, in order; none where it has none. Engines are stepped over.

    Raises:
        FormatError: The bytes are no ONNX model, or cut.
        OSError: The file cannot be read.
    """
    with naming(name), open_source(source) as opened:
        return tuple(_Walk(opened).contexts())


class _Walk:
    def __init__(self, source: Source) -> None:
        self._wire = Wire(source)
        self._size = source.size
        self._left = _MOST_FIELDS

    def contexts(self) -> Iterator[EpContext]:
        for number, start, end in self._fields(0, self._size):
            if number == _GRAPH:
                for inner, first, last in self._fields(start, end):
                    if inner == _NODE:
                        yield from self._node(first, last)

    def _node(self, start: int, end: int) -> Iterator[EpContext]:
        texts: dict[str, str] = {}
        numbers: dict[str, int] = {}
        kind = ""
        for number, first, last in self._fields(start, end):
            if number == _OP_TYPE:
                kind = self._text(first, last)
            elif number == _ATTRIBUTE:
                self._attribute(first, last, texts, numbers)
        if kind == "EPContext":
            yield _context(texts, numbers)

    def _attribute(
        self, start: int, end: int, texts: dict[str, str], numbers: dict[str, int]
    ) -> None:
        name = ""
        for number, first, last in self._fields(start, end):
            if number == _NAME:
                name = self._text(first, last)
            elif number == _TEXT and last - first <= _LONGEST:
                texts[name] = self._text(first, last)
            elif number == _INTEGER:
                numbers[name] = first

    def _text(self, start: int, end: int) -> str:
        return self._wire.bytes(start, min(end, start + _LONGEST)).decode("utf-8", "replace")

    def _fields(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Number, and where the content begins and ends; of a varint its value instead of both.

        Raises:
            FormatError: The range holds no fields.
        """
        position = start
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise damaged("it has too many fields for a context model")
            key, position = self._wire.varint(position, end)
            number, kind = key >> 3, key & 7
            if kind == 0:
                value, position = self._wire.varint(position, end)
                yield number, value, value
                continue
            if kind == 2:
                length, position = self._wire.varint(position, end)
            elif kind in _FIXED:
                length = _FIXED[kind]
            else:
                raise damaged("it has a field of no known kind")
            if length > end - position:
                raise damaged("it is cut short")
            yield number, position, position + length
            position += length


def _context(texts: dict[str, str], numbers: dict[str, int]) -> EpContext:
    embedded = numbers.get("embed_mode", 1) != 0
    digits = texts.get("hardware_architecture", "")
    plain = digits.removesuffix("+")
    known = plain.isascii() and plain.isdigit() and 2 <= len(plain) <= 3
    return EpContext(
        embedded=embedded,
        engine=None if embedded else texts.get("ep_cache_context") or None,
        compute_capability=capability(plain) if known else None,
        newer_too=digits.endswith("+"),
        version=texts.get("ep_sdk_version") or None,
        model=texts.get("onnx_model_filename") or None,
    )
