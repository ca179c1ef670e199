"""Which layers of two engines do the same work: by ONNX nodes, names, tensors and what lies between.

TensorRT fuses the same nodes differently in each build, so that one layer of an engine can be three
of another. Layers that share work, on whatever side, are one group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trtdoctor.model.engine import EngineReport, Layer, Role
from trtdoctor.precision.layers.shares import converts

from .tensor_names import lasting

Keys: TypeAlias = Callable[[Layer], Iterable[str]]
_PROFILE = re.compile(r" \[profile \d+\]")
# Myelin numbers its kernels anew in each build.
_NUMBERED = re.compile(r"_myl\d+(?:_\d+)?$")
_BLOCK = re.compile(r"^\{ForeignNode\[(.*)\.\.\.(.*)\]\}$", re.DOTALL)
# Kernels that Myelin made up, whose names list operations, not nodes.
_GENERATED = re.compile(r"_*my[el]")
_UNNAMED = "(Unnamed Layer"
# A node that is in more layers than this on one side, as a shared constant is, links only those
# that have no other.
_HUB = 8


@dataclass(frozen=True)
class Group:
    """Layers that do the same work, each side's in execution order; one side may be empty."""

    nodes: tuple[str, ...]
    a: tuple[Layer, ...]
    b: tuple[Layer, ...]


def compared_layers(engine: EngineReport) -> tuple[Layer, ...]:
    """The layers that have a counterpart to look for: of the first profile, without what only converts.

    What changes types or formats alone is compared by what it converts; constants and the arithmetic
    of shapes take no time.
    """
    return tuple(layer for layer in of_first_profile(engine) if _counts(layer))


def of_first_profile(engine: EngineReport) -> tuple[Layer, ...]:
    """The layers of the optimisation profile that is compared, the others repeat them."""
    first = min((layer.profile for layer in engine.layers), default=0)
    return tuple(layer for layer in engine.layers if layer.profile == first)


def _counts(layer: Layer) -> bool:
    if layer.role is Role.COMPUTE:
        return True
    return layer.role is Role.DATA_MOVEMENT and bool(layer.onnx_nodes) and not converts(layer)


def align(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    between: Iterable[Layer] = (),
    inside: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Group, ...]:
    """Every layer of both engines in exactly one group, in B's order and then A's.

    Args:
        a: A's layers in execution order.
        b: B's.
        between: Other layers of both, which pass tensors on under other names.
        inside: ONNX nodes of fused blocks by the layer's name, where the layer does not tell them.
    """
    joined = _Joined(len(a) + len(b))
    layers = (*a, *b)
    known = inside or {}
    found = [
        tuple(dict.fromkeys(layer.onnx_nodes or known.get(layer.name) or told_nodes(layer)))
        for layer in layers
    ]
    _by_nodes(found, len(a), joined)
    for keys in (_name, _lasting_outputs, _unnamed):
        _by_keys(layers, len(a), keys, joined)
    _between(layers, len(a), tuple(between), joined)
    return tuple(_groups(layers, len(a), found, joined))


def is_block(name: str) -> bool:
    """Whether a layer's name is that of a fused block, which tells its first and its last part."""
    return _BLOCK.match(_PROFILE.sub("", name)) is not None


def told_nodes(layer: Layer) -> tuple[str, ...]:
    """The nodes that a layer is made of, by its metadata, else by its name."""
    if layer.onnx_nodes:
        return layer.onnx_nodes
    return () if _GENERATED.match(layer.name) else _parts(layer.name)


class _Joined:
    """Indices of layers in sets that grow together."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        self._parent[self.root(other)] = self.root(one)


def _parts(name: str) -> tuple[str, ...]:
    """The nodes that a layer's name lists: TensorRT joins those of fused layers with a plus sign."""
    plain = _PROFILE.sub("", name)
    block = _BLOCK.match(plain)
    texts = block.groups() if block else (plain,)
    found = []
    for text in texts:
        for part in re.split(r" \+ |, ", text):
            while part.startswith("PWN("):
                part = part[4:]
            found.append(part.rstrip(")") if part.count(")") > part.count("(") else part)
    return tuple(part for part in found if part and not part.startswith(_UNNAMED))


def _by_nodes(found: Sequence[Sequence[str]], of_a: int, joined: _Joined) -> None:
    often: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for index, nodes in enumerate(found):
        often[index >= of_a].update(nodes)
    first: dict[str, int] = {}
    for index, nodes in enumerate(found):
        rare = [node for node in nodes if max(side[node] for side in often) <= _HUB]
        for node in rare or nodes:
            joined.join(first.setdefault(node, index), index)


def _two_sided(size: int, of_a: int, joined: _Joined) -> set[int]:
    sides: dict[int, set[bool]] = {}
    for index in range(size):
        sides.setdefault(joined.root(index), set()).add(index >= of_a)
    return {root for root, found in sides.items() if len(found) == 2}


def _by_keys(layers: Sequence[Layer], of_a: int, keys: Keys, joined: _Joined) -> None:
    """Join layers that have no counterpart yet to the other side's with the same key."""
    matched = _two_sided(len(layers), of_a, joined)
    with_key: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
    alone: list[tuple[int, list[str]]] = []
    for index, layer in enumerate(layers):
        found = list(keys(layer))
        for key in found:
            with_key[index >= of_a].setdefault(key, []).append(index)
        if joined.root(index) not in matched:
            alone.append((index, found))
    for index, found in alone:
        for key in found:
            # Names repeat within an engine only where they tell nothing.
            others = with_key[index < of_a].get(key, [])
            if len(others) == 1 and len(with_key[index >= of_a][key]) == 1:
                joined.join(others[0], index)


def _name(layer: Layer) -> Iterator[str]:
    plain = _NUMBERED.sub("", _PROFILE.sub("", layer.name))
    if plain and not plain.startswith(_UNNAMED):
        yield plain


def _unnamed(layer: Layer) -> Iterator[str]:
    if layer.name.startswith(_UNNAMED):
        yield f"{layer.type} {_PROFILE.sub('', layer.name)}"


def _lasting_outputs(layer: Layer) -> Iterator[str]:
    return (tensor.name for tensor in layer.outputs if lasting(tensor.name))


# What lies between -------------------------------------------------------------------------------


class _Wires:
    """Tensors, of which those are one that a layer in between only passes on."""

    def __init__(self, between: Iterable[Layer]) -> None:
        self._same: dict[str, str] = {}
        for layer in between:
            if len(layer.inputs) == 1 and len(layer.outputs) == 1:
                self._same[layer.outputs[0].name] = layer.inputs[0].name

    def __call__(self, tensor: str) -> str:
        seen = {tensor}
        while (source := self._same.get(tensor)) is not None and source not in seen:
            seen.add(source)
            tensor = source
        return tensor


def _between(layers: Sequence[Layer], of_a: int, between: Sequence[Layer], joined: _Joined) -> None:
    """Join what has no counterpart to the one group that all its neighbours are in.

    A block of one engine is told by its ends; the layers between these are its own too.
    """
    matched = _two_sided(len(layers), of_a, joined)
    wires = _Wires(between)
    for side in (range(of_a), range(of_a, len(layers))):
        makers: dict[str, list[int]] = {}
        for index in side:
            for tensor in layers[index].outputs:
                makers.setdefault(wires(tensor.name), []).append(index)
        edges = [
            (maker, index)
            for index in side
            for tensor in layers[index].inputs
            for maker in makers.get(wires(tensor.name), ())
            if maker != index
        ]
        clusters = _Joined(len(layers))
        for before, after in edges:
            if joined.root(before) not in matched and joined.root(after) not in matched:
                clusters.join(before, after)
        around: dict[int, tuple[set[int], set[int]]] = {}
        for before, after in edges:
            first, last = joined.root(before), joined.root(after)
            if first in matched and last not in matched:
                around.setdefault(clusters.root(after), (set(), set()))[0].add(first)
            elif last in matched and first not in matched:
                around.setdefault(clusters.root(before), (set(), set()))[1].add(last)
        homes = {
            cluster: next(iter(before))
            for cluster, (before, after) in around.items()
            if len(before) == 1 and before == after
        }
        for index in side:
            home = homes.get(clusters.root(index))
            if home is not None and joined.root(index) not in matched:
                joined.join(home, index)


def _groups(
    layers: Sequence[Layer], of_a: int, found: Sequence[Sequence[str]], joined: _Joined
) -> Iterator[Group]:
    members: dict[int, tuple[list[int], list[int]]] = {}
    # B's order first: it is the engine that is judged.
    for index in (*range(of_a, len(layers)), *range(of_a)):
        members.setdefault(joined.root(index), ([], []))[index >= of_a].append(index)
    for a, b in members.values():
        nodes = dict.fromkeys(node for index in (*b, *a) for node in found[index])
        yield Group(
            nodes=tuple(nodes),
            a=tuple(layers[index] for index in a),
            b=tuple(layers[index] for index in b),
        )
