"""``trtdoctor why`` and ``trtdoctor list`` know the causes."""

from __future__ import annotations

import pytest

from trtdoctor.cli.app import run
from trtdoctor.knowledge import CAUSE_SECTIONS
from trtdoctor.model.cause import Cause


@pytest.mark.parametrize("cause", list(Cause), ids=lambda c: c.value)
def test_every_cause_is_explained(cause: Cause, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", cause.value]) == 0
    page = capsys.readouterr().out
    assert f"{cause.value} (a cause" in page
    for heading in (*(h for h, _ in CAUSE_SECTIONS), "Example", "References"):
        assert f"\n{heading}\n  " in page


def test_all_causes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "causes"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:]] == [c.value for c in Cause]


def test_a_name_that_a_check_and_a_cause_share_shows_both(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["why", "hardware-no-fast-fp16"]) == 0
    out = capsys.readouterr().out
    assert "GPU002" in out and "(a cause" in out


def test_a_misspelt_cause_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "pined"]) == 2
    assert "pinned" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["35"], "cudaErrorInsufficientDriver"),
        (["CUDA_ERROR_SYSTEM_NOT_READY"], "Fabric Manager"),
        (["plan-truncated"], "shorter or longer than its own header"),
        (["exit-139"], "SIGSEGV"),
        (["CUDA", "error", "804"], "cuda-compat"),
        (["Failed to initialize NVML: Unknown Error"], "nvml-unknown-error"),
    ],
)
def test_an_error_is_explained_by_code_name_id_or_sentence(
    asked: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", *asked]) == 0
    out = capsys.readouterr().out
    assert says in out and "\n  next " in out
