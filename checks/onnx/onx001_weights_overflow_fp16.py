"""ONX001: stored numbers of a model that pass FP16's largest."""

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


@check(id="ONX001", name="weights-overflow-fp16", severity=Severity.WARNING, since="0.1.0")
def weights_overflow_fp16(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A model stores numbers that FP16 makes infinite.

    ## What it checks
    Every stored tensor of more than sixteen elements, for numbers of 65520 and more, which FP16 rounds to
    infinity, and for those that are infinite already. Masks before Softmax and bounds of Clip are told
    apart: they do no harm.

    ## Why it matters
    A weight that becomes infinite makes infinities and then NaN of all that it meets. Some converters
    clamp it in silence, and the network computes something else.

    ## How to fix it
    Keep the nodes that read the tensor in FP32, or scale it. `trtdoctor plan` measures which nodes have
    to stay in FP32 and writes the model converted with them.

    ## Known limits
    Tensors whose data are missing or lie outside the model's folder are not read.
    """

    def wanted(hazard: Hazard) -> bool:
        return hazard.kind is HazardKind.WEIGHTS and hazard.effect is Effect.OVERFLOW

    yield from hazard_findings(
        models, wanted, none="no stored tensor passes 65504", missing=lambda model: model.not_read
    )
