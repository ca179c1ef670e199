"""ONNX node names in a layer's metadata."""

from __future__ import annotations

_ENTRY = "[ONNX Layer: "


def onnx_nodes(metadata: str) -> tuple[str, ...]:
    """Return the node names in order, each once.

    Entries are ``[ONNX Layer: name]``, apart by 0x1e or 0x1f or by nothing; a name may hold
    brackets itself.
    """
    names = (part.rstrip("\x1e\x1f") for part in metadata.split(_ENTRY)[1:])
    return tuple(dict.fromkeys(name[:-1] for name in names if name.endswith("]")))
