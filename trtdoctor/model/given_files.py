"""The one door for files that a user names: regular files alone, and no more bytes than are of use.

A pipe or a device may never end and may act when it is opened, and a file without content may claim
any size; so what is opened is looked at first, and what is read whole has a limit.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_PIECE = 1 << 20


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading, unbuffered; never waits for a pipe's other end.

    Raises:
        OSError: it cannot be opened, or is no regular file; ``strerror`` says which.
    """
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        yield file


def read_whole(path: Path, *, most: int) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger; ``strerror`` says which.
    """
    with open_regular(path) as file:
        too_large = OSError(errno.EFBIG, f"it is larger than {most >> 20:,} MiB", str(path))
        if os.fstat(file.fileno()).st_size > most:
            raise too_large
        # The size is no promise: a file can grow, and those of /proc say 0.
        pieces, size = [], 0
        while piece := file.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise too_large
    return b"".join(pieces)
