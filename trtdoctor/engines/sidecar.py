"""What ``trtdoctor build`` wrote beside an engine, and whether it still is that engine's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from trtdoctor.builder.hashes import is_still
from trtdoctor.model.build import FileHash
from trtdoctor.model.codec import LARGEST_REPORT, read_report
from trtdoctor.model.engine import EngineReport, LayersSource, Precision, Role
from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.recorded import Disagreement
from trtdoctor.readers.layers import Dialect, LayersFile, Verbosity
from trtdoctor.readers.profile import LayerTime, Profile

SUFFIX, LOG_SUFFIX = ".trtdoctor.json", ".build.log.gz"


@dataclass(frozen=True, kw_only=True)
class SideCar:
    """What was recorded of an engine's build.

    Attributes:
        path: The file.
        engine: What its report says of the engine; None where it is another engine's by now.
        log: The build's verbose log, where it is there and still is the one.
        model: The ONNX model that was built, likewise.
        notes: What is stale or missing, a sentence each.
        compared: What still is as it was recorded.
        disagrees: What is not.
    """

    path: Path
    engine: EngineReport | None = None
    log: Path | None = None
    model: Path | None = None
    notes: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    disagrees: tuple[Disagreement, ...] = ()

    @property
    def layers(self) -> LayersFile | None:
        """The layers that the engine's inspector told there; None where it was not asked."""
        if self.engine is None or self.engine.layers_source not in (
            LayersSource.LIVE,
            LayersSource.LAYERS_FILE,
        ):
            return None
        identity = self.engine.identity
        rtx = identity is not None and identity.product == "tensorrt-rtx"
        return LayersFile(
            # As they were read: what they compute in is judged anew.
            layers=tuple(
                msgspec.structs.replace(
                    layer,
                    precision=Precision.UNKNOWN,
                    precision_confidence=None,
                    precision_evidence=(),
                    role=Role.COMPUTE,
                    time_ms=None,
                )
                for layer in self.engine.layers
            ),
            dialect=Dialect.INSPECTOR_JSON_11 if rtx else Dialect.INSPECTOR_JSON,
            verbosity=Verbosity.DETAILED,
        )

    @property
    def profile(self) -> Profile | None:
        """The layers' times that were measured there."""
        if self.engine is None:
            return None
        times = tuple(
            LayerTime(name=layer.name, ms=layer.time_ms)
            for layer in self.engine.layers
            if layer.time_ms is not None
        )
        return Profile(times=times) if times else None


def side_car_path(engine: Path) -> Path:
    """Where the side-car of an engine lies."""
    return engine.with_name(engine.name + SUFFIX)


def log_path(engine: Path) -> Path:
    """Where the log of an engine's build lies."""
    return engine.with_name(engine.name + LOG_SUFFIX)


def find_side_car(engine: Path) -> SideCar | None:
    """The side-car of an engine; None where there is none.

    One that cannot be read, or is another engine's by now, has notes and nothing else.
    """
    path = side_car_path(engine)
    try:
        if not path.is_file():
            return None
        report = read_report(read_whole(path, most=LARGEST_REPORT), name=str(path))
    except InputError as error:
        return SideCar(path=path, notes=(f"the record of its build is not used: {error}",))
    except OSError as error:
        note = f"the record of its build, {path.name}, cannot be read: {error.strerror}"
        return SideCar(path=path, notes=(note,))
    told = next((engine for engine in report.engines if engine.build is not None), None)
    if told is None or told.build is None:
        note = f"{path.name} is not a record of a build, so it is not used"
        return SideCar(path=path, notes=(note,))
    record = told.build
    try:
        same = is_still(engine, record.engine)
    except OSError:
        # What is wrong with the engine is told where it is read.
        return None
    if not same:
        note = (
            f"{path.name} is stale: it is of an engine that was built on {_when(record.started)}, and "
            "this file is another by now; so nothing of it is used"
        )
        return SideCar(
            path=path,
            notes=(note,),
            disagrees=(
                _changed("the engine", f"one that was built on {_when(record.started)}", path.name),
            ),
        )
    compared, disagrees = ["the engine"], list[Disagreement]()
    notes = [f"how it was built is told by {path.name}, written on {_when(record.started)}"]
    log = engine.parent / record.log.path
    model = _model(engine, record.model)
    found: dict[str, Path | None] = {}
    for what, place, was in (
        ("the log of its build", log, record.log),
        ("its model", model, record.model),
    ):
        alike = _same(place, was)
        found[what] = place if alike else None
        if alike:
            compared.append(what)
        elif alike is None:
            notes.append(f"{what}, {Path(was.path).name}, is not there any more")
        else:
            then = f"{Path(was.path).name} as of {_when(record.started)}"
            disagrees.append(_changed(what, then, path.name))
            notes.append(f"{what}, {Path(was.path).name}, has changed since, so it is not used")
    return SideCar(
        path=path,
        engine=told,
        log=found["the log of its build"],
        model=found["its model"],
        notes=tuple(notes),
        compared=tuple(compared),
        disagrees=tuple(disagrees),
    )


def _when(started: str | None) -> str:
    return (started or "a day that it does not tell").partition("T")[0]


def _changed(what: str, then: str, source: str) -> Disagreement:
    return Disagreement(what=what, then=then, now="another file in its place", source=source)


def _model(engine: Path, was: FileHash) -> Path:
    """The model where it was, else of the same name beside the engine."""
    path = Path(was.path)
    beside = engine.parent / path.name
    try:
        return path if path.is_file() or not beside.is_file() else beside
    except (OSError, ValueError):
        return beside


def _same(path: Path, was: FileHash) -> bool | None:
    """Whether a file still is what it was; None where it is gone."""
    try:
        return is_still(path, was)
    except OSError:
        return None
