"""Solving that runs out of time: what it had by then is right, and what it had not is counted."""

from __future__ import annotations

import io
import itertools

import pytest

pytest.importorskip("numpy")

from netlogs import LINEAR, log_of, make

from trtdoctor.engines.given import GivenLog
from trtdoctor.engines.log_testimony import hear
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.watch import OutOfTime, Watch
from trtdoctor.precision.log import analyse
from trtdoctor.readers.buildlog import parse_build_log

KNOWLEDGE = Knowledge.load()


def asked(times):
    """A watch whose time is over when it has been asked so often."""
    left = itertools.chain(itertools.repeat(60.0, times), itertools.repeat(0.0))
    return Watch(left=lambda: next(left))


@pytest.fixture(scope="module")
def build():
    net = make(4, 7)
    return parse_build_log(io.BytesIO(log_of(net, net.best()).encode())).build


def test_what_was_reached_is_what_unhurried_solving_tells(build):
    (attempt,) = build.chosen
    whole = analyse(build, attempt)
    assert whole is not None and not whole.unreached and not whole.io_unreached
    subjects = len(whole.verdicts)
    assert subjects > 3
    partly = set()
    for times in itertools.count():
        try:
            analysis = analyse(build, attempt, asked(times))
        except OutOfTime:
            partly.add("nothing")
            continue
        assert analysis is not None
        assert analysis.choice == whole.choice
        reached = len(analysis.verdicts)
        assert analysis.unreached == subjects - reached
        assert analysis.verdicts == whole.verdicts[:reached]
        assert analysis.io_unreached or analysis == whole
        partly.add(reached)
        if not analysis.io_unreached:
            break
    assert {"nothing", 0, 1, subjects - 1, subjects} <= partly


def given_log(build):
    return GivenLog(name="build.log", build=build)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (0, "there was no time to solve the builder's choice again"),
        (4, "causes of 0 of 7 layers that can be FP16 were solved in time"),
    ],
)
def test_what_there_was_no_time_for_is_told(build, times, told):
    testimony = hear(given_log(build), KNOWLEDGE, asked(times))
    (note,) = testimony.unsolved
    assert told in note and "--deadline" in note
    for found in testimony.reasons():
        assert all(reason.confidence.value != "certain" for reason in found.reasons)


def test_a_layer_that_was_not_reached_gets_no_cause_from_solving(build):
    whole = {found.layer: found for found in hear(given_log(build), KNOWLEDGE).reasons()}
    for times in range(40):
        testimony = hear(given_log(build), KNOWLEDGE, asked(times))
        analysis = testimony.analysis
        reached = {v.layer for v in analysis.verdicts} if analysis else set()
        for found in testimony.reasons():
            if found.layer in reached:
                assert found.region == whole[found.layer].region
            else:
                assert found.decided_again is None and found.region is None


def test_what_is_done_is_told(build):
    (attempt,) = build.chosen
    told = []
    analyse(build, attempt, Watch(tell=told.append))
    assert told[0] == "making the builder's problem"
    assert "solving again what each layer would cost: 0 of 7 layers" in told
    assert told[-1] == "solving again with FP16 network inputs and outputs"


@pytest.mark.slow
def test_a_layer_that_reads_every_other_ends_all_the_same():
    """A network whose branches interleave so far that only a program solves it."""
    pytest.importorskip("highspy")
    net = make(13, 100)
    build = parse_build_log(io.BytesIO(log_of(net, [LINEAR] * 100).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None and not analysis.unreached
    assert analysis.choice.plan_ms <= net.cost([LINEAR] * 100)
