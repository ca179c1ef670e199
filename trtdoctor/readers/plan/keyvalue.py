"""The key-value pool: the inspector's data on each layer, in plans of TensorRT 8.0 to 10.3."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from ...model.engine import LayerWeights
from ..files.source import Source
from .datatypes import INSPECTOR_TYPES
from .stream import Item, TaggedStream

_POOL_LIMIT = 32 << 20
_MOST_LAYERS = 100_000
_ENTRY_LIMIT = 1 << 20
_MOST_PARTS = 1024
_KEPT = ("ParameterType", "Weights", "TacticName")


class _Weights(msgspec.Struct):
    type: str = msgspec.field(name="Type")
    count: int = msgspec.field(name="Count")


_DECODER = msgspec.json.Decoder(_Weights)


def read_pool(
    source: Source, stream: TaggedStream, pool: tuple[Item, Item]
) -> list[dict[str, str] | None] | None:
    """Return each layer's keys and values; None for an empty entry, and for a senseless pool."""
    characters, offsets = pool
    ends = stream.integers(offsets, _MOST_LAYERS + 1)
    size = int(characters.value)
    if len(ends) < 1 or len(ends) != offsets.value or size > _POOL_LIMIT:
        return None
    if ends[0] != 0 or ends[-1] != size or any(a > b for a, b in pairwise(ends)):
        return None
    raw = source.read(characters.data, (size - 1) * characters.stride + 1 if size else 0)
    raw = raw[:: characters.stride] if characters.stride > 1 else raw
    return [
        _pairs(raw[start : min(end, start + _ENTRY_LIMIT)]) if end > start else None
        for start, end in pairwise(ends)
    ]


def weights(pairs: dict[str, str]) -> LayerWeights | None:
    """Return a layer's weights; None where it has none."""
    text = pairs.get("Weights")
    if text is None:
        return None
    try:
        found = _DECODER.decode(text)
    except msgspec.DecodeError:
        return None
    if found.count <= 0:
        return None
    return LayerWeights(dtype=INSPECTOR_TYPES.get(found.type, found.type), count=found.count)


def _pairs(raw: bytes) -> dict[str, str]:
    parts = raw.decode("utf-8", "replace").split("\0", _MOST_PARTS)
    found = dict(zip(parts[::2], parts[1::2], strict=False))
    return {key: found[key] for key in _KEPT if key in found}
