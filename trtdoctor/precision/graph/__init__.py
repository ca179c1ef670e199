"""Why layers are not FP16, by the ONNX graph that the engine was built from and by its layers.

In a strongly typed network the graph's types decide, so the few places count where FP32 enters it:
graph inputs, constants, Casts. In a weakly typed one the builder decides, and of the graph's types
nothing follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.engine import IOTensor, Layer
from ...model.report import Evidence
from ...model.typing import Typing
from ...readers.onnxmodel import OnnxFacts, TensorType
from ..reasons import LayerReasons
from .graph_causes import ByGraph
from .layer_causes import Finder

__all__ = ["graph_reasons", "mismatch"]

_ENGINE_TYPES = {
    TensorType.FLOAT: "FP32",
    TensorType.DOUBLE: "FP32",
    TensorType.FLOAT16: "FP16",
    TensorType.BFLOAT16: "BF16",
}


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
        model: The model that it was built from; None without one. One that does not fit the
            engine (see `mismatch`) is left aside.
        typing: Who decided precision in the engine.
        io: The engine's inputs and outputs, where known.
    """
    layers, io = tuple(layers), tuple(io)
    fits = model is not None and mismatch(model, io, typing=typing) is None
    graph = ByGraph(model, layers) if model is not None and fits else None
    finder = Finder(layers, graph, typing=typing, io=io)
    found = (finder.layer(layer) for layer in layers)
    return tuple(reasons for reasons in found if reasons is not None)


def mismatch(model: OnnxFacts, io: Iterable[IOTensor], *, typing: Typing) -> Evidence | None:
    """What shows that the engine was not built from this model; None where nothing does.

    Its inputs have to be the model's, and in a strongly typed network have their types.
    """
    known = {value.name: value.type for value in (*model.inputs, *model.outputs)}
    for tensor in io:
        if tensor.name not in known:
            if tensor.mode == "input":
                return Evidence(
                    source=model.source, value=f"it has no input {tensor.name}, as the engine has"
                )
            continue
        expected = _ENGINE_TYPES.get(known[tensor.name] or TensorType.STRING)
        told = expected is not None and tensor.dtype in _ENGINE_TYPES.values()
        if typing is Typing.STRONG and told and tensor.dtype != expected:
            return Evidence(
                source=model.source,
                value=f"its {tensor.mode} {tensor.name} is {expected}, "
                f"the engine's is {tensor.dtype}",
            )
    return None
