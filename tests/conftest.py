from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue, discover

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the goldens anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with a golden file, or writes it with --update-golden."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
            return
        assert file.is_file(), f"no golden {name}: run pytest --update-golden and read it"
        expected = file.read_text("utf-8")
        assert text == expected, f"{name} differs: run pytest --update-golden and read the diff"

    return compare


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
