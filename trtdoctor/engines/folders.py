"""Folders in the place of engines: the engines in them and in the folders below, and what is passed over.

What is wrong with a folder is an InputError, whose message names it and says what to do.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import open_regular
from trtdoctor.model.plural import count
from trtdoctor.readers.files.recognise import MAGICS

from .caches import MOST_ENGINES, CacheFolder, Pointed, read_names, what_else

MOST_FILES = 10_000
DEEPEST = 8

_SUFFIXES = (".engine", ".plan", ".trt")
# What providers of ONNX Runtime and builders keep beside an engine: it is read with it, or of no use.
_BESIDE = (".profile", ".timing", ".cache", ".trtdoctor.json", ".build.log.gz")


@dataclass(frozen=True, kw_only=True)
class Unfolded:
    """Engines, with those of each folder in its place.

    ``pointed`` are the context nodes of ONNX Runtime that stand for an engine, ``missing`` those whose
    engine is not there; ``notes`` has a sentence for each folder in which something was passed over.
    """

    paths: tuple[Path, ...]
    pointed: dict[Path, tuple[Pointed, ...]] = field(default_factory=dict)
    missing: tuple[Pointed, ...] = ()
    notes: tuple[str, ...] = ()


def unfold(paths: Sequence[Path]) -> Unfolded:
    """Put the engines of each folder in its place, sorted by path.

    Raises:
        InputError: a folder cannot be read, is too large, or holds no engine.
    """
    found: list[Path] = []
    pointed: dict[Path, tuple[Pointed, ...]] = {}
    missing: list[Pointed] = []
    notes: list[str] = []
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - no name is too long for it
            found.append(path)
            continue
        walk = _Walk(path)
        folders = list(walk.folders())
        engines = sorted({engine for folder in folders for engine in folder.engines})
        lost = [each for folder in folders for each in folder.missing]
        if not engines and not lost:
            raise InputError(f"{path} is a folder without an engine; {what_else(walk.names)}")
        if len(engines) > MOST_ENGINES:
            raise _too_many(path)
        found += engines
        missing += lost
        for folder in folders:
            pointed |= folder.pointed
        if walk.passed:
            notes.append(f"{path}: {count(len(engines), 'engine')}; passed over {walk.told()}")
    return Unfolded(paths=tuple(found), pointed=pointed, missing=tuple(missing), notes=tuple(notes))


class _Walk:
    """Goes through a folder and those below it, and counts what it passes over, by why."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._files = 0
        self.names: list[str] = []
        self.passed: Counter[tuple[str, str]] = Counter()

    def folders(self) -> Iterator[CacheFolder]:
        """The engines of each folder."""
        waiting = [(self._top, 0)]
        while waiting:
            folder, depth = waiting.pop()
            files, below = self._listed(folder)
            self.names += files
            told = read_names(folder, files, [name for name in files if _is_engine(folder / name)])
            known = {path.name for path in told.engines if path.parent == folder}
            models = {each.model.name for each in (*told.missing, *_all(told.pointed))}
            for name in set(files) - known - models:
                self._pass_over(name)
            yield told
            if depth < DEEPEST:
                waiting += [(folder / name, depth + 1) for name in sorted(below, reverse=True)]
            else:
                self.passed["folder", f"deeper than {DEEPEST} levels"] += len(below)

    def told(self) -> str:
        """What was passed over, in words."""
        parts = [
            f"{count(number, noun)} {why}".rstrip()
            for (noun, why), number in sorted(self.passed.items())
        ]
        return " and ".join((", ".join(parts[:-1]), parts[-1]) if len(parts) > 1 else parts)

    def _listed(self, folder: Path) -> tuple[list[str], list[str]]:
        """The names of the files in a folder, and of the folders."""
        files, below = [], []
        try:
            with os.scandir(folder) as entries:
                for entry in islice(entries, MOST_FILES + 1 - self._files):
                    self._files += 1
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
                    elif entry.is_dir():
                        self.passed["link", "to a folder"] += 1
                    else:
                        files.append(entry.name)
        except OSError as error:
            if folder == self._top:
                raise InputError(
                    f"cannot read the folder {folder}: {error.strerror or error}"
                ) from None
            self.passed["folder", f"that cannot be read ({error.strerror or error})"] += 1
        if self._files > MOST_FILES:
            raise _too_many(self._top)
        return files, below

    def _pass_over(self, name: str) -> None:
        if name.endswith(".onnx"):
            self.passed["ONNX model", ""] += 1
        elif not name.endswith(_BESIDE):
            self.passed["file", "without an engine in it"] += 1


def _too_many(folder: Path) -> InputError:
    return InputError(
        f"{folder} holds more files than are read at once; give the engines that are meant"
    )


def _all(pointed: dict[Path, tuple[Pointed, ...]]) -> Iterator[Pointed]:
    for several in pointed.values():
        yield from several


def _is_engine(path: Path) -> bool:
    """By its name, or by how it begins."""
    if path.name.endswith(_SUFFIXES):
        return True
    try:
        with open_regular(path) as file:
            return file.read(4) in MAGICS
    except OSError:
        return False
