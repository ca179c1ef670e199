"""Tensors that autotuning calls otherwise than the engine's layers do.

A network built through the API shows it: TensorRT 10 tunes ``Activation1_output`` and lists the
engine's tensor as ``(Unnamed Layer* 1) [Activation]_output``. Two names are one tensor's where the
log says so or where nothing else fits; what stays open has no name, and its conversions no price.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container

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
    writers = _Writers(network, sets)
    fitting = {name: writers.fitting(found) for name, found in orphans.items()}
    wanted = Counter(id(node) for nodes in fitting.values() for node in nodes)
    for name, nodes in fitting.items():
        named = [node for node in nodes if name in _own_names(node)]
        for node in named if len(named) == 1 else nodes if len(nodes) == 1 else ():
            if named or wanted[id(node)] == 1:
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


class _Writers:
    """Layers with candidates whose one output has readers, one writer, and no conversions yet."""

    def __init__(self, network: Network, priced: Container[str]) -> None:
        written = Counter(port.tensor for node in network.nodes for port in node.outputs)
        taken = _taken(network)
        self._nodes: list[tuple[Node, set[str], set[str]]] = []
        self._having: dict[str, set[int]] = {}
        for node in network.nodes:
            if node.tuning is None or len(node.outputs) != 1:
                continue
            tensor = node.outputs[0].tensor
            if written[tensor] != 1 or tensor in priced or not taken.get(tensor):
                continue
            made = {candidate.outputs[0].text for candidate in node.tuning.candidates}
            for text in made | taken[tensor]:
                self._having.setdefault(text, set()).add(len(self._nodes))
            self._nodes.append((node, made, taken[tensor]))

    def fitting(self, sets: list[ConversionSet]) -> list[Node]:
        """Those for which all that was tried leads from formats of theirs to formats of readers.

        Into a tensor's own format and out of it, either may stand at either end.
        """
        tried = {(c.source.text, c.target.text) for found in sets for c in found.conversions}
        having = [
            self._having.get(text, set()) for text in {text for pair in tried for text in pair}
        ]
        found: list[Node] = []
        for number in sorted(set.intersection(*having)) if having else ():
            node, made, taken = self._nodes[number]
            if any(source in made and target in taken for source, target in tried):
                found.append(node)
        return found


def _taken(network: Network) -> dict[str, set[str]]:
    """The formats in which the readers of each tensor can take it."""
    found: dict[str, set[str]] = {}
    for node in network.nodes:
        for place, port in enumerate(node.inputs):
            for candidate in node.tuning.candidates if node.tuning is not None else ():
                if place < len(candidate.inputs):
                    found.setdefault(port.tensor, set()).add(candidate.inputs[place].text)
    return found


def _own_names(node: Node) -> set[str]:
    """The names that the output of one of the layers fused into this one has by default."""
    return {f"{part}_output" for part in plain(node.layer.name).split(" + ")}
