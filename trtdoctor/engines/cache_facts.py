"""Engines beside what was recorded of them: what agrees, what does not, what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trtdoctor.knowledge import versions
from trtdoctor.model.engine import EngineIdentity, IOTensor
from trtdoctor.model.finding import Confidence
from trtdoctor.model.recorded import Disagreement, EngineCache
from trtdoctor.readers.ortcache import CacheName, DimRange, EpContext

from .caches import Beside, Pointed
from .given import EngineSources
from .sidecar import SideCar

ORT = "ort-cache"
_SHAPE_TYPES = ("INT32", "INT64")
_MOST_RANGES = 10


@dataclass
class _Compared:
    agrees: list[str] = field(default_factory=list)
    disagrees: list[Disagreement] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def cache_place(source: EngineSources) -> str | None:
    """What is the same for engines of one cache of which ONNX Runtime would load only one."""
    name = source.beside.name if source.beside is not None else None
    if name is None:
        return None
    types = "_".join(name.types)
    return str(source.path.absolute().parent / f"{name.graph}_{name.subgraph}_{types}")


def engine_caches(sources: Sequence[EngineSources]) -> tuple[EngineCache, ...]:
    """What was recorded of each engine that is in a cache, and of engines that are missing there."""
    newest = _newest(sources)
    made = [
        _of_engine(source, source.beside, newest)
        for source in sources
        if source.beside is not None and source.file is not None and source.file.engine is not None
    ]
    missing = (source.missing for source in sources if source.missing is not None)
    built = (
        _of_side_car(source.path, source.side_car)
        for source in sources
        if source.side_car is not None
    )
    return (*made, *(_of_missing(each) for each in missing), *built)


def _of_side_car(engine: Path, side_car: SideCar) -> EngineCache:
    return EngineCache(
        path=str(engine),
        kind="side-car",
        records=(side_car.path.name,),
        compared=side_car.compared,
        disagrees=side_car.disagrees,
        unknown=() if side_car.engine or side_car.disagrees else side_car.notes,
    )


def recorded_notes(source: EngineSources) -> Iterator[str]:
    """What ONNX Runtime recorded of one engine, a clause each."""
    beside = source.beside
    if beside is None:
        return
    if (told := _words(beside)) is not None:
        yield f"ONNX Runtime's cache: {told}"
    if beside.ranges is not None and beside.profile is not None:
        ranges = [
            f"{name} extent {extent.dim}: {_told(extent)}"
            for name, extents in beside.ranges.items()
            for extent in extents or ()
        ]
        more = [f"and {len(ranges) - _MOST_RANGES} more"] if len(ranges) > _MOST_RANGES else []
        yield f"{beside.profile.name}: {'; '.join((*ranges[:_MOST_RANGES], *more)) or 'no ranges'}"
    for each in beside.pointed:
        of = f", of the model {each.context.model}" if each.context.model else ""
        yield f"{each.model.name} stands for it in ONNX Runtime{of}"


def _of_engine(
    source: EngineSources, beside: Beside, newest: dict[str, EngineSources]
) -> EngineCache:
    assert source.file is not None and source.file.engine is not None
    identity = source.file.engine
    told = _Compared()
    records: list[str] = []
    if beside.name is not None:
        records.append(source.path.name)
        _gpu(told, identity, beside.name, "its file name")
        _left_behind(told, source, identity, newest)
        _shapes(told, identity, beside)
        if beside.ranges is not None and beside.profile is not None:
            records.append(beside.profile.name)
    for each in beside.pointed:
        records.append(each.model.name)
        _gpu(told, identity, each.context, each.model.name)
        _version(told, identity, each)
    return EngineCache(
        path=str(source.path),
        kind=ORT,
        records=tuple(dict.fromkeys(records)),
        told=_words(beside),
        compared=tuple(dict.fromkeys(told.agrees)),
        disagrees=tuple(told.disagrees),
        unknown=tuple(told.unknown),
    )


def _of_missing(pointed: Pointed) -> EngineCache:
    engine = pointed.context.engine or ""
    return EngineCache(
        path=str(pointed.model),
        kind=ORT,
        records=(pointed.model.name,),
        disagrees=(
            Disagreement(
                what="engine file",
                then=f"{engine} is its engine",
                now="there is no such file",
                source=pointed.model.name,
            ),
        ),
    )


def _words(beside: Beside) -> str | None:
    name = beside.name
    if name is None:
        return None
    parts = [f"graph {name.graph}", f"part {name.subgraph}", f"model hash {name.model_hash}"]
    parts.append(f"{' and '.join(name.types)} allowed" if name.types else "FP32 alone allowed")
    if name.stripped:
        parts.append("without weights")
    return ", ".join(parts)


def _sure(identity: EngineIdentity, name: str) -> Confidence:
    return identity.confidence.get(name) or Confidence.CERTAIN


def _gpu(
    told: _Compared, identity: EngineIdentity, record: CacheName | EpContext, source: str
) -> None:
    cc, built = record.compute_capability, identity.compute_capabilities
    if cc is None:
        return
    if record.newer_too and identity.product == "tensorrt-rtx" and built:
        # Its provider marks every engine so; a plan for an older GPU is none.
        if min(map(versions.capability, built)) >= versions.capability(cc):
            told.agrees.append("compute capability")
    elif record.newer_too:
        level = identity.hardware_compatibility
        if level is None:
            told.unknown.append("the plan does not say whether it is hardware compatible")
        elif level == "ampere+":
            told.agrees.append("hardware compatibility")
        else:
            told.disagrees.append(
                Disagreement(
                    what="hardware compatibility",
                    then=f"built for {cc} and newer",
                    now="the plan is for one compute capability",
                    source=source,
                    confidence=_sure(identity, "hardware_compatibility"),
                )
            )
    elif not built:
        told.unknown.append("the plan does not say which GPU it was built for")
    elif cc in built:
        told.agrees.append("compute capability")
    else:
        told.disagrees.append(
            Disagreement(
                what="compute capability",
                then=f"built for {cc}",
                now=f"the plan is for {', '.join(built)}",
                source=source,
                confidence=_sure(identity, "compute_capabilities"),
            )
        )


def _version(told: _Compared, identity: EngineIdentity, pointed: Pointed) -> None:
    then, now = pointed.context.version, identity.tensorrt_version
    same = versions.agree(then, now)
    if same:
        told.agrees.append("version")
    elif same is False:
        told.disagrees.append(
            Disagreement(
                what="version",
                then=f"built by {then}",
                now=f"the plan was built by {now}",
                source=pointed.model.name,
                confidence=_sure(identity, "tensorrt_version"),
            )
        )


# What an upgrade left behind ----------------------------------------------------------------------


def _newest(sources: Sequence[EngineSources]) -> dict[str, EngineSources]:
    """The engine of the newest version for each part of each graph that a cache has."""
    found: dict[str, EngineSources] = {}
    for source in sources:
        place = _exact_place(source)
        version = _numbers(source)
        if place is not None and version is not None:
            before = found.get(place)
            if before is None or (_numbers(before) or ()) < version:
                found[place] = source
    return found


def _exact_place(source: EngineSources) -> str | None:
    place, beside = cache_place(source), source.beside
    if place is None or beside is None or beside.name is None:
        return None
    return f"{place}_{beside.name.compute_capability}_{beside.name.newer_too}"


def _numbers(source: EngineSources) -> tuple[int, ...] | None:
    engine = source.file.engine if source.file is not None else None
    return versions.numbers(engine.tensorrt_version) if engine is not None else None


def _left_behind(
    told: _Compared,
    source: EngineSources,
    identity: EngineIdentity,
    newest: dict[str, EngineSources],
) -> None:
    """Another hash and an older TensorRT than the engine beside it for the same part of a graph.

    Two engines of one release may be of two models whose graphs have one name, as most exported ones
    have: nothing follows from their hashes, of which major and minor version are a part.
    """
    other = newest.get(_exact_place(source) or "")
    if other is None or other is source or other.beside is None or source.beside is None:
        return
    mine, theirs = source.beside.name, other.beside.name
    newer = other.file.engine if other.file is not None else None
    if mine is None or theirs is None or newer is None or mine.model_hash == theirs.model_hash:
        return
    if (
        newer.product != identity.product
        or (_numbers(source) or ())[:2] == (_numbers(other) or ())[:2]
    ):
        return
    told.disagrees.append(
        Disagreement(
            what="model hash",
            then=f"{mine.model_hash}, with TensorRT {identity.tensorrt_version}",
            now=f"{other.path.name} has {theirs.model_hash} for the same part of the graph, with "
            f"TensorRT {newer.tensorrt_version}",
            source="the files' names",
            confidence=Confidence.LIKELY,
        )
    )


# Shape ranges -------------------------------------------------------------------------------------


def _shapes(told: _Compared, identity: EngineIdentity, beside: Beside) -> None:
    profile = beside.profile.name if beside.profile is not None else ""
    if beside.damage is not None:
        told.disagrees.append(
            Disagreement(
                what="shape ranges",
                then=f"they cannot be read: {beside.damage}",
                now="ONNX Runtime cannot load the engine with them",
                source=profile,
                confidence=Confidence.LIKELY,
            )
        )
        return
    inputs = {t.name: t for t in identity.io or () if t.mode == "input"}
    dynamic = sorted(name for name, t in inputs.items() if any(e < 0 for e in t.shape or ()))
    if identity.io is None:
        told.unknown.append("the plan does not list its inputs")
        return
    if beside.ranges is None:
        # Through a context model it is loaded without that file.
        if dynamic and not beside.pointed:
            told.disagrees.append(
                Disagreement(
                    what="shape ranges",
                    then=f"there is no {profile}",
                    now=f"the plan has inputs of open shape ({', '.join(dynamic[:3])}), and ONNX "
                    "Runtime loads it with that file alone",
                    source="the folder",
                    confidence=Confidence.LIKELY,
                )
            )
        else:
            told.agrees.append("shape ranges")
        return
    found = list(_other_ranges(identity, inputs, dynamic, beside.ranges, profile))
    told.disagrees += found[:1]
    if not found:
        told.agrees.append("shape ranges")


def _other_ranges(
    identity: EngineIdentity,
    inputs: dict[str, IOTensor],
    dynamic: Sequence[str],
    ranges: dict[str, tuple[DimRange, ...] | None],
    profile: str,
) -> Iterator[Disagreement]:
    """What shows that ranges are of another engine, the plainest first."""

    def one(then: str, now: str) -> Disagreement:
        return Disagreement(what="shape ranges", then=then, now=now, source=profile)

    for name in ranges:
        if name not in inputs:
            yield one(f"ranges of an input {name}", "the plan has no such input")
    for name in dynamic:
        if name not in ranges:
            yield one(f"no ranges of {name}", "the plan has it as an input of open shape")
    for name, extents in ranges.items():
        tensor = inputs.get(name)
        shape = tensor.shape if tensor is not None else None
        if (
            tensor is None
            or shape is None
            or (tensor.dtype in _SHAPE_TYPES and name not in dynamic)
        ):
            # Of inputs that are shapes themselves the values are told, not the extents.
            continue
        for extent in extents or ():
            if extent.dim >= len(shape):
                yield one(f"{name} has an extent {extent.dim}", f"in the plan it has {len(shape)}")
            elif (fixed := shape[extent.dim]) >= 0:
                # A range of one value can be built in.
                if (extent.min, extent.max) != (fixed, fixed):
                    told = f"{name}, extent {extent.dim}: {_told(extent)}"
                    yield one(told, f"in the plan it is always {fixed}")
            elif other := _other_extent(identity, name, extent):
                yield one(f"{name}, extent {extent.dim}: {_told(extent)}", f"the plan has {other}")


def _other_extent(identity: EngineIdentity, name: str, extent: DimRange) -> str | None:
    """The bounds that the plan has instead; None where they agree or are not told."""
    profiles = identity.profiles or ()
    built = profiles[extent.profile].get(name) if extent.profile < len(profiles) else None
    if built is None or extent.dim >= len(built.min):
        return None
    low, opt, high = built.min[extent.dim], built.opt[extent.dim], built.max[extent.dim]
    if (extent.min, extent.max) == (low, high) and extent.opt in (None, opt):
        return None
    return f"{low} to {high}, best {opt}"


def _told(extent: DimRange) -> str:
    best = "" if extent.opt is None else f", best {extent.opt}"
    return f"{extent.min} to {extent.max}{best}"
