"""TensorRT wheels really installed into fresh environments, and what the probes say of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host
from trtdoctor.host.live import LiveBackend
from trtdoctor.model.report import FactStatus
from trtdoctor.probes import PROBES, choose
from trtdoctor.reporting.collect import Collection

pytestmark = [pytest.mark.install, pytest.mark.slow]


def facts_with(folder: Path, package: str) -> dict[str, Any]:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin/python")
    installed = subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
    if installed.returncode != 0:
        pytest.skip(f"{package} cannot be installed here")
    host = Host(LiveBackend())
    host.target = choose(host, python)
    return Collection(host, PROBES, active=False).finish(budget=45).facts


def test_bindings_alone(tmp_path: Path) -> None:
    seen = facts_with(tmp_path / "venv", "tensorrt-cu13-bindings")
    (install,) = seen["tensorrt.installs"].value["installs"]
    assert (install["product"], install["cuda_major"]) == ("tensorrt", 13)
    assert not install["libraries"]
    (module,) = seen["tensorrt.imports"].value["modules"]
    assert module["module"] == "tensorrt_bindings"
    assert module["attempt"]["ending"] == "exception"
    assert "ImportError: libnvonnxparser.so" in module["attempt"]["detail"]
    (bindings,) = seen["tensorrt.libraries"].value["libraries"]
    missing = {need["soname"].partition(".")[0] for need in bindings["needs"] if not need["found"]}
    assert missing == {"libnvinfer", "libnvinfer_plugin", "libnvonnxparser"}


def test_tensorrt_rtx(tmp_path: Path) -> None:
    seen = facts_with(tmp_path / "venv", "tensorrt-rtx")
    (install,) = seen["tensorrt.installs"].value["installs"]
    assert install["product"] == "tensorrt-rtx"
    (module,) = seen["tensorrt.imports"].value["modules"]
    assert module["attempt"]["ending"] == "returned"
    assert module["version"] == module["library_version"] == install["version"]
    assert module["has_builder"] and list(module["precision_flags"]) == []
    assert seen["tensorrt.builders"].status is FactStatus.NOT_RUN
