"""What other programs recorded about engines: a tuner's runs, a build's API calls, a cache of engines."""

from __future__ import annotations

from .base import Frozen, PathText
from .finding import Confidence


class TunedRoute(Frozen, frozen=True, kw_only=True):
    """One build route that trtexec's tuner tried.

    Attributes:
        number: Its number within its phase of the search, from 0.
        changed: The settings in which the routes of the run differ, as this one has them.
        ms: The mean time of one inference on the GPU; null where it did not come to that.
        losses: By output, how far it was from the reference, in the run's own measure; smaller is
            better.
        failed: Why the tuner did not take it; null where it could.
    """

    number: int
    changed: tuple[str, ...] = ()
    ms: float | None = None
    losses: dict[str, float] = {}
    failed: str | None = None


class KnobValue(Frozen, frozen=True, kw_only=True):
    """One value of one setting that was varied.

    ``tried`` is how many routes had it, ``best_ms`` the least time of those that could be taken.
    """

    knob: str
    value: str
    tried: int
    best_ms: float | None = None


class TuningRecord(Frozen, frozen=True, kw_only=True):
    """One run of trtexec's tuner, from its cache file. Times are in milliseconds.

    Attributes:
        tuner_version: The tuner's own version, not TensorRT's.
        search: ``fast``, ``full`` or ``mixed``.
        expression: What was to be varied.
        command: The command line that ran the tuner.
        accuracy: The measure of accuracy, ``L0`` say.
        accuracy_limit: The loss from which on a route is refused; null where none was.
        routes: Those that were tried, in order.
        knobs: Each value of what was varied.
        best: The place of the fastest that could be taken in ``routes``; null where none could.
        baseline: The place of the route with everything at its default.
        best_route: The whole route that ``trtexec --setBuildRoute`` builds again.
        names_precision: Whether anything that was varied names a data type.
        cut: Why not all of the file could be read.
    """

    tuner_version: str | None = None
    search: str | None = None
    expression: str | None = None
    command: PathText | None = None
    accuracy: str | None = None
    accuracy_limit: float | None = None
    routes: tuple[TunedRoute, ...] = ()
    knobs: tuple[KnobValue, ...] = ()
    best: int | None = None
    baseline: int | None = None
    best_route: str | None = None
    names_precision: bool = False
    cut: str | None = None


class CapturedLayer(Frozen, frozen=True, kw_only=True):
    """One layer that was added to a network.

    Attributes:
        name: As it was named last; empty where it was not.
        kind: What was added: ``ConvolutionNd``, as in ``addConvolutionNd``.
        cast_to: The type that a Cast makes.
        pinned: The type that the layer was told to compute in.
        output_types: The types that its outputs were told to have, by index.
        weights: The type of its largest weights.
    """

    name: str = ""
    kind: str = ""
    cast_to: str | None = None
    pinned: str | None = None
    output_types: dict[str, str] = {}
    weights: str | None = None


class ApiCapture(Frozen, frozen=True, kw_only=True):
    """What TensorRT's API capture recorded of a build.

    Attributes:
        calls: How many calls it holds.
        layers: The layers of all networks, as they were added.
        networks: How many networks were made.
        built: Whether the builder was asked to build one.
        flags: Builder flags that were set, in TensorRT's words, and not cleared again.
        cleared: Flags that were cleared.
        settings: What else was set on the builder's configuration, as it was written down last.
        weights: Elements of weights, by type.
        weights_file: The file with the weights; it is never read.
    """

    calls: int = 0
    layers: tuple[CapturedLayer, ...] = ()
    networks: int = 0
    built: bool = False
    flags: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    weights: dict[str, int] = {}
    weights_file: PathText | None = None


class Disagreement(Frozen, frozen=True, kw_only=True):
    """One thing that a record of an engine says otherwise than the engine, or its surroundings, now.

    ``what`` is the thing, ``compute capability`` say; ``then`` what ``source`` recorded, ``now`` what is
    found, each in words that stand in a sentence.
    """

    what: str
    then: str
    now: str
    source: str
    confidence: Confidence = Confidence.CERTAIN


class EngineCache(Frozen, frozen=True, kw_only=True):
    """What was recorded beside one engine, compared with what the engine is now.

    Attributes:
        path: The engine, or the record itself where its engine is missing.
        kind: ``ort-cache`` where a TensorRT provider of ONNX Runtime keeps it, ``side-car`` where
            trtdoctor built it and wrote down how.
        records: The files that tell; for an engine of ONNX Runtime its own name is one.
        told: What they say of it, in words.
        compared: What was compared and agrees.
        disagrees: What does not agree.
        unknown: What could not be compared, a clause each.
    """

    path: PathText
    kind: str
    records: tuple[PathText, ...] = ()
    told: str | None = None
    compared: tuple[str, ...] = ()
    disagrees: tuple[Disagreement, ...] = ()
    unknown: tuple[str, ...] = ()
