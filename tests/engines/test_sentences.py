"""How sure the answer's sentences sound."""

from __future__ import annotations

import pytest

from trtdoctor.engines.sentences import answer_of
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import ChoiceTold, EngineReport, Explanation, Layer, Precision, Role
from trtdoctor.model.report import Confidence

DOUBT = (
    "by the log's numbers, which do not lead to the builder's plan, FP16 would be 2.00 us slower"
)


@pytest.mark.parametrize("confidence", list(Confidence))
def test_a_cause_that_is_only_possible_is_told_with_doubt(confidence):
    report = EngineReport(
        path="build.log",
        layers=(
            Layer(name="a", type="CaskConvolution", role=Role.COMPUTE, precision=Precision.FP32),
        ),
        explanations=(
            Explanation(
                layer="a",
                precision=Precision.FP32,
                cause=Cause.FASTER_IN_FP32,
                confidence=confidence,
            ),
        ),
        choice=ChoiceTold(
            log="build.log",
            build=1,
            profile=0,
            reproduced=confidence is Confidence.CERTAIN,
            layers=(1, 1),
            conversions=(0, 0),
            plan_ms=0.01,
            alternative_ms=0.012,
        ),
    )
    assert (DOUBT in answer_of(report)) is (confidence is Confidence.POSSIBLE)


def of_profiles(*precisions: Precision) -> EngineReport:
    """One layer, computed in these precisions in the optimisation profiles from 0 on."""
    names = ("a", *(f"a [profile {n}]" for n in range(1, len(precisions))))
    layers = tuple(
        Layer(name=name, type="CaskConvolution", role=Role.COMPUTE, precision=found, profile=number)
        for number, (name, found) in enumerate(zip(names, precisions, strict=True))
    )
    explanations = tuple(
        Explanation(layer=layer.name, precision=layer.precision, cause=Cause.NOT_ENABLED)
        for layer in layers
        if layer.precision is not Precision.FP16
    )
    return EngineReport(path="m.plan", layers=layers, explanations=explanations)


def test_later_profiles_count_where_they_differ():
    same = answer_of(of_profiles(Precision.FP32, Precision.FP32))
    assert same == "0 of 1 compute layer is FP16: FP16 was not enabled for this build."
    assert answer_of(of_profiles(Precision.FP16, Precision.FP32)) == (
        "1 of 1 compute layer is FP16: there is nothing to explain. "
        "Computed in another type: 1 in optimisation profile 1."
    )
