"""Why not FP16: what the witnesses say of each layer, put into one answer for each engine.

The build log is the witness where the builder chooses, the graph where the model's types decide.
What none of them proves stays unknown, with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import (
    ChoiceTold,
    CostTold,
    EngineReport,
    Explanation,
    IOTensor,
    Layer,
    LayerTensor,
    Precision,
    ReasonTold,
    Role,
)
from trtdoctor.precision import classify_layers, summarize
from trtdoctor.precision.choice import Analysis, World, analyse, causes_of, world_of
from trtdoctor.precision.graph import graph_reasons
from trtdoctor.precision.reasons import LayerReasons, Reason
from trtdoctor.readers.buildlog import Attempt, Build
from trtdoctor.readers.layers.dtypes import dtype_of
from trtdoctor.readers.onnxmodel import OnnxFacts

from .answer import answer_of

# What narrower arithmetic or integers compute in needs no explanation beside FP16.
OWED = frozenset({Precision.FP32, Precision.TF32, Precision.BF16, Precision.MIXED})


@dataclass(frozen=True, kw_only=True)
class LogWitness:
    """One build of one log, by the name that evidence shows."""

    name: str
    build: Build


@dataclass(frozen=True, kw_only=True)
class Solved:
    """One profile's attempt of a log with what solving it told."""

    log: LogWitness
    attempt: Attempt
    analysis: Analysis | None


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """Everything that may tell why: logs of the engine's build (the first counts), the model."""

    logs: tuple[LogWitness, ...] = ()
    model: OnnxFacts | None = None
    model_path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Explained:
    """An engine's report with its explanations, and what they were solved from."""

    report: EngineReport
    solved: tuple[Solved, ...]
    world: World


def solve(log: LogWitness) -> tuple[Solved, ...]:
    """Solve what the builder solved, once for each optimisation profile of the build."""
    return tuple(
        Solved(log=log, attempt=attempt, analysis=analyse(log.build, attempt))
        for attempt in log.build.chosen
    )


def layers_of_log(log: LogWitness, solved: Sequence[Solved]) -> tuple[Layer, ...]:
    """The layers of the engine that a log ends with; kernels as the solved plan names them."""
    kernels = {
        planned.name: planned.kernel
        for one in solved
        if one.analysis is not None
        for planned in one.analysis.choice.plan
    }
    return tuple(
        Layer(
            name=layer.name,
            type=layer.type,
            inputs=tuple(_tensor(t.name, t.dtype, t.dims) for t in layer.inputs),
            outputs=tuple(_tensor(t.name, t.dtype, t.dims) for t in layer.outputs),
            tactic=kernels.get(layer.name),
            tactic_id=layer.tactic,
        )
        for layer in log.build.layers
    )


def with_layers_of_log(report: EngineReport, layers: tuple[Layer, ...]) -> EngineReport:
    """The report with a log's layers, where it has none of its own."""
    if report.layers or not layers:
        return report
    classified = classify_layers(layers, io=_io(report))
    return msgspec.structs.replace(
        report, layers_source="build-log", layers=classified, summary=summarize(classified)
    )


def explain(report: EngineReport, witnesses: Witnesses) -> Explained:
    """Explain every layer that is owed an explanation."""
    solved = tuple(one for log in witnesses.logs[:1] for one in solve(log))
    if witnesses.logs:
        report = with_layers_of_log(report, layers_of_log(witnesses.logs[0], solved))
    world = _world(report, witnesses)
    told: dict[str, list[LayerReasons]] = {}
    for one in solved:
        for found in causes_of(
            one.log.build, one.attempt, one.analysis, log=Path(one.log.name).name
        ):
            told.setdefault(found.layer, []).append(found)
    typing = world.value if world is not World.UNKNOWN else report.typing
    for found in graph_reasons(report.layers, witnesses.model, typing=typing, io=_io(report)):
        told.setdefault(found.layer, []).append(found)
    explanations = tuple(
        _explanation(layer, told.get(layer.name, ())) for layer in _owed(report.layers)
    )
    report = msgspec.structs.replace(
        report, typing=typing, choice=_choice(solved), explanations=explanations
    )
    report = msgspec.structs.replace(report, answer=answer_of(report))
    return Explained(report=report, solved=solved, world=world)


def _owed(layers: Iterable[Layer]) -> Iterable[Layer]:
    """Compute layers in another floating type, and fused blocks whose inside cannot be seen."""
    for layer in layers:
        if layer.role is Role.COMPUTE and (
            layer.precision in OWED or layer.precision is Precision.UNKNOWN
        ):
            yield layer


def _explanation(layer: Layer, told: Iterable[LayerReasons]) -> Explanation:
    told = tuple(told)
    reasons = _merged([reason for found in told for reason in found.reasons])
    first = reasons[0] if reasons else None
    region = next((found.region for found in told if found.region), None)
    again = next((found.decided_again for found in told if found.decided_again), None)
    cost = next((found.cost for found in told if found.cost), None)
    return Explanation(
        layer=layer.name,
        precision=layer.precision,
        cause=first.cause.value if first else Cause.UNKNOWN.value,
        confidence=first.confidence if first else None,
        region=region,
        decided_again=again.value if again else None,
        other_causes=tuple(
            ReasonTold(cause=r.cause.value, confidence=r.confidence, evidence=r.evidence)
            for r in reasons[1:]
        ),
        evidence=first.evidence if first else (),
        cost=CostTold(**msgspec.structs.asdict(cost)) if cost else None,
    )


def _merged(reasons: list[Reason]) -> list[Reason]:
    """Each cause once, in the order told; what two witnesses say of one cause is one reason."""
    found: dict[Cause, Reason] = {}
    for reason in reasons:
        known = found.get(reason.cause)
        if known is None:
            found[reason.cause] = reason
        else:
            evidence = tuple(dict.fromkeys((*known.evidence, *reason.evidence)))
            found[reason.cause] = msgspec.structs.replace(known, evidence=evidence)
    return list(found.values())


def _choice(solved: Sequence[Solved]) -> ChoiceTold | None:
    one = next((one for one in solved if one.analysis is not None), None)
    if one is None or one.analysis is None:
        return None
    analysis, choice = one.analysis, one.analysis.choice
    forced = [v.forced.total_ms for v in analysis.verdicts if v.forced and v.known and not v.half]
    io = analysis.io_best if analysis.io_best and analysis.io_best.falls else None
    return ChoiceTold(
        log=one.log.name,
        build=one.log.build.number,
        profile=choice.profile,
        reproduced=choice.reproduced,
        layers=choice.layers,
        conversions=choice.conversions,
        plan_ms=choice.plan_ms,
        alternative_ms=min(forced, default=None),
        network_io_ms=io.total_ms if io else None,
        network_io=tuple(f"{f.tensor}: {f.dtype} {f.layout}" for f in io.formats) if io else (),
    )


def _world(report: EngineReport, witnesses: Witnesses) -> World:
    """The engine's own version decides where it can; where versions can be either, the log."""
    if report.typing in (World.WEAK.value, World.STRONG.value):
        return World(report.typing)
    for log in witnesses.logs:
        if (found := world_of(log.build)) is not World.UNKNOWN:
            return found
    return World.UNKNOWN


def _io(report: EngineReport) -> tuple[IOTensor, ...]:
    return (report.identity.io if report.identity else None) or ()


def _tensor(name: str, dtype: str, dims: tuple[int, ...]) -> LayerTensor:
    known = dtype_of(dtype)
    return LayerTensor(name=name, dtype=known.value if known else None, shape=dims or None)
