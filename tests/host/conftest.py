"""Drivers that only count, for children that talk to CUDA's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FAKES = Path(__file__).parent / "fakecuda"


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a libcuda and an NVML of an imagined GPU."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("drivers")
    for source, name in (("fakecuda.c", "libcuda.so.1"), ("fakenvml.c", "libnvidia-ml.so.1")):
        command = [compiler, "-shared", "-fPIC", "-w", "-o", str(folder / name)]
        subprocess.run([*command, str(FAKES / source)], check=True)
    return folder
