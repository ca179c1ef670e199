"""Lines that could not be read: what they may have said is not held against them."""

from __future__ import annotations

import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.report import Confidence
from trtdoctor.precision.log import Cause, analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import parse_build_log

pytest.importorskip("numpy")
KNOWLEDGE = Knowledge.load()
DATA = Path(__file__).parents[2] / "data" / "buildlog"
NAMES = ("trt86-casts.fp16", "trt86-cnn.noflag", "trt86-cnn.pin_obey", "trt86-topk.fp16")
ABSENCE = {Cause.NOT_ENABLED, Cause.NO_FP16_KERNEL, Cause.PINNED, Cause.INT8_WITHOUT_FP16}
RANK = {None: 0, Confidence.POSSIBLE: 1, Confidence.LIKELY: 2, Confidence.CERTAIN: 3}


def read(lines):
    return parse_build_log(io.BytesIO("\n".join(lines).encode())).build


def told(build):
    """The confidence of each cause of each layer."""
    typing = typing_of_build(build, KNOWLEDGE)
    return {
        (found.layer, reason.cause): reason.confidence
        for attempt in build.chosen
        for found in causes_of(build, attempt, analyse(build, attempt), typing=typing)
        for reason in found.reasons
    }


LOGS = {
    name: gzip.decompress((DATA / f"{name}.log.gz").read_bytes()).decode().splitlines()
    for name in NAMES
}
BEFORE = {name: told(read(lines)) for name, lines in LOGS.items()}
# Of a candidate that was not timed nothing but its own line is there to show that it is lost.
PLACES = {
    name: [
        at
        for at, line in enumerate(lines)
        if "Autotuning format combination" in line and "Timing Runner" in lines[at + 1]
    ]
    for name, lines in LOGS.items()
}
GARBLES = (
    lambda line: line.replace("Half(", "H\x00lf{").replace("Float(", "Fl\ufffdat{"),
    lambda line: re.sub(r"\d", "?", line),
    lambda line: line.replace("Autotuning", "Aut\ufffdtuning"),
    lambda line: line[: line.index("->")],
    # The line is gone as a whole, and what follows it tells.
    lambda line: "\ufffd" * len(line),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NAMES), st.data())
def test_no_cause_is_more_certain_after_candidates_are_lost(name, data):
    lines = list(LOGS[name])
    half = [at for at in PLACES[name] if "Half" in lines[at]]
    among = half if half and data.draw(st.booleans()) else PLACES[name]
    for at in data.draw(st.sets(st.sampled_from(among), min_size=1, max_size=len(among))):
        lines[at] = data.draw(st.sampled_from(GARBLES))(lines[at])
    build = read(lines)
    assert build.lost is not None
    for key, confidence in told(build).items():
        if key[1] in ABSENCE:
            assert RANK[confidence] <= RANK[BEFORE[name].get(key)]
        if confidence is Confidence.CERTAIN:
            assert BEFORE[name].get(key) is Confidence.CERTAIN and key[1] not in ABSENCE


@pytest.mark.parametrize("garble", GARBLES)
@pytest.mark.parametrize("name", ["trt86-casts.fp16", "trt86-topk.fp16"])
def test_a_build_whose_half_candidates_are_lost_was_not_built_without(name, garble):
    lines = [
        garble(line) if "Autotuning format combination" in line and "Half" in line else line
        for line in LOGS[name]
    ]
    build = read(lines)
    assert build.lost is not None
    assert not [cause for _, cause in told(build) if cause in ABSENCE]


def test_a_layer_without_tensors_is_nothing_lost():
    lines = list(LOGS["trt86-cnn.noflag"])
    at = PLACES["trt86-cnn.noflag"][0]
    head = lines[at][: lines[at].index("combination:")]
    lines[at] = f"{head}combination:  ->  ***************"
    assert read(lines).lost is None


@pytest.mark.parametrize("garble", GARBLES)
def test_one_lost_candidate_of_many_leaves_it_likely(garble):
    lines = list(LOGS["trt86-cnn.noflag"])
    at = PLACES["trt86-cnn.noflag"][0]
    lines[at] = garble(lines[at])
    build = read(lines)
    assert (build.lost.count, build.lost.first_line) in [(1, at + 1), (1, at + 2)]
    found = {c for (_, cause), c in told(build).items() if cause is Cause.NOT_ENABLED}
    assert found == {Confidence.LIKELY}
