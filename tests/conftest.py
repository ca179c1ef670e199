from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue, discover

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).resolve().parents[2] / "shared"
FRAME = re.compile(
    r"(<style>|<script id=\"page-script\">|-Policy\" content=\")(.*?)(</style>|</script>|\">)", re.S
)
# Seconds of processor time: what grows linearly takes one or two, what does not takes hours.
RUNAWAY_S = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the goldens anew")


def pytest_configure() -> None:
    # A user has no corpus, and tests that need it skip. Where all tests are meant to run, skipping
    # would hide that they did not.
    expected = os.environ.get("CI") == "true" and not os.environ.get("TRTDOCTOR_NO_CORPUS")
    if expected and not (SHARED / "corpus").is_dir():
        raise pytest.UsageError(
            f"the corpus of real engines and logs is not in {SHARED / 'corpus'}, and CI=true says "
            "that all tests must run; set TRTDOCTOR_NO_CORPUS=1 to skip those that need it"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Measured, they would take twice as long, and they walk the same lines again and again.
    if config.pluginmanager.hasplugin("pytest_cov"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker("no_cover")


@pytest.fixture
def runaway() -> Iterator[None]:
    """Fails a test whose work has no bound, by processor time: a busy machine changes nothing."""

    def stop(number: int, frame: object) -> None:
        pytest.fail(f"still at work after {RUNAWAY_S} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, RUNAWAY_S)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with a golden file, or writes it with --update-golden."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if name.endswith(".html"):
            # The same style, script and policy in every page, which would hide what differs.
            text = FRAME.sub(r"\1...\3", text)
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
    if not SHARED.is_dir():
        pytest.skip("no shared corpus beside this checkout")
    return SHARED
