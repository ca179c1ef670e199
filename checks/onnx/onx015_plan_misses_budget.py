"""ONX015: a plan that does not meet what was asked of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)


@check(id="ONX015", name="plan-misses-budget", severity=Severity.ERROR, since="0.1.0")
def plan_misses_budget(plans: facts.OnnxPlans) -> Iterator[Yielded]:
    """The converted model is not as exact as was asked, or the user's own check refuses it.

    ## What it checks
    Whether the worst output of the converted model has the signal to noise of `--budget` over all samples,
    no value on the way breaks or dies, and the command of `--check` accepts it.

    ## Why it matters
    The converted model computes something else than the original, by more than was asked.

    ## How to fix it
    Give samples of real data with `--inputs`: random ones may leave outputs near zero, where no number is
    exact. Give it more time with `--deadline` where nodes were not measured. Take BF16 (`--to bf16`) where
    values leave the range of FP16 and digits matter less. Or lower the budget knowingly.

    ## Known limits
    The error is that of rounding on the CPU; kernels that add up in FP16 may have more.
    """
    for plan in plans.plans:
        reached = "nothing is lost" if plan.reached is None else f"it has {plan.reached:.1f} dB"
        if plan.met:
            yield Note(text=f"{plan.path}: {reached}, and {plan.budget:g} dB were asked for")
            continue
        refused = plan.check is not None and (plan.reached is None or plan.reached >= plan.budget)
        why = f"your own check refuses it ({plan.check})" if refused else reached
        yield Finding(
            message=f"The plan of {plan.path} misses its budget of {plan.budget:g} dB: {why}.",
            subject=plan.path,
            confidence=Confidence.CERTAIN,
            evidence=(
                Evidence(source="nodes measured", value=f"{plan.measured:,} of {plan.nodes:,}"),
            ),
            remedy=Remedy(
                text="Give samples of real data, and more time if nodes were not measured.",
                commands=to_run(
                    f"trtdoctor plan {shlex.quote(plan.path)} --inputs DATA.npz --deadline 3600",
                ),
            ),
        )
