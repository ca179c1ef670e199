"""What was measured: values that FP16 does not hold, whatever makes them."""

from __future__ import annotations

from collections.abc import Iterator

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence
from .functions import Found
from .net import OVERFLOWS, SUBNORMAL, Net


def measured_values(net: Net) -> Iterator[Found]:
    """Values of floating type whose measured range leaves FP16's."""
    for node in net.floats():
        for name in node.outputs:
            found = net.range(name)
            largest = net.largest(name)
            if found is None or largest is None or net.is_constant(name):
                continue
            if largest >= OVERFLOWS:
                what = f"{node.op} makes values up to {largest:.4g}, more than 65504."
                effect = Effect.OVERFLOW
            elif 0 < largest < SUBNORMAL:
                what = f"{node.op} makes values of at most {largest:.3g}, of which FP16 keeps few "
                what += "digits or none."
                effect = Effect.FLUSH
            else:
                continue
            yield (
                Hazard(
                    kind=HazardKind.VALUES,
                    nodes=(node.label,),
                    value=name,
                    type=net.type_name(node),
                    what=what,
                    effect=effect,
                    cure=Cure.KEEP,
                    advice="Keep it and what reads it in FP32, or scale its values.",
                    evidence=net.measured(name),
                    confidence=Confidence.CERTAIN,
                ),
                (node,),
            )
            break
