"""Why layers are not FP16, by the ONNX graph that the engine was built from and by its layers.

In a strongly typed network the graph's types decide, so the few places count where FP32 enters it:
graph inputs, constants, Casts. In a weakly typed one the builder decides, and of the graph's types
nothing follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.engine import IOTensor, Layer
from ...model.typing import Typing
from ...readers.onnxmodel import OnnxFacts
from ..reasons import LayerReasons
from .attention import Attention, attentions
from .edge_casts import edge_casts
from .graph_causes import ByGraph
from .layer_causes import Finder
from .nodes import NodeType, layers_of_model, node_types

__all__ = [
    "Attention",
    "NodeType",
    "attentions",
    "edge_casts",
    "graph_reasons",
    "layers_of_model",
    "node_types",
]


def graph_reasons(
    layers: Iterable[Layer],
    model: OnnxFacts | None,
    *,
    typing: Typing,
    io: Iterable[IOTensor] = (),
) -> tuple[LayerReasons, ...]:
    """The reasons for every computing layer that is not FP16, BF16 ones included.

    A layer for which nothing is proven gets no reasons. INT8, FP8 and FP4 layers, data movement,
    constants and shapes get no entry.

    Args:
        layers: All layers of one engine, classified.
        model: The model that it was built from; None without one.
        typing: Who decided precision in the build.
        io: The engine's inputs and outputs, where known.
    """
    layers, io = tuple(layers), tuple(io)
    graph = ByGraph(model, layers) if model is not None else None
    finder = Finder(layers, graph, typing=typing, io=io)
    found = (finder.layer(layer) for layer in layers)
    return tuple(reasons for reasons in found if reasons is not None)
