"""What a node costs in FP32 and in 16 bits: work and bytes, or times that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from ...model.base import Frozen
from ..emulation import Network
from ..emulation.network import Step

# Assumed, not measured: they only order nodes by what 16 bits may save. Times of a build do it better.
_OPERATIONS_A_BYTE = 100.0
_FASTER = 4.0
_LAUNCH = 50_000.0
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})
_FREE = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Constant", "Shape"})


class Cost(Frozen, frozen=True, kw_only=True):
    """Work of one node: floating-point operations, elements that it reads and makes."""

    flops: float
    elements: float

    @property
    def saved(self) -> float:
        """What 16 bits save, in units of moving one byte."""
        return 2 * self.elements + self.flops / _OPERATIONS_A_BYTE * (1 - 1 / _FASTER)


def costs(network: Network, shapes: Mapping[str, tuple[int, ...]]) -> dict[int, Cost]:
    """The work of every step, from the shapes of one run."""
    return {step.index: _cost(step, shapes) for step in network.steps}


def cast_cost(elements: float) -> float:
    """What a Cast costs, in the same units: FP32 read, 16 bits written, and a launch if not fused."""
    return 6 * elements + _LAUNCH


def _cost(step: Step, shapes: Mapping[str, tuple[int, ...]]) -> Cost:
    if step.node.op in _FREE:
        return Cost(flops=0.0, elements=0.0)
    made = sum(prod(shapes[name]) for name in step.makes if name in shapes)
    read = sum(prod(shapes[name]) for name in step.reads if name in shapes)
    return Cost(flops=_flops(step, shapes, made), elements=float(made + read))


def _flops(step: Step, shapes: Mapping[str, tuple[int, ...]], made: int) -> float:
    op = step.node.op
    if op not in _PRODUCTS or len(step.node.inputs) < 2:
        return float(made)
    weights = shapes.get(step.node.inputs[1], ())
    if not weights:
        return float(made)
    if op == "Conv":
        return 2.0 * made * prod(weights[1:])
    if op == "ConvTranspose":
        read = prod(shapes.get(step.node.inputs[0], ()))
        return 2.0 * read * prod(weights[1:])
    if op == "Gemm":
        depth = weights[1] if step.node.numbers.get("transB") else weights[0]
        return 2.0 * made * depth
    return 2.0 * made * (weights[-2] if len(weights) > 1 else weights[0])


def sizes(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of arrays."""
    return {name: tuple(v.shape) for name, v in values.items() if hasattr(v, "shape")}
