"""ONX002: stored numbers of a model that FP16 holds as zero or with few digits."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Effect,
    Hazard,
    HazardKind,
    Severity,
    Yielded,
    check,
    facts,
    hazard_findings,
)


@check(id="ONX002", name="weights-underflow-fp16", severity=Severity.INFO, since="0.1.0")
def weights_underflow_fp16(models: facts.OnnxModels) -> Iterator[Yielded]:
    """FP16 holds much of a stored tensor as zeros, or with few digits.

    ## What it checks
    The share of each stored tensor's numbers that are not zero and become zero (2**-25 and less) or
    subnormal (less than 2**-14) in FP16.

    ## Why it matters
    A tensor of which most is lost is another tensor. Single small weights beside large ones do not
    matter.

    ## How to fix it
    Keep the nodes that read the tensor in FP32, or scale it up and their result down. `trtdoctor plan`
    measures which nodes have to stay in FP32 and writes the model converted with them.

    ## Known limits
    What the loss does to the results is measured by `trtdoctor plan` alone.
    """

    def wanted(hazard: Hazard) -> bool:
        return hazard.kind is HazardKind.WEIGHTS and hazard.effect is not Effect.OVERFLOW

    yield from hazard_findings(
        models,
        wanted,
        none="no stored tensor is lost in FP16",
        missing=lambda model: model.not_read,
    )
