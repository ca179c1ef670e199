"""ONX003: constants of a model that FP16 does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Hazard,
    HazardKind,
    Severity,
    Yielded,
    check,
    facts,
    hazard_findings,
)


@check(id="ONX003", name="constant-overflow-fp16", severity=Severity.WARNING, since="0.1.0")
def constant_overflow_fp16(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A constant leaves FP16's range, or an epsilon becomes zero in it.

    ## What it checks
    Constants of up to sixteen elements: masks that are multiplied, numbers that pass 65504, and an
    epsilon of 2**-25 and less that keeps a division, a logarithm or a root from zero.

    ## Why it matters
    An epsilon that becomes zero divides by zero on the first row of equal values; a mask of minus
    infinity times zero is no number.

    ## How to fix it
    Change the constant where the model is exported: -1e4 for a mask, 1e-6 for an epsilon. Or
    keep its nodes in FP32.

    ## Known limits
    An epsilon is told where it is added or compared in the graph; one inside an operator
    (LayerNormalization) stays FP32 in TensorRT.
    """

    def wanted(hazard: Hazard) -> bool:
        return hazard.kind in (HazardKind.CONSTANT, HazardKind.EPSILON, HazardKind.MASK)

    yield from hazard_findings(models, wanted, none="no constant leaves the range of FP16")
