from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.diagnosis.discover import Catalogue, discover


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real engines and logs that lies beside a checkout, where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no shared corpus beside this checkout")
    return folder
