"""Logs that TensorRT wrote, and what loggers make of them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from trtdoctor.readers.buildlog import BuildLog, parse_build_log

DATA = Path(__file__).parents[2] / "data" / "buildlog"


@pytest.fixture
def text() -> Callable[[str], str]:
    """The unpacked text of a log by name."""
    return lambda name: gzip.decompress((DATA / f"{name}.log.gz").read_bytes()).decode()


@pytest.fixture
def parse() -> Callable[..., BuildLog]:
    """Parse a text or bytes."""

    def parsed(content: str | bytes, *, build: int | None = None) -> BuildLog:
        data = content.encode() if isinstance(content, str) else content
        return parse_build_log(io.BytesIO(data), build=build)

    return parsed
