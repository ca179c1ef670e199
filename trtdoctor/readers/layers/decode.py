"""Bytes to text, and text to JSON values as the inspector and its wrappers really write them.

The inspector of TensorRT 8.6 writes raw U+001E inside strings; some tools write one object after
the other without an array around them, or end an array with a comma.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any

from ...model.json_bounds import excess
from ..errors import FormatError, TooMuch
from ..textfile import TextPieces, Unwrapper

_MOST_BYTES = 1 << 31
# Of a packed file more is unpacked for nobody: it holds what its author chose, not its size.
_MOST_UNPACKED = 1 << 29

_GAP = re.compile(r"[\s,\[\]\x1e]*")
_DECODER = json.JSONDecoder(strict=False)

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"ftrt", "a serialised TensorRT engine, not a list of its layers"),
    (b"ptrt", "a serialised TensorRT engine or timing cache, not a list of layers"),
    (b"vtrt", "a serialised TensorRT-RTX engine, not a list of its layers"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer; run `git lfs pull` to get the file itself"),
    (b"\x7fELF", "a program or library"),
    (b"\x80\x02", "a pickle"),
)


def to_text(data: bytes) -> str:
    """The bytes as text: unpacked, decoded, and without what wraps its lines.

    Raises:
        FormatError: The bytes are no text, or too many once unpacked.
    """
    packed = data.startswith(b"\x1f\x8b")
    limit = _MOST_UNPACKED if packed else _MOST_BYTES
    pieces, size = [], 0
    unpacked = TextPieces(io.BytesIO(data))
    for piece in unpacked:
        size += len(piece)
        if size > limit:
            once = " once unpacked" if packed else ""
            raise TooMuch(f"This file is larger than {limit >> 20:,} MiB{once}. {HOW}")
        pieces.append(piece)
    plain = b"".join(pieces)
    for magic, kind in _KINDS:
        if plain.startswith(magic):
            raise FormatError(f"This file is {kind}. {HOW}")
    if b"\0" in plain[:4096]:
        raise FormatError(f"This file is binary, not a list of layers. {HOW}")
    if unpacked.limit is not None:
        raise TooMuch(f"This file is not read, since {unpacked.limit}. {HOW}")
    if unpacked.damaged is not None:
        raise FormatError(f"This file is a damaged gzip file ({unpacked.damaged}). Copy it again.")
    return Unwrapper(plain).strip(plain).decode("utf-8", "replace")


HOW = (
    "Give the engine inspector's output, for example from "
    "`trtexec --loadEngine=FILE --exportLayerInfo=layers.json`."
)


def json_values(text: str) -> list[Any] | None:
    """All JSON values in a text that holds nothing but JSON, or None where it is not JSON.

    Raises:
        FormatError: The text begins as JSON and is cut, damaged or nested too deeply.
    """
    stripped = text.lstrip()
    if not stripped.startswith(("{", "[", '"')):
        return None
    # A text log begins with a bracket too: "[11/22/2026-06:00:00] [I] ...".
    if not re.match(r'[\s\[]*(?:[{"\]]|$)', stripped):
        return None
    _bounded(text, HOW)
    try:
        return [json.loads(text, strict=False)]
    except RecursionError:
        raise FormatError(f"This JSON is nested too deeply for a list of layers. {HOW}") from None
    except ValueError:
        return _stream(text)


def _bounded(text: str, how: str) -> None:
    too_much = excess(text)
    if too_much is not None:
        raise TooMuch(f"This JSON is not read, since {too_much}. {how}")


def _stream(text: str) -> list[Any]:
    values: list[Any] = []
    position = _end(_GAP.match(text, 0))
    while position < len(text):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except RecursionError:
            raise FormatError(
                f"This JSON is nested too deeply for a list of layers. {HOW}"
            ) from None
        except ValueError as error:
            raise FormatError(
                f"This file begins as JSON but is cut or damaged at character {position:,} of "
                f"{len(text):,} ({_reason(error)}). Export it again."
            ) from None
        values.append(value)
        position = _end(_GAP.match(text, position))
    return values


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: {error.msg.lower()}"
    return "a number is too long"


def parse_pairs(text: str, how: str) -> Any:
    """One JSON value whose objects are tuples of pairs, so that repeated names survive.

    Raises:
        FormatError: The text is not JSON, cut, or nested too deeply; ``how`` ends the sentence.
    """
    _bounded(text, how)
    try:
        return json.loads(text, strict=False, object_pairs_hook=tuple)
    except RecursionError:
        raise FormatError(f"This JSON is nested too deeply. {how}") from None
    except ValueError as error:
        raise FormatError(f"This file is not JSON ({_reason(error)}). {how}") from None
