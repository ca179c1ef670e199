"""Folders in which a TensorRT provider of ONNX Runtime keeps engines, and what lies beside each.

What is wrong with a file beside an engine is told as what disagrees with the engine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trtdoctor.model.given_files import open_regular, read_whole
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.ortcache import (
    CacheName,
    DimRange,
    EpContext,
    parse_name,
    read_cached_profile,
    read_contexts,
)
from trtdoctor.readers.ortcache.profile import MAX_BYTES

MOST_ENGINES = 500
MOST_CONTEXTS = 100

_HEAD = 4 << 20

_Ranges = dict[str, tuple[DimRange, ...] | None]


@dataclass(frozen=True, kw_only=True)
class Pointed:
    """One context node of one context model in the same folder."""

    model: Path
    context: EpContext


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What ONNX Runtime recorded of one engine.

    ``profile`` is where its shape ranges are or would be, ``ranges`` what it says, ``damage`` why it
    cannot be read; with neither, the file is not there. ``pointed`` are the context nodes that stand
    for the engine.
    """

    name: CacheName | None = None
    profile: Path | None = None
    ranges: _Ranges | None = None
    damage: str | None = None
    pointed: tuple[Pointed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CacheFolder:
    """The engines of one folder, and the context nodes whose engines are missing."""

    engines: tuple[Path, ...]
    pointed: dict[Path, tuple[Pointed, ...]]
    missing: tuple[Pointed, ...] = ()


def read_names(folder: Path, names: Sequence[str], engines: Sequence[str]) -> CacheFolder:
    """The engines that lie in a folder, not in folders in it, and those that its models name.

    Args:
        folder: where the files lie.
        names: of all files in it.
        engines: those of them that are engines.
    """
    pointed: dict[Path, tuple[Pointed, ...]] = {}
    missing: list[Pointed] = []
    for model in sorted(folder / name for name in names if name.endswith(".onnx")):
        for each in _contexts(model)[:MOST_CONTEXTS]:
            where = _engine_of(each)
            if where is None:
                continue
            if not os.path.exists(where):  # noqa: PTH110 - no name is too long for it
                missing += [each] if len(missing) < MOST_ENGINES else []
            elif where in pointed or len(pointed) < MOST_ENGINES:
                before = pointed.get(where, ())
                # What several nodes of one model say alike is said once.
                if each not in before and len(before) < MOST_CONTEXTS:
                    pointed[where] = (*before, each)
    found = sorted({*(folder / name for name in engines), *pointed})
    return CacheFolder(engines=tuple(found), pointed=pointed, missing=tuple(missing))


def what_else(names: Sequence[str]) -> str:
    """What the files in a folder without an engine are, and what to do."""
    if any(name.endswith(".engine.encrypted") for name in names):
        return "its engines are encrypted, and only ONNX Runtime can read them"
    if any(name.endswith((".timing", ".profile")) for name in names):
        return "ONNX Runtime keeps engines there only with the provider's option trt_engine_cache_enable"
    return "give an engine file, or a folder with engines in it"


def beside(engine: Path, pointed: tuple[Pointed, ...] = ()) -> Beside | None:
    """What ONNX Runtime recorded of an engine; None where no provider of it made the engine."""
    name = parse_name(engine.name)
    if name is None:
        return Beside(pointed=pointed) if pointed else None
    profile = engine.with_name(
        engine.name.removesuffix(".engine").removesuffix(".stripped") + ".profile"
    )
    ranges: _Ranges | None = None
    damage = None
    try:
        ranges = read_cached_profile(read_whole(profile, most=MAX_BYTES))
    except FileNotFoundError:
        pass
    except OSError as error:
        damage = error.strerror or str(error)
    except FormatError as error:
        damage = str(error).split(". ", 1)[0]
    return Beside(name=name, profile=profile, ranges=ranges, damage=damage, pointed=pointed)


def _contexts(model: Path) -> tuple[Pointed, ...]:
    try:
        with open_regular(model) as file:
            # The nodes are at the start of a model, before what they store.
            if b"EPContext" not in file.read(_HEAD):
                return ()
        return tuple(Pointed(model=model, context=each) for each in read_contexts(model))
    except (FormatError, OSError):
        # A model beside engines is not what was asked about, and need not be sound.
        return ()


def _engine_of(pointed: Pointed) -> Path | None:
    """Where the engine of a context node is; None where it may not be looked for."""
    context = pointed.context
    if context.embedded:
        return pointed.model
    told = PurePosixPath((context.engine or "").replace("\\", "/"))
    if not told.name or told.is_absolute() or ".." in told.parts or "\0" in str(told):
        # ONNX Runtime refuses such paths too.
        return None
    return pointed.model.parent / told
