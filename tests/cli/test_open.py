"""``--open``: the page in a browser, or where it is; never the end of a run."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "report-sick.0.json"


def show(*words: str, **variables: str) -> tuple[str, str]:
    """What ``report show --open`` prints on stdout and stderr; its exit code must be 0."""
    hidden = {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "trtdoctor", "report", "show", str(GOLDEN)),
            *("--open", "--format", "json", *words),
        ],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "check"
    return done.stdout, done.stderr


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser of the tests' own: it writes down what it was given, and chats."""
    made = tmp_path / "browser"
    made.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/opened"\necho chatter\n')
    made.chmod(0o755)
    return made


def test_the_first_page_that_was_written_is_opened(browser: Path, tmp_path: Path) -> None:
    page = tmp_path / "a page.html"
    files = [tmp_path / "r.md", page, tmp_path / "other.html"]
    words = (word for file in files for word in ("-o", str(file)))
    out, err = show(*words, BROWSER=f"{browser} %s")
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()
    assert f"opened {page} in the browser" in err
    # What a browser says does not end up in the report.
    assert "chatter" in err and "chatter" not in out


def test_without_a_page_a_temporary_one_is_made_for_the_user_alone(
    browser: Path, tmp_path: Path
) -> None:
    show("--no-share", BROWSER=f"{browser} %s", TMPDIR=str(tmp_path))
    (page,) = tmp_path.glob("trtdoctor-*.html")
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()
    assert page.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a display so")
def test_without_a_display_the_place_is_told(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    _, err = show("-o", str(page))
    assert f"there is no display here to open the page on; it is in {page}" in err


@pytest.mark.parametrize("browser", ["/nonexistent/browser %s", "false %s"])
def test_a_browser_that_does_not_start_ends_nothing(browser: str, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    empty = tmp_path / "empty"
    empty.mkdir()
    _, err = show("-o", str(page), BROWSER=browser, PATH=str(empty))
    assert f"no browser could be started; the page is in {page}" in err
