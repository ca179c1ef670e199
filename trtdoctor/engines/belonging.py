"""Whether what was given beside an engine is that engine's: its layers, its log, its model.

Builds of one model share layer names, so the evidence of another build would explain this engine
plausibly and wrongly. Each question is answered here alone: a clause that says what contradicts,
or None where nothing does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trtdoctor.model.engine import IOTensor, Layer, Role
from trtdoctor.model.typing import Typing
from trtdoctor.precision.log.causes import MOVEMENT
from trtdoctor.readers.buildlog import Build, EngineLayer
from trtdoctor.readers.layers.dtypes import dtype_of
from trtdoctor.readers.onnxmodel import OnnxFacts, TensorType

_PROFILE = re.compile(r" \[profile \d+\]")
# Of a fused region one source tells the region and another the kernels inside.
_FUSED = re.compile(r"^\{ForeignNode\[|^__my[el]|_myl\d")
# What TensorRT calls layers itself, whatever the model calls their nodes.
_OWN_NAMES = ("(Unnamed Layer", "PWN(", "Reformatting CopyNode")
# The types that TensorRT gives network tensors of a strongly typed network.
_NETWORK_TYPES = {
    TensorType.FLOAT: "FP32",
    TensorType.DOUBLE: "FP32",
    TensorType.FLOAT16: "FP16",
    TensorType.BFLOAT16: "BF16",
}

# Layers ------------------------------------------------------------------------------------------


def layers_contradict(given: Iterable[Layer], in_file: Iterable[Layer]) -> str | None:
    """What shows that layers which were given are of another engine than the file's own."""
    here, there = _names(given), _names(in_file)
    fused = all(map(_FUSED.search, here)) or all(map(_FUSED.search, there))
    if not here or not there or fused or here & there:
        return None
    return "none of their names is in the file"


def _names(layers: Iterable[Layer]) -> set[str]:
    return {_PROFILE.sub("", layer.name) for layer in layers if layer.profile == 0}


# A build log -------------------------------------------------------------------------------------


def log_contradicts(layers: Iterable[Layer], build: Build) -> str | None:
    """What shows that a log is not that of the engine with these layers.

    The tactics that both sides list, and the types where both tell them, decide. A log without a
    list of the engine's layers, or an engine without layers, contradicts nothing.
    """
    logged: dict[str, list[EngineLayer]] = {}
    for line in build.layers:
        logged.setdefault(line.name, []).append(line)
    layers = tuple(layers)
    if not logged and layers_contradict(layers, build.listing):
        return _none_of(layers)
    if not logged or not layers:
        return None
    shared = [layer for layer in layers if layer.name in logged]
    if not shared:
        return _none_of(layers)
    if other := _unshared(layers, build):
        return other
    kernels = _kernel_names(build)
    for layer in sorted(shared, key=lambda layer: layer.role is not Role.COMPUTE):
        if other := _another_layer(layer, logged[layer.name], kernels):
            return other
    return None


def _none_of(layers: tuple[Layer, ...]) -> str:
    if len(layers) == 1:
        return "the engine's only layer is not in it"
    return f"none of the engine's {len(layers):,} layers is in it"


def _unshared(layers: tuple[Layer, ...], build: Build) -> str | None:
    """A layer that only one of the two has."""
    logged = {line.name for line in build.layers}
    # A fused block is one layer in a log, and the kernels inside it in an engine.
    for layer in layers:
        if layer.role is Role.COMPUTE and layer.name not in logged and "_myl" not in layer.name:
            return f"the engine's layer {layer.name} is not in it"
    named = {_PROFILE.sub("", layer.name) for layer in layers}
    for line in build.layers:
        plain = _PROFILE.sub("", line.name)
        if line.type not in MOVEMENT and plain not in named and not _FUSED.search(plain):
            return f"its layer {line.name} is not in the engine"
    return None


def _another_layer(
    layer: Layer, lines: list[EngineLayer], kernels: dict[int | None, set[str]]
) -> str | None:
    """What the lines of a layer's name say that the layer itself denies."""
    tactics = {_number(line.tactic) for line in lines}
    mine = _number(layer.tactic_id)
    if mine is not None and None not in tactics and mine not in tactics:
        return f"{layer.name} runs tactic {layer.tactic_id}, in the log {lines[0].tactic}"
    known = {name for tactic in tactics for name in kernels.get(tactic, ())}
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


# A model -----------------------------------------------------------------------------------------


def model_contradicts(
    layers: Iterable[Layer], io: Iterable[IOTensor], model: OnnxFacts, *, typing: Typing
) -> str | None:
    """What shows that an engine with these layers and network tensors is not of this model.

    Its inputs have to be the model's, and in a strongly typed network have their types.
    """
    return _other_tensors(io, model, typing) or _other_nodes(layers, model)


def _other_tensors(io: Iterable[IOTensor], model: OnnxFacts, typing: Typing) -> str | None:
    known = {value.name: value.type for value in (*model.inputs, *model.outputs)}
    for tensor in io:
        if tensor.name not in known:
            if tensor.mode == "input":
                return f"it has no input {tensor.name}, as the engine has"
            continue
        expected = _NETWORK_TYPES.get(known[tensor.name] or TensorType.STRING)
        told = expected is not None and tensor.dtype in _NETWORK_TYPES.values()
        if typing is Typing.STRONG and told and tensor.dtype != expected:
            return f"its {tensor.mode} {tensor.name} is {expected}, the engine's is {tensor.dtype}"
    return None


def _other_nodes(layers: Iterable[Layer], model: OnnxFacts) -> str | None:
    """What shows that no layer comes from this model; None where its nodes' names cannot tell.

    TensorRT's parser names layers after nodes, and fused layers after all of theirs. Regions that
    Myelin fused keep other names, so only layers whose every node is told can speak.
    """
    known = {node.label for node in model.nodes} | {node.name for node in model.nodes}
    told: set[str] = set()
    for layer in layers:
        if layer.onnx_nodes:
            told.update(layer.onnx_nodes)
        elif layer.role is Role.COMPUTE and " + " in layer.name and not _FUSED.search(layer.name):
            told.update(_PROFILE.sub("", layer.name).split(" + "))
    told = {name for name in told if not name.startswith(_OWN_NAMES)}
    if not told or told & known:
        return None
    return f"the engine's layers are made of nodes that it does not have, such as {min(told)}"
