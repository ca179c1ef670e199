"""Opening a page in the user's browser, where there is one. It never ends a run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .streams import complain


def show_page(file: Path | None, render: Callable[[], str]) -> Path | None:
    """Open a page and say where it is, or why it is not shown.

    Args:
        file: The page that was written; None for none yet.
        render: Makes it then, for a temporary file.

    Returns:
        The temporary file, which only the user may read and which stays for the browser to read.
    """
    made = None
    if file is None:
        made = file = _kept(render())
        if file is None:
            return None
    where = file.absolute()
    if not _has_display():
        complain(f"trtdoctor: there is no display here to open the page on; it is in {where}")
    elif _opened(where):
        complain(f"trtdoctor: opened {where} in the browser")
    else:
        complain(f"trtdoctor: no browser could be started; the page is in {where}")
    return made


def _kept(text: str) -> Path | None:
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(
            prefix="trtdoctor-", suffix=".html", delete=False
        ) as target:
            target.write(text.encode("utf-8", "replace"))
    except OSError as error:
        complain(
            f"trtdoctor: --open found no place for a temporary file ({error.strerror}); name one "
            "with -o page.html"
        )
        return None
    return Path(target.name)


def _opened(where: Path) -> bool:
    import webbrowser

    try:
        with _stdout_kept():
            return webbrowser.open(where.as_uri())
    except (webbrowser.Error, OSError, ValueError):
        return False


@contextlib.contextmanager
def _stdout_kept() -> Iterator[None]:
    """What a browser chats goes to stderr: stdout holds the report, and may be read by a program."""
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def _has_display() -> bool:
    """Whether a browser could show a window; one that draws on the terminal is none to open unasked."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
