"""PRC004: an engine that is not worth it in place of another."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
)


@check(id="PRC004", name="engine-not-worth-it", severity=Severity.WARNING, since="0.1.0")
def engine_not_worth_it(comparison: facts.EngineComparison) -> Iterator[Yielded]:
    """An engine is not faster than the one that it would replace, or its outputs will not do.

    ## What it checks
    The verdict of `trtdoctor compare`: whether the second engine is faster beyond what measuring leaves
    open, and whether its outputs keep the signal to noise that is asked for.

    ## Why it matters
    FP16 that is allowed is not always faster: conversions between types can cost more than the faster
    kernels save. What is not faster is not worth what it does to the outputs.

    ## How to fix it
    Keep the engine that is there. `trtdoctor explain` says which layers stay in FP32, what that costs and
    whether FP16 inputs and outputs would help.

    ## Known limits
    A time counts for the GPU, the shapes and the clocks that it was measured with. Less memory, which may
    be a reason of its own, is not weighed.
    """
    if comparison.worth is None:
        reason = "whether it is worth it cannot be told; the verdict says what is missing"
        yield Unknown(subject=comparison.b, reason=reason)
    elif comparison.worth:
        yield Note(text=f"{comparison.b}: {comparison.verdict}")
    else:
        yield Finding(
            # One line, whatever the names in it hold.
            message=" ".join(comparison.verdict.split()),
            subject=comparison.b,
            evidence=tuple(_factor(comparison)),
            remedy=Remedy(text=" ".join(f"Keep {comparison.a}.".split())),
        )


def _factor(comparison: facts.EngineComparison) -> Iterator[Evidence]:
    if comparison.gain is not None:
        middle, low, high = comparison.gain
        told = f"{middle:.3f} [{low:.3f}, {high:.3f}]"
        yield Evidence(source="times as fast, with its interval", value=told)
    yield Evidence(source="outputs compared", value=str(comparison.outputs))
