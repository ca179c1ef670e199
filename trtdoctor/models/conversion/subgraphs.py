"""What the subgraphs of a node use of the values around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...readers.onnxmodel.flatten import text


def captured(node: Any) -> Iterator[str]:
    """Every name that the subgraphs of a node use; those of values outside are among them."""
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                yield from map(text, inner.input)
                yield from captured(inner)
            yield from (text(value.name) for value in graph.output)


def rename_captured(node: Any, names: dict[str, str]) -> None:
    """Give values of outside other names in the subgraphs of a node."""
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            own = {text(v.name) for v in (*graph.input, *graph.initializer)}
            own |= {text(name) for inner in graph.node for name in inner.output}
            outer = {old: new for old, new in names.items() if old not in own}
            for inner in graph.node:
                for position, name in enumerate(map(text, inner.input)):
                    if name in outer:
                        inner.input[position] = outer[name]
                rename_captured(inner, outer)
            for value in graph.output:
                if text(value.name) in outer:
                    # A body gives a value of outside back: it needs a node of its own for that.
                    identity = graph.node.add()
                    identity.op_type, identity.name = "Identity", f"{value.name}_back"
                    identity.input.append(outer[text(value.name)])
                    identity.output.append(value.name)
