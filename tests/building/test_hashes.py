"""Whether a file still is the one that it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from trtdoctor.builder.hashes import WHOLE, hash_file, is_still


def test_a_small_file_is_hashed_whole(tmp_path: Path) -> None:
    file = tmp_path / "e.engine"
    file.write_bytes(b"engine" * 1000)
    found = hash_file(file, "e.engine")
    assert (found.path, found.size) == ("e.engine", 6000)
    assert found.sha256 == hashlib.sha256(b"engine" * 1000).hexdigest()
    assert hash_file(file).path == str(file)
    assert is_still(file, found)
    file.write_bytes(b"engine" * 999 + b"engins")
    assert not is_still(file, found)
    file.write_bytes(b"engine")
    assert not is_still(file, found)


def test_of_a_large_file_samples_are_hashed(tmp_path: Path) -> None:
    file = tmp_path / "large.engine"
    with file.open("wb") as stream:
        stream.truncate(WHOLE + 1)
    found = hash_file(file)
    assert found.sha256.startswith("sampled:") and found.size == WHOLE + 1
    assert is_still(file, found)
    for place in (0, WHOLE):
        with file.open("r+b") as stream:
            stream.seek(place)
            stream.write(b"x")
        assert not is_still(file, found), place
        with file.open("r+b") as stream:
            stream.seek(place)
            stream.write(b"\0")
    assert is_still(file, found)
    with file.open("r+b") as stream:
        stream.truncate(WHOLE + 2)
    assert not is_still(file, found)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        hash_file(tmp_path / "absent")
    file = tmp_path / "gone"
    file.write_bytes(b"x")
    found = hash_file(file)
    file.unlink()
    with pytest.raises(OSError, match="gone"):
        is_still(file, found)
