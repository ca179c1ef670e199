"""What is in one engine: identity, layers, precisions and shares, from the best evidence at hand."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.engine import (
    EngineBlock,
    EngineIdentity,
    EngineReport,
    Layer,
    LayersSource,
    Precision,
    Role,
)
from trtdoctor.model.facts import EngineLoad
from trtdoctor.model.given_files import open_regular
from trtdoctor.model.report import Confidence
from trtdoctor.precision.layers import classify_layers, named_alone, summarize
from trtdoctor.precision.typing import typing_of_engine
from trtdoctor.readers.layers import Dialect, FormatError, LayersFile, Verbosity, read_layers
from trtdoctor.readers.plan import StaticLayers, static_layers

from .belonging import layers_contradict
from .cache_facts import recorded_notes
from .given import EngineSources
from .sentences import NAMED_ALONE
from .timing import timed


@dataclass(kw_only=True)
class _Chosen:
    """The layers that were chosen, where they come from, and what is to be said about that."""

    source: LayersSource | None = None
    layers: tuple[Layer, ...] = ()
    notes: list[str] = field(default_factory=list)


def engine_report(
    given: EngineSources, load: EngineLoad | None, knowledge: Knowledge
) -> EngineReport:
    """All that can be said of one engine from what is at hand.

    Raises:
        OSError: the file cannot be read.
    """
    if given.recorded is not None:
        return given.recorded
    file = given.file
    identity = file.engine if file else None
    static = StaticLayers()
    if given.static and file is not None and file.plan is not None:
        static = static_layers(given.path)
    chosen = _choose(given, load, static)
    tf32 = tf32_possible(identity, knowledge)
    from_file = chosen.source in (LayersSource.LAYERS_FILE, LayersSource.BUILD_LOG)
    taken = given.layers_file if from_file else None
    io = (taken.io if taken else None) or (identity.io if identity else None)
    layers = classify_layers(chosen.layers, io=io or (), tf32_possible=tf32)
    blocks = tuple(
        EngineBlock(
            name=block.name,
            layers=_observed(classify_layers(block.layers, tf32_possible=tf32)),
        )
        for block in static.blocks
    )
    if chosen.source is LayersSource.STATIC:
        layers = _observed(layers)
    layers = tuple(_opened(layer, blocks) for layer in layers)
    layers, notes = timed(layers, given.profile)
    chosen.notes += notes
    if named_alone(layers):
        chosen.notes.append(NAMED_ALONE)
    built = given.side_car.engine if given.side_car else None
    return EngineReport(
        path=str(given.path),
        size=file.size if file else None,
        sha256=_sha256(given.path) if given.hashed else None,
        what=file.what if file else None,
        to_do=file.to_do if file else None,
        identity=identity,
        typing=typing_of_engine(
            identity.product if identity else None,
            identity.tensorrt_version if identity else None,
            knowledge,
        ),
        layers_source=chosen.source,
        layers=layers,
        blocks=blocks,
        summary=summarize(layers) if layers else None,
        notes=(
            *(file.notes if file else ()),
            *recorded_notes(given),
            *(given.side_car.notes if given.side_car else ()),
            *chosen.notes,
        ),
        build=built.build if built else None,
        measured=given.measured or (built.measured if built else None),
    )


def _choose(given: EngineSources, load: EngineLoad | None, static: StaticLayers) -> _Chosen:
    """The best layers at hand: the user's file, then live, then what the plan's bytes tell."""
    chosen = _Chosen()
    told = given.layers_file
    other = layers_contradict(told.layers, static.layers) if told is not None else None
    if other is not None:
        chosen.notes.append(f"the layers that were given are of another engine: {other}")
        told = None
    if told is not None:
        log = told.dialect is Dialect.BUILD_LOG
        chosen.source = LayersSource.BUILD_LOG if log else LayersSource.LAYERS_FILE
        chosen.layers = told.layers
        chosen.notes += told.notes
    elif load is not None and load.layers:
        try:
            told = _live(load)
        except FormatError as error:
            chosen.notes.append(f"the inspector's answer could not be read: {error}")
        else:
            chosen.source, chosen.layers = LayersSource.LIVE, told.layers
            chosen.notes += told.notes
            if not load.with_context:
                chosen.notes.append("no execution context could be made, so formats are unknown")
    elif load is not None and load.why_not:
        chosen.notes.append(f"not loaded: {load.why_not}")
    elif load is not None and not load.loaded:
        chosen.notes.append("it could not be loaded here")
    if told is not None and told.verbosity is not Verbosity.DETAILED and static.layers:
        # The plan keeps its layers' details at every verbosity; the inspector does not tell them.
        chosen.notes.append(
            f"the inspector tells {told.verbosity.value} only, so the layers are those of the file"
        )
        told = None
    if told is None and static.layers:
        chosen.source, chosen.layers = LayersSource.STATIC, static.layers
    if static.reason and chosen.source in (None, LayersSource.STATIC):
        chosen.notes.append(static.reason)
    return chosen


def _live(load: EngineLoad) -> LayersFile:
    """The inspector's texts, one for each optimisation profile that it does not tell at once.

    Raises:
        FormatError: a text is no inspector output.
    """
    first = read_layers(load.layers[0].encode())
    told = {layer.profile for layer in first.layers}
    more: list[Layer] = []
    for index, text in enumerate(load.layers[1:], 1):
        if index not in told:
            more += (
                msgspec.structs.replace(layer, profile=index)
                for layer in read_layers(text.encode()).layers
            )
    return msgspec.structs.replace(first, layers=(*first.layers, *more))


def _observed(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """What the plan's bytes tell is unofficial: likely at most, and marked as such."""
    return tuple(
        msgspec.structs.replace(
            layer,
            precision_confidence=Confidence.LIKELY
            if layer.precision_confidence is Confidence.CERTAIN
            else layer.precision_confidence,
            precision_evidence=("observed in the file", *layer.precision_evidence),
        )
        for layer in layers
    )


def _opened(layer: Layer, blocks: tuple[EngineBlock, ...]) -> Layer:
    """A fused block's precision, where the plan's text shows every operation inside."""
    if layer.precision is not Precision.UNKNOWN or layer.role is not Role.COMPUTE:
        return layer
    inside = next((block.layers for block in blocks if block.name == layer.name), ())
    compute = [inner for inner in inside if inner.role is Role.COMPUTE]
    found = {inner.precision for inner in compute}
    if not compute or Precision.UNKNOWN in found:
        return layer
    precision = found.pop() if len(found) == 1 else Precision.MIXED
    told = Counter(inner.precision.value for inner in compute)
    counted = ", ".join(f"{number} {name}" for name, number in sorted(told.items()))
    sure = (inner.precision_confidence or Confidence.POSSIBLE for inner in compute)
    return msgspec.structs.replace(
        layer,
        precision=precision,
        # A block is as sure as the least sure of what it is said to consist of.
        precision_confidence=max(sure, key=list(Confidence).index),
        precision_evidence=(
            *layer.precision_evidence,
            f"observed in the file: layers inside the block: {counted}",
        ),
    )


def tf32_possible(identity: EngineIdentity | None, knowledge: Knowledge) -> bool | None:
    """False where the build's flag or its GPU rules TF32 kernels out; None where nobody knows."""
    if identity is None:
        return None
    if identity.tf32_allowed is False:
        return False
    try:
        known = [knowledge.compute_capability(cc) for cc in identity.compute_capabilities or ()]
    except KnowledgeEnds:
        return None
    return False if known and all(row.precisions["TF32"] is False for row in known) else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
