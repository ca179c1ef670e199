"""Networks that no corpus holds: logs written here, and plans found by trying them all."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from netlogs import FORMATS, LINEAR, log_of, make

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.report import Confidence
from trtdoctor.precision.log import Cause, analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import parse_build_log

KNOWLEDGE = Knowledge.load()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_plan_margins_and_causes_agree_with_trying_all(seed, size):
    net = make(seed, size)
    plan = net.best()
    build = parse_build_log(io.BytesIO(log_of(net, plan).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None
    choice = analysis.choice
    assert choice.certain, choice
    assert choice.plan_ms == pytest.approx(net.cost(plan))
    assert choice.conversions == (len(list(net.converted(plan))),) * 2
    free = net.best(free=True)
    reasons = {
        r.layer: r
        for r in causes_of(
            build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
        )
    }
    for layer, verdict in enumerate(sorted(analysis.verdicts, key=lambda v: int(v.layer[4:]))):
        half = plan[layer].startswith("Half")
        other = net.best(lambda i, f, n=layer, h=half: i != n or f.startswith("Half") is not h)
        assert verdict.half is half
        assert verdict.forced is not None
        assert verdict.forced.total_ms == pytest.approx(net.cost(other))
        assert verdict.half_when_free is free[layer].startswith("Half")
        if half:
            assert verdict.layer not in reasons
            continue
        causes = [reason.cause for reason in reasons[verdict.layer].reasons]
        expected = Cause.CONVERSION_COSTS_MORE if verdict.half_when_free else Cause.FASTER_IN_FP32
        assert expected in causes


def test_another_plan_than_the_best_is_not_reproduced():
    net = make(3, 4)
    plan = net.best()
    worse = net.best(lambda i, f: i != 1 or FORMATS[f][0] != FORMATS[plan[1]][0])
    build = parse_build_log(io.BytesIO(log_of(net, worse).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None and not analysis.choice.reproduced
    assert analysis.choice.logged_ms == pytest.approx(net.cost(worse))
    for reasons in causes_of(
        build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
    ):
        for reason in reasons.reasons:
            assert reason.confidence is analysis.choice.ceiling is Confidence.POSSIBLE


def test_a_full_timing_cache_proves_nothing():
    net = make(5, 3)
    text = log_of(net, net.best(lambda i, f: f.startswith("Float")))
    quiet = "\n".join(
        line for line in text.splitlines()
        if not any(word in line for word in ("Timing Runner", "Tactic: 0x0000000000000001 Time"))
    )  # fmt: skip
    build = parse_build_log(io.BytesIO(quiet.encode())).build
    analysis = analyse(build, build.chosen[0])
    assert all(
        not r.reasons
        for r in causes_of(
            build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
        )
    )


@pytest.mark.slow
def test_many_layers_are_solved_in_time():
    net = make(11, 60)
    build = parse_build_log(io.BytesIO(log_of(net, [LINEAR] * 60).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None
    assert analysis.choice.plan_ms <= net.cost([LINEAR] * 60)


def test_a_second_optimisation_profile_is_a_problem_of_its_own():
    first, second = make(1, 3), make(2, 3)
    one, two = log_of(first, first.best()), log_of(second, second.best())
    two = two.partition("[VERBOSE] Constructing")[2]
    tuned, _, layers = two.partition("[VERBOSE] Engine Layer Information:\n")
    head, _, own = one.partition("[VERBOSE] Engine Layer Information:\n")
    marked = layers.replace(", Tactic: ", " [profile 1], Tactic: ")
    marked = re.sub(r"\b(t\d) \(", r"\1 [profile 1] (", marked)
    text = head + "[VERBOSE] Constructing" + tuned.replace("number 0 [1/1]", "number 1 [2/2]")
    text += "[VERBOSE] Engine Layer Information:\n" + own + marked
    build = parse_build_log(io.BytesIO(text.encode())).build
    assert [attempt.profile for attempt in build.chosen] == [0, 1]
    for attempt, net in zip(build.chosen, (first, second), strict=True):
        analysis = analyse(build, attempt)
        assert analysis is not None and analysis.choice.layers == (3, 3)
        assert analysis.choice.plan_ms == pytest.approx(net.cost(net.best()))
