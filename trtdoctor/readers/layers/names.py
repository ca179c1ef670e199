"""Names of layers: optimisation-profile suffixes, and the ONNX nodes that metadata lists."""

from __future__ import annotations

import re

# TensorRT <= 9 repeats every layer for each profile after the first and marks it so.
# Myelin appends its own suffix after that, so the mark can stand inside a name.
_PROFILE = re.compile(r" \[profile (\d{1,6})\]")
_PROGRAM = re.compile(r"_myl(\d{1,6})(?:_\d+)?$")
_ONNX = "[ONNX Layer: "
_NEXT = re.compile(r"\](?=[\x1e\x1f])")


def split_profile(name: str) -> tuple[str, int]:
    """A layer's name without its ``[profile N]`` suffix, and N (0 where there is none)."""
    found = _PROFILE.search(name)
    if found is None:
        return name, 0
    return name[: found.start()] + name[found.end() :], int(found.group(1))


def myelin_program(name: str) -> int | None:
    """The number of the Myelin program that a layer belongs to, as in ``/fc2/Gemm_myl1_2``."""
    found = _PROGRAM.search(name)
    return int(found.group(1)) if found else None


def onnx_nodes(metadata: str) -> tuple[str, ...]:
    """The ONNX node names in a layer's ``Metadata``, each once, in the order given.

    TensorRT separates them with U+001E between fused layers and U+001F inside a Myelin region;
    some tools drop both characters. The text is cut at 4000 characters: a last entry that was cut
    is left out.
    """
    names: list[str] = []
    for piece in metadata.split(_ONNX)[1:]:
        found = _NEXT.search(piece)
        end = found.start() if found else piece.rfind("]")
        if end > 0:
            names.append(piece[:end])
    return tuple(dict.fromkeys(names))
