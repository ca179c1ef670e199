"""Whether a build log is the log of the engine at hand.

Builds of one model share layer names, so the log of another build would explain this engine
plausibly and wrongly. The tactics that both sides list, and the types where both tell them, decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from trtdoctor.model.engine import Layer, Role
from trtdoctor.precision.log.causes import MOVEMENT
from trtdoctor.readers.buildlog import Build, EngineLayer
from trtdoctor.readers.layers.dtypes import dtype_of

from .matching import FUSED, PROFILE


def another_build(layers: Iterable[Layer], build: Build) -> str | None:
    """Why a log cannot be that of the engine with these layers, or None where it can.

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
    # A fused block is one layer in a log, and the kernels inside it in an engine.
    for layer in layers:
        if layer.role is Role.COMPUTE and layer.name not in logged and "_myl" not in layer.name:
            return f"the engine's layer {layer.name} is not in it"
    named = {PROFILE.sub("", layer.name) for layer in layers}
    for line in build.layers:
        plain = PROFILE.sub("", line.name)
        if line.type not in MOVEMENT and plain not in named and not FUSED.search(plain):
            return f"its layer {line.name} is not in the engine"
    names = _kernel_names(build)
    for layer in sorted(shared, key=lambda layer: layer.role is not Role.COMPUTE):
        lines = logged[layer.name]
        tactics = {_number(line.tactic) for line in lines}
        mine = _number(layer.tactic_id)
        if mine is not None and None not in tactics and mine not in tactics:
            return f"{layer.name} runs tactic {layer.tactic_id}, in the log {lines[0].tactic}"
        known = {name for tactic in tactics for name in names.get(tactic, ())}
        if layer.tactic and known and layer.tactic.partition(" ")[0] not in known:
            return f"{layer.name} runs {layer.tactic}, in the log {min(known)}"
        types = {_types_logged(line) for line in lines}
        own = tuple(t.dtype for t in (*layer.inputs, *layer.outputs))
        if own and None not in own and not any(_agree(own, other) for other in types):
            return f"{layer.name} has tensors of other types in the log"
    return None


def _kernel_names(build: Build) -> dict[int | None, set[str]]:
    """The names that the log prints for tactics; what follows a blank are its parameters."""
    names: dict[int | None, set[str]] = {}
    for attempt in build.attempts:
        for tuning in attempt.layers:
            for candidate in tuning.candidates:
                for timing in candidate.timings:
                    if timing.kernel:
                        number = _number(timing.tactic)
                        names.setdefault(number, set()).add(timing.kernel.partition(" ")[0])
    return names


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
