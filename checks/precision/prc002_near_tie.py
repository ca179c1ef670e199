"""Layers whose type the noise of one build decided."""

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Yielded,
    check,
    count,
)
from trtdoctor.api.facts import EnginePrecisions

_MOST_NAMED = 8


@check(id="PRC002", name="near-tie", severity=Severity.INFO, since="0.1.0")
def near_tie(precisions: EnginePrecisions) -> Iterator[Yielded]:
    """FP16 and another type were as fast, so another build may choose differently.

    ## What it checks
    The margin of each layer that is not FP16 against the noise of timing: the builder's choice is
    solved again from its log with every time varied by a few percent.

    ## Why it matters
    The builder times each candidate once or a few times. Where the margin is inside the noise, the
    same model gives engines of different precision and speed on different days.

    ## How to fix it
    Average more timings (`trtexec --avgTiming`), keep clocks steady while building
    (`nvidia-smi -lgc`), and keep the timing cache of a build that you like.

    ## Known limits
    Needs the verbose build log, so only `trtdoctor explain --log` can tell.
    """
    if all(engine.reason or not engine.near_ties for engine in precisions.engines):
        if all(engine.source is None for engine in precisions.engines):
            raise NotApplicable("no layers were read")
        return
    for engine in precisions.engines:
        if engine.near_ties:
            named = ", ".join(engine.near_ties[:_MOST_NAMED])
            more = len(engine.near_ties) - _MOST_NAMED
            rest = f" and {more} more" if more > 0 else ""
            yield Finding(
                message=f"Noise decided the type of {named}{rest}: another build may choose FP16.",
                subject=engine.path,
                confidence=Confidence.LIKELY,
                evidence=(
                    Evidence(
                        source="solved again with perturbed times",
                        value=f"{count(len(engine.near_ties), 'layer')} would be chosen differently",
                    ),
                ),
                remedy=Remedy(
                    text="Average more timings, keep the GPU's clocks steady, keep the timing cache."
                ),
            )
