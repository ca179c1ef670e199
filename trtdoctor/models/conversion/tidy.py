"""A rewritten graph without Casts that nobody reads or that change nothing."""

from __future__ import annotations

from typing import Any

from ...readers.onnxmodel.flatten import text
from .subgraphs import captured


def needed(nodes: list[Any], graph: Any, types: dict[str, int]) -> list[Any]:
    """The nodes without Casts that nobody reads, and past Casts that change nothing."""
    wanted = {text(value.name) for value in graph.output}
    wanted |= {name for node in nodes for name in captured(node)}
    kept: list[Any] = []
    for node in reversed(nodes):
        idle = node.op_type in ("Cast", "Constant") and not any(n in wanted for n in node.output)
        if idle:
            continue
        wanted.update(node.input)
        kept.append(node)
    return _without_idle_casts(kept[::-1], graph, types)


def _without_idle_casts(nodes: list[Any], graph: Any, types: dict[str, int]) -> list[Any]:
    """Past Casts whose operand is of their type already: what reads them reads that."""
    fixed = {text(value.name) for value in graph.output}
    fixed |= {name for node in nodes for name in captured(node)}
    instead: dict[str, str] = {}
    kept = []
    for node in nodes:
        for position, name in enumerate(node.input):
            if name in instead:
                node.input[position] = instead[name]
        if node.op_type == "Cast":
            to = next((a.i for a in node.attribute if a.name == "to"), 0)
            if types.get(node.input[0]) == to and node.output[0] not in fixed:
                instead[node.output[0]] = node.input[0]
                continue
            types[node.output[0]] = to
        kept.append(node)
    return kept
