"""What a user gave about an engine, read and not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trtdoctor.model.build import Measurement
from trtdoctor.model.engine import EngineReport
from trtdoctor.readers.autocastlog import AutoCastLog
from trtdoctor.readers.buildlog import Build, BuildSummary
from trtdoctor.readers.errortext import ErrorText
from trtdoctor.readers.layers import LayersFile
from trtdoctor.readers.onnxmodel import OnnxFacts
from trtdoctor.readers.plan import FileIdentity
from trtdoctor.readers.profile import Profile

from .caches import Beside, Pointed
from .sidecar import SideCar


@dataclass(frozen=True, kw_only=True)
class EngineSources:
    """Everything the user gave about one engine, read. Each part may be missing.

    ``profile`` has times of its layers, ``measured`` of whole inferences. ``recorded`` is what there
    is to say of a file that is no engine and tells of builds; then nothing else is given. ``beside``
    is what ONNX Runtime recorded of an engine in its cache, ``missing`` which engine is not there, where
    a context model is all that is left of it.

    ``side_car`` is what a build wrote beside it; layers and times are those where the user gave none,
    and ``layers_path`` is only of what the user gave.
    """

    path: Path
    file: FileIdentity | None = None
    layers_file: LayersFile | None = None
    layers_path: Path | None = None
    profile: Profile | None = None
    measured: Measurement | None = None
    recorded: EngineReport | None = None
    beside: Beside | None = None
    missing: Pointed | None = None
    static: bool = True
    hashed: bool = False
    side_car: SideCar | None = None

    @property
    def unsound(self) -> str | None:
        """Why nothing sound can be said of the file, and what to do; None where it can."""
        file = self.file
        if file is None:
            return None
        damage = [problem for problem in file.problems if problem.problem.unsound]
        if file.engine is not None and not damage:
            return None
        return " ".join(part for part in (f"{self.path}:", file.what, file.to_do) if part)


@dataclass(frozen=True, kw_only=True)
class GivenLog:
    """One build of one log, by the name that evidence shows, and why not all of it was read.

    ``damage`` says why the rest could not be read, ``stopped`` why it was not. ``builds`` are
    all of the file; ``picked`` tells that the user said which one to take. ``ending`` is what an
    error can stand in, of a build that made no engine.
    """

    name: str
    build: Build
    damage: str | None = None
    stopped: str | None = None
    builds: tuple[BuildSummary, ...] = ()
    picked: bool = False
    ending: ErrorText | None = None

    @property
    def short(self) -> str:
        """The log's file name alone, as the sources of evidence name it."""
        return Path(self.name).name


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """Everything that may tell why: logs of the engine's build (the first counts), the model.

    ``layers_path`` is the file that the user gave for the layers;
    ``profile`` has times for the layers that the log tells, where nothing else tells any;
    ``autocast`` what the model's converter kept in FP32.
    """

    logs: tuple[GivenLog, ...] = ()
    model: OnnxFacts | None = None
    model_path: Path | None = None
    layers_path: Path | None = None
    profile: Profile | None = None
    autocast: AutoCastLog | None = None
