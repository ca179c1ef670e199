"""Whether a file still is the one that it was: its size and hash.

Of a large file samples are hashed, spread over all of it: an engine that is built again differs all
over, and reading ten gigabytes to tell so would take longer than anybody waits.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from trtdoctor.model.build import FileHash
from trtdoctor.model.given_files import open_regular

WHOLE = 64 << 20
"""Bytes up to which all of a file is hashed."""

_PIECE = 64 << 10
_PIECES = 256
_SAMPLED = "sampled:"


def hash_file(path: Path, name: str | None = None) -> FileHash:
    """A file's size and hash; that of a large one begins with ``sampled:``.

    Args:
        path: the file.
        name: what the record calls it; None for its path.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256()
        if size <= WHOLE:
            while block := file.read(1 << 20):
                digest.update(block)
            return FileHash(path=name or str(path), size=size, sha256=digest.hexdigest())
        digest.update(str(size).encode())
        for number in range(_PIECES):
            file.seek((size - _PIECE) * number // (_PIECES - 1))
            digest.update(file.read(_PIECE))
    return FileHash(path=name or str(path), size=size, sha256=_SAMPLED + digest.hexdigest())


def is_still(path: Path, was: FileHash) -> bool:
    """Whether the file is the one that was hashed.

    Raises:
        OSError: it cannot be read.
    """
    if path.stat().st_size != was.size:
        return False
    return hash_file(path).sha256 == was.sha256
