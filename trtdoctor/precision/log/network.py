"""The network that the builder chose formats for: layers and tensors, without conversions.

Made from the ``Layer(...)`` lines of the engine. What the builder inserted to convert is folded
away, since it is part of the answer and not of the question.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain

from trtdoctor.readers.buildlog import (
    Attempt,
    Autotuning,
    Build,
    ConversionSet,
    EngineLayer,
    EngineTensor,
)

from .formats import agrees

_COPY = "Reformatting CopyNode for "
_INWARD, _OUTWARD = f"{_COPY}Network Input ", f"{_COPY}Network Output "
_REGION, _TENSOR = "_out_region", "_out_tensor"
_ALIAS = ("Reformatted Input Tensor ", "Reformatted Output Tensor ")


@dataclass(frozen=True)
class Port:
    """One input or output of a layer: the network's tensor, and how the engine holds it there."""

    tensor: str
    seen: EngineTensor


@dataclass(frozen=True)
class Node:
    """A layer of the network with its place in the log.

    ``tuning`` is null where it has no candidates; ``moves`` are the conversions of a layer that
    does nothing else (a Cast).
    """

    layer: EngineLayer
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tuning: Autotuning | None
    moves: ConversionSet | None = None


@dataclass(frozen=True)
class Network:
    """Layers in engine order, and how the engine holds each tensor outside of its readers."""

    nodes: tuple[Node, ...]
    held: dict[str, EngineTensor]


def network_of(build: Build, attempt: Attempt) -> Network:
    """The network of one attempt: its profile's layers, each with its autotuning."""
    mine = [layer for layer in build.layers if _profile(layer.name) == attempt.profile]
    aliases = edge_copies(build)
    kept: list[EngineLayer] = []
    for layer in mine:
        if layer.name.startswith(_COPY) and len(layer.inputs) == len(layer.outputs) == 1:
            before, after = layer.inputs[0].name, layer.outputs[0].name
            if after.startswith(_ALIAS):
                aliases[after] = before
            elif before.startswith(_ALIAS):
                aliases[before] = after
            elif layer.type != "NoOp" and layer.name.startswith((_INWARD, _OUTWARD)):
                kept.append(layer)
        else:
            kept.append(layer)

    def port(tensor: EngineTensor) -> Port:
        name = tensor.name
        for _ in range(len(aliases)):
            if name not in aliases:
                break
            name = aliases[name]
        return Port(_own_name(name), tensor)

    tunings = _place(attempt, kept)
    moves = _movers(attempt, kept, tunings)
    nodes = tuple(
        Node(
            layer=layer,
            inputs=tuple(port(tensor) for tensor in layer.inputs),
            outputs=tuple(port(tensor) for tensor in layer.outputs),
            tuning=tunings.get(position),
            moves=moves.get(position),
        )
        for position, layer in enumerate(kept)
    )
    held = {
        _own_name(tensor.name): tensor
        for layer in mine
        for tensor in (*layer.inputs, *layer.outputs)
        if not tensor.name.startswith(_ALIAS) and tensor.name not in aliases
    }
    return Network(nodes=nodes, held=held)


def edge_copies(build: Build) -> dict[str, str]:
    """The network's tensors by the names of their copies, where the engine copies nothing.

    A network input or output that it "copies" by NoOp is the same tensor under two names.
    """
    found: dict[str, str] = {}
    for layer in build.layers:
        if layer.type != "NoOp" or len(layer.inputs) != 1 or len(layer.outputs) != 1:
            continue
        before, after = layer.inputs[0].name, layer.outputs[0].name
        if layer.name.startswith(_INWARD):
            found[after] = before
        elif layer.name.startswith(_OUTWARD):
            found[before] = after
    return found


def _own_name(name: str) -> str:
    """A tensor's name as autotuning has it; the engine of 8.4 names its region instead."""
    stem = plain(name)
    return stem.removesuffix(_REGION) + _TENSOR if stem.endswith(_REGION) else stem


def _profile(name: str) -> int:
    _, found, number = name.rpartition(" [profile ")
    digits = number.removesuffix("]")
    return int(digits) if found and digits.isdecimal() and len(digits) < 6 else 0


def plain(name: str) -> str:
    """A layer's name without the mark of its optimisation profile."""
    return name.rpartition(" [profile ")[0] if _profile(name) else name


def _place(attempt: Attempt, layers: list[EngineLayer]) -> dict[int, Autotuning]:
    """Which layer each block of candidates belongs to: by name, else in order where it fits.

    A block that fits no layer of the engine has no place.
    """
    by_name = {plain(layer.name): position for position, layer in enumerate(layers)}
    placed: dict[int, Autotuning] = {}
    homeless: list[tuple[int, Autotuning]] = []
    last = -1
    for tuning in attempt.layers:
        if not tuning.candidates:
            continue
        if tuning.layer is None:
            homeless.append((last, tuning))
            continue
        position = by_name.get(plain(tuning.layer))
        if position is not None:
            placed[position] = tuning
            last = position
    free: dict[tuple[int, int], list[int]] = {}
    for position, layer in enumerate(layers):
        if position not in placed:
            free.setdefault((len(layer.inputs), len(layer.outputs)), []).append(position)
    for after, tuning in homeless:
        shapes = {(len(c.inputs), len(c.outputs)) for c in tuning.candidates}
        found = [free.get(shape, []) for shape in shapes]
        waiting = found[0] if len(found) == 1 else sorted(chain(*found))
        start = bisect_right(waiting, after)
        for place in chain(range(start, len(waiting)), range(start)):
            position = waiting[place]
            layer = layers[position]
            if _fits(tuning, layer):
                placed[position] = tuning
                free[len(layer.inputs), len(layer.outputs)].remove(position)
                break
    return placed


def _movers(
    attempt: Attempt, layers: list[EngineLayer], tunings: dict[int, Autotuning]
) -> dict[int, ConversionSet]:
    """The conversions of layers without candidates: by name, else in order where they fit."""
    free = [
        position
        for position, layer in enumerate(layers)
        if position not in tunings and len(layer.inputs) == len(layer.outputs) == 1
    ]
    by_name: dict[str, list[int]] = {}
    for position in free:
        by_name.setdefault(plain(layers[position].name), []).append(position)
    found: dict[int, ConversionSet] = {}
    nameless: list[ConversionSet] = []
    for tried in attempt.conversions:
        if tried.layer is not None:
            found.update(dict.fromkeys(by_name.get(plain(tried.layer), ()), tried))
        elif tried.tensor is None and any(c.source == c.target for c in tried.conversions):
            # Only a layer can "convert" a format to itself.
            nameless.append(tried)
    for tried in nameless:
        for position in free:
            before, after = layers[position].inputs[0], layers[position].outputs[0]
            if position not in found and any(
                agrees(c.source, before.dtype, before.vector)
                and agrees(c.target, after.dtype, after.vector)
                and len(c.source.strides) == len(before.dims)
                for c in tried.conversions
            ):
                found[position] = tried
                break
    return found


def _fits(tuning: Autotuning, layer: EngineLayer) -> bool:
    """Whether one of the candidates is what the engine shows of this layer."""
    shape = (len(layer.inputs), len(layer.outputs))
    tensors = (*layer.inputs, *layer.outputs)
    for candidate in tuning.candidates:
        if (len(candidate.inputs), len(candidate.outputs)) != shape:
            continue
        forms = (*candidate.inputs, *candidate.outputs)
        if all(
            agrees(form, tensor.dtype, tensor.vector) and len(form.strides) == len(tensor.dims)
            for form, tensor in zip(forms, tensors, strict=True)
        ):
            return True
    return False
