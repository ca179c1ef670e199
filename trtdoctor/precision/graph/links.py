"""Which layers make and use each other's tensors, and the types around a layer."""

from __future__ import annotations

from collections.abc import Iterable

from trtdoctor.precision.layers.roles import FLOATS
from trtdoctor.precision.layers.shares import converts

from ...model.engine import Layer, LayerTensor, Precision, Role

_MOST_STEPS = 64


class Links:
    """The layers of one engine by the tensors between them."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._makers: dict[tuple[int, str], list[Layer]] = {}
        self._users: dict[tuple[int, str], list[Layer]] = {}
        for layer in layers:
            for tensor in layer.outputs:
                self._makers.setdefault((layer.profile, tensor.name), []).append(layer)
            for tensor in layer.inputs:
                self._users.setdefault((layer.profile, tensor.name), []).append(layer)

    def conversions(self, layer: Layer) -> tuple[Layer | None, Layer | None]:
        """A layer that converts FP16 data for this one, and one that converts its results back."""
        before = next(
            (found for found in self._near(layer, before=True) if _from_half(found)), None
        )
        after = next((found for found in self._near(layer, before=False) if _to_half(found)), None)
        return before, after

    def neighbours(self, layer: Layer, *, before: bool) -> tuple[Layer, ...]:
        """The computing layers next to this one, past those that only move data."""
        found: dict[int, Layer] = {}
        seen = {id(layer)}
        pending = self._near(layer, before=before)
        while pending and len(seen) <= _MOST_STEPS:
            near = pending.pop()
            if id(near) in seen:
                continue
            seen.add(id(near))
            if near.role is Role.COMPUTE:
                found[id(near)] = near
            elif near.role is Role.DATA_MOVEMENT:
                pending += self._near(near, before=before)
        return tuple(found.values())

    def _near(self, layer: Layer, *, before: bool) -> list[Layer]:
        tensors = layer.inputs if before else layer.outputs
        table = self._makers if before else self._users
        return [
            near
            for tensor in tensors
            for near in table.get((layer.profile, tensor.name), ())
            if near is not layer
        ]


def float_types(tensors: Iterable[LayerTensor]) -> set[str]:
    """The floating types among tensors."""
    return {tensor.dtype for tensor in tensors if tensor.dtype in FLOATS}


def holds_half(layer: Layer) -> bool:
    """Whether anything of a layer is FP16."""
    weights = layer.weights is not None and layer.weights.dtype == "FP16"
    tensors = (*layer.inputs, *layer.outputs, *layer.constants)
    return (
        weights
        or layer.precision is Precision.FP16
        or any(tensor.dtype == "FP16" for tensor in tensors)
    )


def _from_half(layer: Layer) -> bool:
    return converts(layer) is True and "FP16" in float_types(layer.inputs)


def _to_half(layer: Layer) -> bool:
    return converts(layer) is True and "FP16" in float_types(layer.outputs)
