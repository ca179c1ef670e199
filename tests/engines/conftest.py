"""explain as a person runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.cli.app import run

pytest.importorskip("numpy")
Told = tuple[int, str, str]


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Runs explain; the exit code, stdout and stderr."""

    def explained(*arguments: str | Path) -> Told:
        code = run(["explain", *map(str, arguments), "--no-live"])
        out, err = capsys.readouterr()
        return code, out, err

    return explained


@pytest.fixture
def document(explain: Callable[..., Told]) -> Callable[..., dict[str, Any]]:
    """The one engine of explain's JSON."""

    def engine(*arguments: str | Path) -> dict[str, Any]:
        code, out, err = explain(*arguments, "--format", "json")
        assert code in (0, 1, 3), err
        (found,) = json.loads(out)["engines"]
        return dict(found)

    return engine


@pytest.fixture
def causes(document: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, str]]:
    """The first cause of every explained layer."""
    return lambda *arguments: {e["layer"]: e["cause"] for e in document(*arguments)["explanations"]}
