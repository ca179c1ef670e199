"""How much a model's nodes do: floating-point operations and bytes, where shapes tell."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.model_report import Work
from ...readers.onnxmodel import OnnxFacts


class Workload:
    """The work of each node of one model."""

    def __init__(self, model: OnnxFacts) -> None:
        self._model = model

    def of(self, places: Iterable[int]) -> Work:
        """The work of the nodes at these places of the model together."""
        return Work(nodes=sum(1 for _ in places))
