"""What was measured of a model, kept in a file, so that a run whose time was over goes on later."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from ...model.codec import write_atomically
from ...model.errors import InputError
from ...model.given_files import read_whole
from .sensitivity import Sensitivity

_LARGEST = 256 << 20


class _Kept(msgspec.Struct, frozen=True):
    """``key`` tells of what: the model, the samples, the type and the backend."""

    key: str
    found: dict[str, Sensitivity]


def key_of(model: Any, samples: Sequence[Mapping[str, Any]], *words: str) -> str:
    """What the measurements of a file are good for, and nothing else is."""
    digest = hashlib.sha256()
    for tensor in model.graph.initializer:
        digest.update(tensor.name.encode("utf-8", "replace"))
        digest.update(tensor.raw_data)
        digest.update(repr(tensor.float_data[:64]).encode())
    for node in model.graph.node:
        digest.update(node.SerializeToString(deterministic=True))
    numpy = import_module("numpy")
    for name, value in sorted(samples[0].items()) if samples else ():
        digest.update(name.encode("utf-8", "replace"))
        digest.update(numpy.ascontiguousarray(value).tobytes())
    digest.update("\0".join(words).encode())
    return digest.hexdigest()


def load(path: Path, key: str) -> dict[int, Sensitivity]:
    """What a file holds; nothing where it is not there yet.

    Raises:
        InputError: it is of something else, or cannot be read.
    """
    if not path.exists():
        return {}
    try:
        kept = msgspec.msgpack.decode(read_whole(path, most=_LARGEST), type=_Kept)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except msgspec.DecodeError:
        raise InputError(
            f"{path} holds no measurements of a plan; name another file with --resume"
        ) from None
    if kept.key != key:
        raise InputError(
            f"{path} holds measurements of another model, of other inputs or of another type; name "
            "another file with --resume"
        )
    return {int(index): each for index, each in kept.found.items()}


def save(path: Path, key: str, found: Mapping[int, Sensitivity]) -> None:
    """Write what was measured; what was there is replaced in one step.

    Raises:
        InputError: it cannot be written.
    """
    kept = _Kept(key=key, found={str(index): each for index, each in found.items()})
    try:
        write_atomically(path, msgspec.msgpack.encode(kept))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
