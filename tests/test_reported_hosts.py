"""Machines put together from public reports: each gives the finding of its cause first and alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trtdoctor.cli.app import run

CAUSES = {
    "ort-pip-tensorrt-not-on-loader-path": "FRW003",
    "ort-without-tensorrt": "TRT001",
    "gtx-1080-without-tensorrt": "TRT001",
    "torch-tensorrt-for-another-torch": "FRW004",
    "jetson-r36-container-on-r35-host": "CTR006",
    "jetson-container-without-nvidia-runtime": "CTR001",
    "jetson-pyenv-3-11-sees-no-bindings": "PYE004",
    "docker-lost-gpu-after-daemon-reload": "CTR004",
    "wsl-docker-driver-555-old-toolkit": "CTR005",
    "frigate-trt-of-cuda-12-1-on-driver-525": "DRV006",
}
HEALTHY = ("dgx-spark-tensorrt-10-14", "healthy-orin-jetpack-7-2", "healthy-thor-jetpack-7-1")


def looked_at(
    shared: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[dict[str, object]]]:
    folder = shared / "corpus" / "hosts" / name
    if not folder.is_dir():
        pytest.skip(f"no recording of {name} in the corpus")
    code = run(["check", "--host", str(folder), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)["outcomes"]


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_found_and_nothing_else(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, outcomes = looked_at(shared, name, capsys)
    errors = [o["check"]["id"] for o in outcomes if o["findings"] and grave(o, "error")]
    assert errors == [CAUSES[name]]
    assert code == 1


@pytest.mark.parametrize("name", HEALTHY)
def test_a_machine_without_fault_is_healthy(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, outcomes = looked_at(shared, name, capsys)
    assert not [o["check"]["id"] for o in outcomes if o["findings"] and grave(o, "warning")]
    assert code == 0


def grave(outcome: dict[str, object], least: str) -> bool:
    ranks = ("info", "warning", "error")
    return ranks.index(outcome["check"]["severity"]) >= ranks.index(least)
