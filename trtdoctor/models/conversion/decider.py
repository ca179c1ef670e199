"""Deciding for one model again and again, with other nodes kept."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any

from ...model.weight_numbers import StoredTensor, WeightNumbers
from ...precision.numbers.hazards import find_hazards
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from .decide import Decision, decide, fits_as_scale
from .numbers import overflows
from .operands import Schemas


class Decider:
    """Decides for one model again and again, with other nodes kept; what does not change is found once."""

    def __init__(
        self,
        facts: OnnxFacts,
        nodes: list[OnnxNode],
        schemas: Schemas,
        arrays: dict[str, Any],
        *,
        to: TensorType,
        keep_io: bool,
    ) -> None:
        self._facts, self._nodes, self._schemas = facts, nodes, schemas
        self._to, self._keep_io = to, keep_io
        self._overflowing = _overflowing(arrays, to)
        self._unsound = {n for n, array in arrays.items() if not fits_as_scale(array, to)}
        self._hazards = find_hazards(facts, self._overflowing)

    def decide(self, keep: Collection[str]) -> Decision:
        """Which nodes become 16-bit, with these kept."""
        return decide(
            self._facts,
            self._nodes,
            self._schemas,
            keep=keep,
            to=self._to,
            keep_io=self._keep_io,
            overflowing=self._overflowing,
            unsound_scales=self._unsound,
            hazards=self._hazards,
        )


def _overflowing(arrays: dict[str, Any], to: TensorType) -> WeightNumbers:
    """The stored tensors with numbers that a type does not hold, as the hazards ask for them."""
    return WeightNumbers(
        tensors=tuple(
            StoredTensor(
                name=name, elements=int(array.size), read=True, largest=_most(array), overflow=1
            )
            for name, array in arrays.items()
            if overflows(array, to)
        )
    )


def _most(array: Any) -> float:
    numpy = import_module("numpy")
    return float(numpy.abs(array[numpy.isfinite(array)]).max(initial=0))
