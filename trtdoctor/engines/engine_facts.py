"""What is known of engines as facts of the snapshot, for the checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.base import FactValue
from trtdoctor.model.cause import Cause
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import EngineIdentity, EngineReport
from trtdoctor.model.facts import (
    BrokenOutput,
    EngineBuild,
    EngineBuilds,
    EngineCaches,
    EngineComparison,
    EngineFile,
    EngineFiles,
    EngineLoads,
    EnginePrecision,
    EnginePrecisions,
)
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.probes.engine_loads import LoadRequest
from trtdoctor.readers.plan import Encoding, FileIdentity

from .cache_facts import cache_place, engine_caches
from .given import EngineSources


def with_engines(
    snapshot: Snapshot,
    sources: Sequence[EngineSources],
    reports: Sequence[EngineReport],
    *,
    wanted: float | None,
    live: bool,
) -> Snapshot:
    """The snapshot with the facts of engines added.

    Args:
        snapshot: what the probes saw.
        sources: what the user gave.
        reports: what came of it.
        wanted: the share of FP16 that was expected, 0 to 1.
        live: whether the engines were to be loaded.
    """
    facts = dict(snapshot.facts)
    files = tuple(_file(s, s.file) for s in sources if s.file is not None)
    if files:
        facts[EngineFiles.FACT] = _record(EngineFiles(files=files), "the files' bytes")
    if files and not live:
        reason = "--no-live was given"
        facts[EngineLoads.FACT] = FactRecord(status=FactStatus.NOT_RUN, reason=reason)
    records = {str(source.path) for source in sources if source.recorded is not None}
    reports = [report for report in reports if report.path not in records]
    precisions = EnginePrecisions(engines=tuple(_precision(r, wanted) for r in reports))
    facts[EnginePrecisions.FACT] = _record(precisions, "the layers of each engine")
    builds = tuple(EngineBuild(log=r.log, failure=r.failure) for r in reports if r.log is not None)
    if builds:
        facts[EngineBuilds.FACT] = _record(EngineBuilds(builds=builds), "the build logs")
    caches = engine_caches(sources)
    if caches:
        facts[EngineCaches.FACT] = _record(
            EngineCaches(caches=caches), "the files beside each engine"
        )
    return msgspec.structs.replace(snapshot, facts=facts)


def with_comparison(snapshot: Snapshot, comparison: Comparison) -> Snapshot:
    """The snapshot with what a comparison came to."""
    broken = [
        BrokenOutput(name=each.name, to=each.to, nan=each.nan, inf=each.inf, elements=each.elements)
        for each in comparison.outputs
        if each.of == "B" and (each.nan or each.inf)
    ]
    told = EngineComparison(
        a=comparison.a,
        b=comparison.b,
        worth=comparison.worth,
        verdict=comparison.verdict,
        gain=comparison.gain,
        outputs=len({each.name for each in comparison.outputs if each.elements}),
        broken=tuple({each.name: each for each in broken}.values()),
    )
    facts = {**snapshot.facts, EngineComparison.FACT: _record(told, "both engines, side by side")}
    return msgspec.structs.replace(snapshot, facts=facts)


def load_request(path: Path, file: FileIdentity, knowledge: Knowledge) -> LoadRequest:
    """How to load the engine in a file, or why not to try."""
    where = str(path.absolute())
    engine, plan = file.engine, file.plan
    if engine is None or plan is None:
        return LoadRequest(path=where, why_not="there is no plan in the file")
    if plan.encoding is not Encoding.RAW:
        return LoadRequest(path=where, why_not="the plan is wrapped; extract it first")
    if file.problems:
        return LoadRequest(path=where, why_not=f"the file is damaged: {file.problems[0].message}")
    return LoadRequest(
        path=where,
        offset=plan.offset,
        length=plan.length,
        product=engine.product,
        version=None if engine.version_compatible else _needed_version(engine, knowledge),
    )


def _needed_version(engine: EngineIdentity, knowledge: Knowledge) -> str | None:
    """As much of the version as a runtime's must agree with: all of it where no table says less."""
    version = engine.tensorrt_version
    try:
        rule = knowledge.plan_compatibility(engine.product or "", version or "")
    except KnowledgeEnds:
        return version
    return version and rule.must_agree(version)


def _file(source: EngineSources, file: FileIdentity) -> EngineFile:
    path = source.path
    return EngineFile(
        path=str(path),
        size=file.size,
        container=file.container.value,
        what=file.what,
        to_do=file.to_do,
        identity=file.engine,
        problems={item.problem.value: item.message for item in file.problems},
        newer_than_known=file.newer_than_known,
        plan_size=file.plan.length if file.plan else None,
        location=str(path.absolute()),
        cache_place=cache_place(source),
    )


def _precision(report: EngineReport, wanted: float | None) -> EnginePrecision:
    summary = report.summary
    reason = None if summary else "no layers could be read"
    if summary is not None and summary.counted.layers and summary.fp16_share.layers is None:
        reason = "only its layers' names are told"
    return EnginePrecision(
        path=report.path,
        source=report.layers_source,
        layers=summary.counted.layers if summary else 0,
        fp16=summary.fp16_share.layers if summary else None,
        unknown=summary.unknown_share.layers if summary else None,
        wanted=wanted,
        reason=reason,
        near_ties=tuple(
            told.layer
            for told in report.explanations
            if Cause.NEAR_TIE in (told.cause, *(other.cause for other in told.other_causes))
        ),
    )


def _record(value: FactValue, source: str) -> FactRecord:
    return FactRecord(status=FactStatus.OK, value=msgspec.to_builtins(value), source=source)
