"""The examples on the pages about causes are what our own builds really show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.precision.log import analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import read_build_log

KNOWLEDGE = Knowledge.load()
DATA = Path(__file__).parents[2] / "data"
LOGS = [
    (Cause.NOT_ENABLED, "trt86-cnn.noflag", "c2 + c2_relu"),
    (Cause.FASTER_IN_FP32, "trt86-cnn.fp16", "head"),
    (Cause.CONVERSION_COSTS_MORE, "trt86-simple.fp16", "/fc1/Gemm + /relu/Relu"),
    (Cause.PINNED, "trt86-cnn.pin_obey", "c2 + c2_relu"),
    (Cause.NETWORK_IO, "trt86-cnn.fp16", "c2 + c2_relu"),
]


def example(cause: Cause) -> str:
    return next(row for row in KNOWLEDGE.causes() if row.cause is cause).example


@pytest.mark.parametrize(("cause", "log", "layer"), LOGS, ids=lambda x: str(x))
def test_an_example_is_the_evidence_of_a_build(cause: Cause, log: str, layer: str) -> None:
    pytest.importorskip("numpy")
    build = read_build_log(DATA / "buildlog" / f"{log}.log.gz").build
    analysis = analyse(build, build.chosen[0])
    found = {
        r.layer: r
        for r in causes_of(
            build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
        )
    }[layer]
    (reason,) = (r for r in found.reasons if r.cause.value == cause.value)
    shown = {(e.source, e.value) for e in reason.evidence}
    for line in example(cause).strip().splitlines():
        value, place = re.fullmatch(r"(.*?)(?:\s{2,}(build\.log:\d+))?", line).groups()
        assert (place or "build.log", value) in shown, line


@pytest.mark.parametrize(
    ("cause", "file"),
    [
        (Cause.GRAPH_SAYS_FP32, "rtx171.mlp_fp32.txt"),
        (Cause.CAST_ISLAND, "rtx171.island.txt"),
        (Cause.NORMALIZATION_FP32, "rtx171.island.txt"),
    ],
)
def test_an_example_of_rtx_is_in_its_layers(cause: Cause, file: str) -> None:
    layers = (DATA / "layers" / file).read_text()
    words = [w.strip(",:") for w in example(cause).split()]
    names = [w for w in words if "_myl" in w or w.startswith("/")]
    assert names and all(name in layers for name in names)
