"""Facts of engine files: what is in them, how loading them ended, how much of them is FP16."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText
from ..engine import BuildFailure, EngineIdentity, LayersSource
from ..recorded import EngineCache
from .tensorrt import Attempt


class EngineFile(Frozen, frozen=True, kw_only=True):
    """One file that the user gave as an engine.

    ``container`` is what kind of file it is; ``what`` and ``to_do`` say so in a sentence each;
    ``identity`` is null where no plan is in it; ``problems`` maps the kind of each damage to a
    sentence. ``size`` is in bytes, and so is ``plan_size``, of the plan alone as it lies in the
    file; null where there is none or it cannot be taken out in one step. ``location`` is the path
    made absolute, by which ``EngineLoad`` names the file. ``cache_place`` is the same for all engines
    of one cache of which a program loads only one, whichever fits; null for an engine in no cache.
    """

    path: PathText
    size: int
    container: str
    what: str
    to_do: str | None = None
    identity: EngineIdentity | None = None
    problems: dict[str, str] = {}
    newer_than_known: bool = False
    plan_size: int | None = None
    location: PathText | None = None
    cache_place: PathText | None = None


class EngineFiles(FactValue, frozen=True, kw_only=True):
    """Every file that the user gave as an engine, read without TensorRT and without a GPU."""

    FACT: ClassVar[str] = "engine.files"
    NOT_GIVEN: ClassVar[str] = "no engine was given"

    files: tuple[EngineFile, ...]


class EngineLoad(Frozen, frozen=True, kw_only=True):
    """Deserialising one engine in the target Python: how it ended, and what was logged meanwhile.

    ``version`` is the runtime's; ``loaded`` null where it did not come to that, and ``why_not`` says
    why; ``missing_module`` is the module that the plan needs and the target Python lacks.
    ``stage`` is how far it came: ``import cuda plugins runtime deserialize context inspect``, null
    where it came to its end or was not tried. ``device_memory_bytes`` is what an execution context
    needs beside the weights; ``context_log`` what was logged while one was made.
    """

    path: PathText
    module: str | None = None
    version: str | None = None
    attempt: Attempt | None = None
    loaded: bool | None = None
    why_not: str | None = None
    missing_module: str | None = None
    stage: str | None = None
    log: tuple[str, ...] = ()
    device_memory_bytes: int | None = None
    with_context: bool = False
    context_log: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


class EngineLoads(FactValue, frozen=True, kw_only=True):
    """Loading each engine with the TensorRT of the target Python; ``layers`` is inspector JSON."""

    FACT: ClassVar[str] = "engine.loads"
    NOT_GIVEN: ClassVar[str] = "no engine was loaded"

    loads: tuple[EngineLoad, ...]


class EnginePrecision(Frozen, frozen=True, kw_only=True):
    """How much of one engine is FP16, and how much was asked for.

    Shares are of compute layers, 0 to 1; ``fp16`` null where there are no layers to count.
    ``wanted`` is the share that ``--expect fp16:SHARE`` asks for, null where nothing was asked.
    ``source`` is where the layers come from; ``reason`` why there are none. ``near_ties`` names the
    layers whose type noise decided, as far as a build log shows it.
    """

    path: PathText
    source: LayersSource | None = None
    layers: int = 0
    fp16: float | None = None
    unknown: float | None = None
    wanted: float | None = None
    reason: str | None = None
    near_ties: tuple[str, ...] = ()


class EnginePrecisions(FactValue, frozen=True, kw_only=True):
    """The FP16 share of every engine given."""

    FACT: ClassVar[str] = "engine.precisions"
    NOT_GIVEN: ClassVar[str] = "no engine was given"

    engines: tuple[EnginePrecision, ...]


class EngineBuild(Frozen, frozen=True, kw_only=True):
    """How the build in one log ended; ``failure`` is null where it made an engine."""

    log: PathText
    failure: BuildFailure | None = None


class EngineBuilds(FactValue, frozen=True, kw_only=True):
    """How the build of every log that was heard ended."""

    FACT: ClassVar[str] = "engine.builds"
    NOT_GIVEN: ClassVar[str] = "no build was looked at"

    builds: tuple[EngineBuild, ...]


class BrokenOutput(Frozen, frozen=True, kw_only=True):
    """An output that has NaN or infinite elements where what it is compared ``to`` has numbers."""

    name: str
    to: str
    nan: int = 0
    inf: int = 0
    elements: int = 0


class EngineComparison(FactValue, frozen=True, kw_only=True):
    """Engine ``b`` beside engine ``a``, which it would replace.

    ``worth`` is null where it cannot be told whether it is worth it, and ``verdict`` says why.
    ``outputs`` is how many outputs were compared; ``broken`` are those of ``b`` that are no numbers
    any more.
    """

    FACT: ClassVar[str] = "engine.comparison"
    NOT_GIVEN: ClassVar[str] = "no engines were compared"

    a: PathText
    b: PathText
    worth: bool | None = None
    verdict: str = ""
    gain: tuple[float, float, float] | None = None
    outputs: int = 0
    broken: tuple[BrokenOutput, ...] = ()


class EngineCaches(FactValue, frozen=True, kw_only=True):
    """What was recorded beside each engine, and where it disagrees with what is there now."""

    FACT: ClassVar[str] = "engine.caches"
    NOT_GIVEN: ClassVar[str] = "no engine of ONNX Runtime was given"

    caches: tuple[EngineCache, ...]
