"""The program's own input and output, made usable whatever the caller did with them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import threading

_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF)

# What takes less shows no progress.
_AT_ONCE_SECONDS = 1.0
_CLEAR = "\r\x1b[K"


def prepare() -> None:
    """Give closed standard streams to nobody, and let a poor encoding cost characters, not the run."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Or the next file opened would be taken for the stream; the lowest free number is given.
            _open_nothing()
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  it is the stream
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  it is the stream
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _open_nothing() -> None:
    try:
        os.open(os.devnull, os.O_RDWR)
    except OSError:
        if not hasattr(os, "memfd_create"):
            raise
        # Where there is no /dev/null, as in some chroots: an empty file that nobody else has.
        os.memfd_create("nothing")


def output_was_lost(error: OSError) -> bool:
    """Whether this is what writing to a full, broken or closed stream raises."""
    return error.filename is None and error.errno in _LOST


def discard_output() -> None:
    """Let nothing more be written to stdout, so that Python does not complain when it shuts down."""
    _to_nowhere(1)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()


class Progress:
    """What is being done, on one line of the terminal that is written over; for all over a second."""

    def __init__(self) -> None:
        self._text = ""
        self._begun = False
        self._lock = threading.Lock()
        timer = threading.Timer(_AT_ONCE_SECONDS, self._begin)
        timer.daemon = True
        timer.start()

    def __call__(self, text: str) -> None:
        """Show what is being done now; empty clears the line."""
        with self._lock:
            self._text = text
            if self._begun:
                self._write()

    def _begin(self) -> None:
        with self._lock:
            self._begun = True
            if self._text:
                self._write()

    def _write(self) -> None:
        from trtdoctor.render.common import one_line

        columns = shutil.get_terminal_size().columns
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{_CLEAR}{one_line(self._text)[: columns - 1]}")
            sys.stderr.flush()


def complain(text: str) -> None:
    """One line on stderr, without anything that a terminal would obey."""
    from trtdoctor.render.common import one_line

    try:
        clear = _CLEAR if sys.stderr.isatty() else ""
        print(f"{clear}{one_line(text)}", file=sys.stderr, flush=True)
    except OSError:
        _to_nowhere(2)


def _to_nowhere(number: int) -> None:
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
