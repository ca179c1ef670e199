"""Logs that TensorRT wrote, solved."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from trtdoctor.knowledge import Knowledge
from trtdoctor.precision.log import Analysis, LayerReasons, analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import Build, parse_build_log

KNOWLEDGE = Knowledge.load()
DATA = Path(__file__).parents[2] / "data" / "buildlog"
pytest.importorskip("numpy")


@pytest.fixture
def text() -> Callable[[str], str]:
    """The unpacked text of a log by name."""
    return lambda name: gzip.decompress((DATA / f"{name}.log.gz").read_bytes()).decode()


@pytest.fixture
def solve() -> Callable[[str], tuple[Build, Analysis]]:
    """The build of a log's text, and what solving it tells."""

    def solved(content: str) -> tuple[Build, Analysis]:
        build = parse_build_log(io.BytesIO(content.encode())).build
        analysis = analyse(build, build.chosen[0])
        assert analysis is not None
        return build, analysis

    return solved


@pytest.fixture
def explain(solve) -> Callable[[str], dict[str, LayerReasons]]:
    """The reasons for each layer that is not FP16."""

    def explained(content: str) -> dict[str, LayerReasons]:
        build, analysis = solve(content)
        return {
            r.layer: r
            for r in causes_of(
                build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
            )
        }

    return explained
