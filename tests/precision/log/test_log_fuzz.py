"""Damaged logs: solving them gives an answer or none, and never an exception."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.knowledge import Knowledge
from trtdoctor.precision.log import analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import FormatError, parse_build_log

pytest.importorskip("numpy")
KNOWLEDGE = Knowledge.load()
DATA = Path(__file__).parents[2] / "data" / "buildlog"
LOGS = [
    gzip.decompress((DATA / f"{name}.log.gz").read_bytes()).decode().splitlines()
    for name in ("trt86-casts.fp16", "trt86-encoder.fp16", "trt86-topk.fp16")
]
# What decides a plan: everything but the tactics.
LOGS = [[line for line in log if "] Tactic" not in line] for log in LOGS]


def swap(words):
    first, second = words
    return lambda line: line.replace(first, second)


EDITS = st.sampled_from(
    [
        swap(pair)
        for pair in (
            ("Float", "Half"), ("Half", "Float"), ("Half", "Int8"), ("(256,1)", "(256,1,1)"),
            (" -> ", ", "), (", ", " -> "), ("Time: 0", "Time: inf"), ("x", "y"), (":8", ":3"),
            ("mm1", "mm2"), ("Float[", "Half["), ("Tactic", "tactic"), ("[8,256]", "[0,-7]"),
            ("Layer(NoOp)", "Layer(Reformat)"), ("1", "0"), ("(", ""), (")", ""),
        )
    ]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(LOGS), st.data())
def test_damaged_logs(log, data):
    lines = list(log)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(len(lines) // 3, len(lines) - 1))
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines[place] = data.draw(EDITS)(lines[place])
        else:
            lines.insert(place, data.draw(st.sampled_from(log)))
    try:
        build = parse_build_log(io.BytesIO("\n".join(lines).encode())).build
    except FormatError:
        return
    for attempt in build.chosen:
        analysis = analyse(build, attempt)
        for reasons in causes_of(
            build, attempt, analysis, typing=typing_of_build(build, KNOWLEDGE)
        ):
            assert all(reason.evidence for reason in reasons.reasons)
