"""What a conversion gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...model.base import Frozen
from ...readers.onnxmodel import TensorType


class Change(Frozen, frozen=True, kw_only=True):
    """Stored values that became others than their nearest neighbour in the new type's range.

    Attributes:
        name: The stored value.
        node: The label of the node that reads it.
        effect: ``masked`` (a mask's large negative number, made one that fits) or ``flushed`` (too
            small, became zero).
        count: How many values of it.
        elements: How many values it has.
        examples: Some of them, old and new.
    """

    name: str
    node: str
    effect: str
    count: int
    elements: int
    examples: tuple[tuple[float, float], ...] = ()


class LeftWide(Frozen, frozen=True, kw_only=True):
    """A node that stays in FP32 though nobody asked for it. ``reason`` follows "because"."""

    node: str
    op: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A converted model.

    Attributes:
        model: The model (``onnx.ModelProto``), with all its values inside.
        to: The type that it was converted to.
        changes: Every stored value that the new type does not hold.
        left: Nodes that stay in FP32 without having been asked for.
        casts: The names of the Casts that were put in.
        narrow: Labels of the nodes that compute in the new type.
        external: Whether the model's own values lay in a file beside it.
    """

    model: Any
    to: TensorType
    changes: tuple[Change, ...] = ()
    left: tuple[LeftWide, ...] = ()
    casts: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()
    external: bool = False
