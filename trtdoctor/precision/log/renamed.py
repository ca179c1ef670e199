"""Tensors that autotuning calls otherwise than the engine's layers do.

A network built through the API shows it: TensorRT 10 tunes ``Activation1_output`` and lists the
engine's tensor as ``(Unnamed Layer* 1) [Activation]_output``. Two names are one tensor's where the
log says so or where nothing else fits; what stays open has no name, and its conversions no price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trtdoctor.readers.buildlog import Attempt, ConversionSet

from .network import Network, Node, plain

_ADDED = re.compile(r"Reformatted (Input|Output) Tensor (\d{1,6}) to (.+)", re.DOTALL)


def renamed(network: Network, attempt: Attempt) -> dict[str, str]:
    """The network's tensors by the names that only autotuning gives them."""
    known = {port.tensor for node in network.nodes for port in (*node.inputs, *node.outputs)}
    names = _by_conversions(network, attempt, known)
    sets: dict[str, list[ConversionSet]] = {}
    for tried in attempt.conversions:
        if tried.tensor is not None:
            name = plain(tried.tensor)
            sets.setdefault(names.get(name, name), []).append(tried)
    orphans = {name: found for name, found in sets.items() if name not in known}
    fitting = {
        name: [node for node in _writers(network, sets) if _fits(node, network, found)]
        for name, found in orphans.items()
    }
    for name, nodes in fitting.items():
        named = [node for node in nodes if name in _own_names(node)]
        for node in named if len(named) == 1 else nodes if len(nodes) == 1 else ():
            rivals = [n for n, others in fitting.items() if n != name and node in others]
            if named or not rivals:
                names[name] = node.outputs[0].tensor
    return names


def _by_conversions(network: Network, attempt: Attempt, known: set[str]) -> dict[str, str]:
    """What the conversions of the plan tell: each says whose port it serves, and autotuning's name."""
    nodes = {plain(node.layer.name): node for node in network.nodes}
    found: dict[str, set[str]] = {}
    for added in attempt.added:
        name, told = plain(added.tensor), _ADDED.fullmatch(plain(added.name))
        node = nodes.get(told.group(3)) if told else None
        if told is None or node is None or name in known:
            continue
        ports = node.inputs if told.group(1) == "Input" else node.outputs
        number = int(told.group(2))
        if number < len(ports):
            found.setdefault(name, set()).add(ports[number].tensor)
    return {name: next(iter(tensors)) for name, tensors in found.items() if len(tensors) == 1}


def _writers(network: Network, priced: Iterable[str]) -> list[Node]:
    """Layers with candidates whose one output has readers, one writer, and no conversions yet."""
    written = [port.tensor for node in network.nodes for port in node.outputs]
    return [
        node
        for node in network.nodes
        if node.tuning is not None
        and len(node.outputs) == 1
        and written.count(node.outputs[0].tensor) == 1
        and node.outputs[0].tensor not in priced
    ]


def _fits(node: Node, network: Network, sets: list[ConversionSet]) -> bool:
    """Whether all that was tried leads from formats of the writer to formats of the readers.

    Into a tensor's own format and out of it, either may stand at either end.
    """
    made = {c.outputs[0].text for c in node.tuning.candidates} if node.tuning else set()
    taken = {
        candidate.inputs[place].text
        for reader in network.nodes
        for place, port in enumerate(reader.inputs)
        if port.tensor == node.outputs[0].tensor and reader.tuning is not None
        for candidate in reader.tuning.candidates
        if place < len(candidate.inputs)
    }
    tried = [c for found in sets for c in found.conversions]
    return (
        bool(taken)
        and any(c.source.text in made and c.target.text in taken for c in tried)
        and all({c.source.text, c.target.text} <= made | taken for c in tried)
    )


def _own_names(node: Node) -> set[str]:
    """The names that the output of one of the layers fused into this one has by default."""
    return {f"{part}_output" for part in plain(node.layer.name).split(" + ")}
