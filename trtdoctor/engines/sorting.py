"""Files in any order: which of them is the engine, the log, the model, by what is in them.

What cannot be sorted is an InputError or a UsageError, whose message names the files and says what to
do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.watch import UNHURRIED, Watch
from trtdoctor.readers.plan import identify

from .misplaced import Place, place_of

MOST_FILES = 1000
_MOST_NAMED = 5
EXPLAINS = (
    "explain reads an engine, the log of its build, its ONNX model, its layers, times and what AutoCast "
    "printed"
)
# What nothing follows from without one of the others.
_ALONE = (Place.PROFILE, Place.TIMES, Place.AUTOCAST)
_EXPLAINED = (Place.ENGINE, Place.LOG, Place.ONNX, Place.LAYERS, *_ALONE)
_PLURALS = {
    Place.ENGINE: "engines",
    Place.LOG: "build logs",
    Place.ONNX: "ONNX models",
    Place.LAYERS: "lists of layers",
    Place.PROFILE: "profiles of layers' times",
    Place.TIMES: "times of whole inferences",
    Place.AUTOCAST: "logs of AutoCast",
}


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Files by what they are; logs in the order in which they were given.

    ``chosen`` are those that were found in a folder.
    """

    engine: Path | None = None
    logs: tuple[Path, ...] = ()
    onnx: Path | None = None
    layers: Path | None = None
    profile: Path | None = None
    times: Path | None = None
    autocast: Path | None = None
    chosen: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        single = (
            self.engine,
            self.onnx,
            self.layers,
            self.profile,
            self.times,
            self.autocast,
        )
        return (*(path for path in single if path is not None), *self.logs)


@dataclass(frozen=True, kw_only=True)
class SortedEngines:
    """Engines, and what belongs beside one."""

    engines: tuple[Path, ...] = ()
    layers: Path | None = None
    profile: Path | None = None
    times: Path | None = None


def sort_explained(
    paths: Sequence[Path],
    options: Mapping[Place, Sequence[Path]],
    *,
    watch: Watch = UNHURRIED,
) -> Sorted:
    """Sort what was given to be explained.

    Args:
        paths: files by what they are, and folders of such files.
        options: files that an option says what they are; of a log the first one counts.
        watch: how long folders are looked through.

    Raises:
        InputError: if a file is nothing of these, or a folder holds several of one kind.
        UsageError: if there are two of what there can only be one.
    """
    sorting = _Sorting({place: list(given) for place, given in options.items() if given})
    folders = [path for path in paths if os.path.isdir(path)]  # noqa: PTH112 - no name is too long
    for path in paths:
        if path not in folders:
            sorting.add(path, place_of(path))
    sorting.settle()
    chosen: list[Path] = []
    for folder in folders:
        chosen += sorting.look_into(folder, watch)
    sorting.check_alone()
    by = sorting.by
    return Sorted(
        engine=_first(by, Place.ENGINE),
        logs=tuple(by.get(Place.LOG, ())),
        onnx=_first(by, Place.ONNX),
        layers=_first(by, Place.LAYERS),
        profile=_first(by, Place.PROFILE),
        times=_first(by, Place.TIMES),
        autocast=_first(by, Place.AUTOCAST),
        chosen=tuple(chosen),
    )


def sort_inspected(
    paths: Sequence[Path], layers: Path | None, profile: Path | None, times: Path | None
) -> SortedEngines:
    """Sort what was given to be inspected: layers, profiles and times among engines.

    Everything else is left among the engines, of which it is told what it is.

    Raises:
        UsageError: if there are two of what there can only be one.
    """
    options = {Place.LAYERS: layers, Place.PROFILE: profile, Place.TIMES: times}
    by = {place: [path] for place, path in options.items() if path is not None}
    engines: list[Path] = []
    for path in paths:
        place = place_of(path)
        if place is Place.LOG:
            # It lists the engine's layers too.
            place = Place.LAYERS
        if place not in options:
            engines.append(path)
        elif place is not None:
            by.setdefault(place, []).append(path)
    for place, given in by.items():
        _one(place, given)
        if not engines and Place.LAYERS not in by:
            raise UsageError(
                f"{given[0]} is {place.words}, which says nothing alone; give the engine or its layers too"
            )
    return SortedEngines(
        engines=tuple(engines),
        layers=_first(by, Place.LAYERS),
        profile=_first(by, Place.PROFILE),
        times=_first(by, Place.TIMES),
    )


@dataclass
class _Sorting:
    by: dict[Place, list[Path]]
    unknown: list[Path] = field(default_factory=list)

    def add(self, path: Path, place: Place | None) -> None:
        if place is None:
            self.unknown.append(path)
        elif place not in _EXPLAINED:
            raise InputError(
                f"{path} is {place.words}, from which nothing is explained: give it {place.way}"
            )
        else:
            self.by.setdefault(place, []).append(path)

    def settle(self) -> None:
        """Check that there is one of each, and take what nobody knows for the engine that is missing."""
        if len(self.unknown) == 1 and Place.ENGINE not in self.by:
            # It may be a damaged one, and who reads it says what is wrong with it.
            self.by[Place.ENGINE] = [self.unknown.pop()]
        if self.unknown:
            raise InputError(f"{self.unknown[0]}: {_what(self.unknown[0])} {EXPLAINS}")
        for place, given in self.by.items():
            if place is not Place.LOG:
                _one(place, given)

    def look_into(self, folder: Path, watch: Watch) -> list[Path]:
        """Take from a folder what was not given by name.

        Returns:
            What was taken.
        """
        found: dict[Place, list[Path]] = {}
        for path in _files(folder):
            if watch.left() <= 0.0:
                raise InputError(
                    f"there was no time to look through {folder} (--deadline): name the files in it"
                )
            place = place_of(path)
            if place in _EXPLAINED and place is not None:
                found.setdefault(place, []).append(path)
        if not found:
            raise InputError(
                f"{folder} is a folder with nothing in it that can be explained; {EXPLAINS}"
            )
        taken: list[Path] = []
        for place, paths in found.items():
            if place in self.by:
                continue
            if place is Place.LOG and len(paths) > 1:
                paths = _own_log(paths, found.get(Place.ENGINE) or self.by.get(Place.ENGINE) or [])
            if len(paths) > 1:
                names = _listed([Path(path.name) for path in paths])
                raise InputError(
                    f"{folder} holds {len(paths)} {_PLURALS[place]} ({names}): give those that are meant"
                )
            self.by[place] = paths
            taken += paths
        return taken

    def check_alone(self) -> None:
        kinds = set(self.by)
        if kinds and kinds <= set(_ALONE):
            place, (path, *_) = next(iter(self.by.items()))
            raise UsageError(
                f"{path} is {place.words}, which explains nothing alone; give the engine, the log of its "
                "build, its layers or its ONNX model too"
            )


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [
                Path(entry.path) for entry in islice(entries, MOST_FILES + 1) if entry.is_file()
            ]
    except OSError as error:
        raise InputError(f"cannot read the folder {folder}: {error.strerror or error}") from None
    if len(found) > MOST_FILES:
        raise InputError(f"{folder} holds more than {MOST_FILES} files: give those that are meant")
    return sorted(found)


def _own_log(logs: list[Path], engines: Sequence[Path]) -> list[Path]:
    """The log that bears the engine's name, where one alone does."""
    own = [log for log in logs if any(log.name.startswith(engine.name) for engine in engines)]
    return own if len(own) == 1 else logs


def _one(place: Place, given: Sequence[Path]) -> None:
    if len(given) < 2:
        return
    engines = place is Place.ENGINE and len(given) == 2
    instead = "`trtdoctor compare` takes two" if engines else "give the one that is meant"
    raise UsageError(f"{_listed(given)} are {len(given)} {_PLURALS[place]}: {instead}")


def _listed(paths: Sequence[Path]) -> str:
    names = [str(path) for path in paths[:_MOST_NAMED]]
    if len(paths) > _MOST_NAMED:
        names.append(f"{len(paths) - _MOST_NAMED} more")
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _first(by: Mapping[Place, Sequence[Path]], place: Place) -> Path | None:
    return next(iter(by.get(place, ())), None)


def _what(path: Path) -> str:
    try:
        return identify(path).what or ""
    except OSError as error:
        return f"it cannot be read ({error.strerror or error});"
