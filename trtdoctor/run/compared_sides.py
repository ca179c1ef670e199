"""The two engines of a comparison as a user gives them: files, layers, saved reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from trtdoctor.model.build import Measurement
from trtdoctor.model.codec import LARGEST_REPORT, read_report
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.given_files import open_regular, read_whole

from .examinations import File

if TYPE_CHECKING:
    from trtdoctor.engines.given import EngineSources
    from trtdoctor.model.build import Measurement

Arrays: TypeAlias = "Mapping[str, Any]"
Runner: TypeAlias = "Callable[[Path, Sequence[Arrays]], Sequence[Arrays]]"
"""Runs an engine on samples, arrays by input, and gives its outputs for each."""
Timer: TypeAlias = "Callable[[Sequence[Path]], tuple[Measurement, ...] | str]"
"""Times engines in turn, or says why it cannot."""

_HEAD = 1 << 12
_MARK = b"trtdoctor.report/"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two engines, and what belongs beside it.

    Attributes:
        file: The engine, its layers alone, or a report that was saved of it.
        layers: The engine inspector's output.
        profile: Times of its layers.
        times: Times of whole inferences.
        outputs: What it gave, ``.npz`` or Polygraphy's ``.json``.
    """

    file: File
    layers: File | None = None
    profile: File | None = None
    times: File | None = None
    outputs: File | None = None


@dataclass(frozen=True, kw_only=True)
class Comparing:
    """What a comparison is asked for.

    Attributes:
        onnx: The model that both were built from; it is run for a reference.
        inputs: What the outputs were made with.
        shapes: Shapes of inputs whose extents the model leaves open.
        backend: What runs the model; None for the quickest that is installed.
        budget: The signal to noise that outputs have to keep, in dB; None for the usual.
        run: Runs an engine on the inputs, where outputs do not come from files; it raises InputError
            where one cannot be run.
        time: Times engines in turn, or says why not; None where nothing is timed here.
    """

    onnx: File | None = None
    inputs: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    backend: str | None = None
    budget: float | None = None
    run: Runner | None = None
    time: Timer | None = None


def read_side(side: Side, letter: str, *, static: bool) -> EngineSources | EngineReport:
    """One engine's files, or what a saved report says of it.

    Raises:
        InputError: it is something else, or damaged.
        UsageError: layers or times are given beside a saved report.
    """
    from trtdoctor.engines.files import read_engines
    from trtdoctor.engines.misplaced import Place, in_place, place_of

    path = Path(side.file)
    if _is_report(path):
        return _saved(side, path, letter)
    place = place_of(path)
    if place is Place.ONNX:
        raise InputError(
            f"{path} is an ONNX model, and engines are compared: build it first with "
            f"`trtdoctor build {path} {path.stem}.engine`"
        )
    layers = None if side.layers is None else Path(side.layers)
    paths = [path]
    if place in (Place.LAYERS, Place.LOG) and layers is None:
        paths, layers = [], path
    elif place not in (None, Place.ENGINE):
        raise InputError(in_place(path, Place.ENGINE) or f"{path} is no engine")
    profile = None if side.profile is None else Path(side.profile)
    times = None if side.times is None else Path(side.times)
    (found,) = read_engines(paths, static=static, layers=layers, profile=profile, times=times)
    if found.unsound is not None:
        raise InputError(found.unsound)
    return found


def _is_report(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        # The reader of engines says what is wrong with it.
        return False


def _saved(side: Side, path: Path, letter: str) -> EngineReport:
    if side.layers is not None or side.profile is not None:
        raise UsageError(
            f"{path} is a saved report, which has its layers and their times already: leave out "
            f"--layers-{letter} and --profile-{letter}, or give the engine itself"
        )
    from trtdoctor.engines.files import read_measurement

    try:
        data = read_whole(path, most=LARGEST_REPORT)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    report = read_report(data, name=str(path))
    if not report.engines:
        raise InputError(
            f"{path} is a report of no engine; give an engine, or a report that "
            "`trtdoctor inspect ENGINE -o report.json` wrote"
        )
    if side.times is None:
        return report.engines[0]
    return msgspec.structs.replace(report.engines[0], measured=read_measurement(Path(side.times)))


def engine_file(side: Side, report: EngineReport) -> Path:
    """The engine of one side, to be run.

    Raises:
        InputError: only a list of its layers was given, or the engine that a saved report is of is not
            here, or has changed.
    """
    given = Path(side.file)
    if report.identity is None:
        raise InputError(f"{given} lists the layers of an engine and is none that can be run")
    path = Path(report.path)
    if path == given:
        return path
    try:
        size = path.stat().st_size
    except OSError:
        size = None
    if size is None or (report.size is not None and report.size != size):
        raise InputError(
            f"{given} is a report of {path}, which {'is not here' if size is None else 'has changed'}"
        )
    return path
