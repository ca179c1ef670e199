"""The shapes of a model's values, as ``onnx`` infers them from its operators' definitions."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import FormatError
from .flatten import shape_of, text
from .onnx_facts import Shape


def inferred_shapes(
    onnx: Any, model: Any, given: Mapping[str, Sequence[int]] | None = None
) -> dict[str, Shape]:
    """Shapes by value of the main graph; what does not follow is left out.

    Args:
        onnx: The package.
        model: The parsed model, which may lack the elements of large tensors. It is not changed.
        given: Shapes of inputs that the model leaves open; an open batch alone is taken for 1.

    Raises:
        FormatError: A given shape is of no input, or does not fit what the model declares.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _give(copy, given or {})
    # What is declared is known all the same. Its own error is none of RuntimeError's kind.
    with contextlib.suppress(Exception):
        copy = onnx.shape_inference.infer_shapes(copy, data_prop=True)
    graph = copy.graph
    shapes: dict[str, Shape] = {}
    for value in (*graph.value_info, *graph.input, *graph.output):
        shape = shape_of(value)
        if shape is not None:
            shapes[text(value.name)] = shape
    return shapes


def _give(model: Any, given: Mapping[str, Sequence[int]]) -> None:
    values = {text(value.name): value for value in model.graph.input}
    for name, shape in given.items():
        if name not in values:
            raise FormatError(
                f"It has no input {name!r}, for which a shape was given. "
                f"Its inputs are {', '.join(values) or 'none'}."
            )
        declared = shape_of(values[name])
        fits = declared is None or (
            len(declared) == len(shape)
            and all(a is None or a == b for a, b in zip(declared, shape, strict=True))
        )
        if not fits:
            wanted = "x".join("?" if extent is None else str(extent) for extent in declared or ())
            raise FormatError(
                f"The shape {'x'.join(map(str, shape))} does not fit its input {name!r}, which is {wanted}."
            )
        tensor = values[name].type.tensor_type.shape
        tensor.ClearField("dim")
        for extent in shape:
            tensor.dim.add().dim_value = extent
    batched = False
    for name, value in values.items():
        declared = shape_of(value)
        # A leading extent alone that is open is the batch, which changes no share and no sum.
        if name not in given and declared and declared[0] is None and None not in declared[1:]:
            extent = value.type.tensor_type.shape.dim[0]
            extent.Clear()
            extent.dim_value = 1
            batched = True
    if given or batched:
        # What was declared for open shapes would stand against what follows from the given ones.
        model.graph.ClearField("value_info")
