"""What FP16 does to a model's numbers, told by what its nodes mean: one module a family.

A family that means more comes first and takes its nodes: the square in a LayerNorm is no power of
its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....model.hazard import Hazard
from ....model.value_range import ValueRange
from ....model.weight_numbers import WeightNumbers
from ....readers.onnxmodel import OnnxFacts
from . import constants, functions, norms, sums, values, whole_numbers
from .net import LARGEST, OVERFLOWS, SUBNORMAL, VANISHES, Net

__all__ = ["LARGEST", "OVERFLOWS", "SUBNORMAL", "VANISHES", "Net", "find_hazards"]

_FAMILIES = (
    norms.norms,
    functions.softmaxes,
    functions.activations,
    whole_numbers.whole_numbers,
    functions.exponentials,
    functions.powers,
    sums.reductions,
    sums.long_products,
    constants.epsilons,
    values.measured_values,
    constants.stored_numbers,
    whole_numbers.boxes,
)


def find_hazards(
    model: OnnxFacts,
    weights: WeightNumbers | None = None,
    ranges: Mapping[str, ValueRange] | None = None,
) -> tuple[Hazard, ...]:
    """The places of a model where FP16 changes more than the last digits, in the model's order.

    Args:
        model: The model; with shapes, sums are told by how many elements they have.
        weights: The numbers that it stores; without them only small constants are known.
        ranges: What its values were over samples. They make a hazard certain, or clear it.
    """
    net = Net(model, weights, ranges)
    taken: set[int] = set()
    found: list[tuple[int, Hazard]] = []
    for family in _FAMILIES:
        mine: set[int] = set()
        for hazard, nodes in family(net):
            own = {id(node) for node in nodes}
            if own & taken:
                continue
            mine |= own
            if hazard is not None:
                places = [net.places[each] for each in own]
                place = min(places) if places else _first(net, hazard)
                found.append((place, hazard))
        taken |= mine
    return tuple(hazard for _, hazard in sorted(found, key=lambda entry: entry[0]))


def _first(net: Net, hazard: Hazard) -> int:
    labels = set(hazard.nodes)
    return next((place for place, node in enumerate(net.nodes) if node.label in labels), 1 << 60)
