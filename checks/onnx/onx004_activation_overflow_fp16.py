"""ONX004: values of a model that FP16 does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import Hazard, HazardKind, Severity, Yielded, check, facts, hazard_findings


@check(id="ONX004", name="activation-overflow-fp16", severity=Severity.WARNING, since="0.1.0")
def activation_overflow_fp16(models: facts.OnnxModels) -> Iterator[Yielded]:
    """Values inside a model pass FP16's largest number, or may.

    ## What it checks
    Powers, exponentials, sums over many elements, softmax that is written out, positions and whole
    numbers as floats, by their operators, shapes and constants; and with --inputs the measured range of
    every value.

    ## Why it matters
    65520 and more is infinite in FP16, and whole numbers above 2048 lose their last digits. What follows
    is NaN, zeros, or results that are quietly wrong.

    ## How to fix it
    Keep these nodes in FP32. `trtdoctor plan` measures which nodes have to stay in FP32 and writes the
    model converted with them.

    ## Known limits
    Without --inputs the ranges of values are not known, and most of this is possible, not certain.
    """
    kinds = (
        HazardKind.VALUES,
        HazardKind.POWER,
        HazardKind.EXPONENTIAL,
        HazardKind.REDUCTION,
        HazardKind.SOFTMAX,
        HazardKind.PRODUCT,
        HazardKind.INTEGERS,
        HazardKind.POSITIONS,
        HazardKind.BOXES,
    )

    def wanted(hazard: Hazard) -> bool:
        return hazard.kind in kinds

    yield from hazard_findings(
        models,
        wanted,
        none="no value is known to leave the range of FP16",
        missing=lambda model: model.not_measured,
    )
