"""Whether a build log is the log of the engine at hand.

Builds of one model share layer names, so the log of another build would explain this engine
plausibly and wrongly. The tactics that both sides list, and the types where both tell them, decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trtdoctor.model.engine import Layer, Role
from trtdoctor.readers.buildlog import Build, EngineLayer
from trtdoctor.readers.layers.dtypes import dtype_of

_PROFILE = re.compile(r" \[profile \d+\]")
# Of a fused region one source lists the region and another the kernels inside it.
_FUSED = re.compile(r"^\{ForeignNode\[|^__my[el]|_myl\d")


def another_build(
    layers: Iterable[Layer], build: Build, *, kernels: Mapping[str, str | None] = {}
) -> str | None:
    """Why a log cannot be that of the engine with these layers, or None where it can.

    ``kernels`` are those of the log's layers by name, for engines that tell no tactic ids.

    A log without a list of the engine's layers, or an engine without layers, contradicts nothing.
    """
    logged: dict[str, list[EngineLayer]] = {}
    for line in build.layers:
        logged.setdefault(line.name, []).append(line)
    layers = tuple(layers)
    if not logged or not layers:
        return None
    shared = [layer for layer in layers if layer.name in logged]
    if not shared:
        return f"none of the engine's {len(layers)} layers is in it"
    for layer in sorted(shared, key=lambda layer: layer.role is not Role.COMPUTE):
        lines = logged[layer.name]
        tactics = {_number(line.tactic) for line in lines}
        mine = _number(layer.tactic_id)
        if mine is not None and None not in tactics and mine not in tactics:
            return f"{layer.name} runs tactic {layer.tactic_id}, in the log {lines[0].tactic}"
        types = {_types_logged(line) for line in lines}
        own = tuple(t.dtype for t in (*layer.inputs, *layer.outputs))
        if own and None not in own and not any(_agree(own, other) for other in types):
            return f"{layer.name} has tensors of other types in the log"
        kernel, other = _kernel(layer.tactic), _kernel(kernels.get(layer.name))
        if kernel and other and not (kernel.startswith(other) or other.startswith(kernel)):
            return f"{layer.name} runs the kernel {kernel}, in the log {other}"
    here, there = _names(layer.name for layer in layers), _names(logged)
    if here - there:
        return f"the engine has a layer {min(here - there)}, the log has none"
    if there - here:
        return f"the log has a layer {min(there - here)}, the engine has none"
    return None


def _names(names: Iterable[str]) -> set[str]:
    return {_PROFILE.sub("", name) for name in names if not _FUSED.search(name)}


def _kernel(tactic: str | None) -> str:
    """The kernel's name. A log says more after it, such as how it splits the sum."""
    return next(iter((tactic or "").split()), "")


def _number(tactic: str | None) -> int | None:
    try:
        return int(tactic, 16) if tactic else None
    except ValueError:
        return None


def _types_logged(line: EngineLayer) -> tuple[str | None, ...]:
    known = [dtype_of(tensor.dtype) for tensor in (*line.inputs, *line.outputs)]
    return tuple(found.value if found else None for found in known)


def _agree(own: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    """Whether two lists of types can be one layer's; a list of another length compares nothing."""
    if len(own) != len(other):
        return True
    return all(a == b or b is None for a, b in zip(own, other, strict=True))
