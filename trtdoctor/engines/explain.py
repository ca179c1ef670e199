"""Why not FP16: what the witnesses say of each layer, put into one answer for each engine.

The build log is the witness where the builder chooses, the graph where the model's types decide.
What none of them proves stays unknown, with what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from trtdoctor.knowledge import Knowledge
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
from trtdoctor.model.finding import Evidence, Remedy
from trtdoctor.model.typing import Typing
from trtdoctor.precision.graph import graph_reasons, mismatch
from trtdoctor.precision.layers import classify_layers, summarize
from trtdoctor.precision.log import (
    Analysis,
    NetworkFormat,
    analyse,
    causes_of,
    not_enabled_by_banner,
)
from trtdoctor.precision.log.witness import Witness
from trtdoctor.precision.reasons import Cost, LayerReasons, Reason
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import Attempt, Build, NoteKind
from trtdoctor.readers.layers.dtypes import dtype_of
from trtdoctor.readers.onnxmodel import OnnxFacts

from .belonging import another_build
from .matching import unrelated
from .remedies import Surroundings, context_of, missing_of, remedy_of
from .sentences import answer_of, us

# What narrower arithmetic or integers compute in needs no explanation beside FP16.
OWED = frozenset({Precision.FP32, Precision.TF32, Precision.BF16, Precision.MIXED})


@dataclass(frozen=True, kw_only=True)
class LogWitness:
    """One build of one log, by the name that evidence shows, and why not all of it was read."""

    name: str
    build: Build
    damage: str | None = None


@dataclass(frozen=True, kw_only=True)
class Solved:
    """One profile's attempt of a log with what solving it told, or why it was not solved."""

    log: LogWitness
    attempt: Attempt
    analysis: Analysis | None
    reason: str | None = None


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
    typing: Typing


def solve(log: LogWitness) -> tuple[Solved, ...]:
    """Solve what the builder solved, once for each optimisation profile of the build."""
    return tuple(_solved(log, attempt) for attempt in log.build.chosen)


def _solved(log: LogWitness, attempt: Attempt) -> Solved:
    try:
        return Solved(log=log, attempt=attempt, analysis=analyse(log.build, attempt))
    except ImportError as error:
        # numpy or scipy is missing or broken here; the log's other witness stands without them.
        reason = f"the builder's choice could not be solved again: {error}"
        return Solved(log=log, attempt=attempt, analysis=None, reason=reason)


def layers_of_log(log: LogWitness, solved: Sequence[Solved]) -> tuple[Layer, ...]:
    """The layers of the engine that a log ends with; kernels as the solved plan names them."""
    kernels = _kernels(solved)
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


def _kernels(solved: Sequence[Solved]) -> dict[str, str | None]:
    return {
        planned.name: planned.kernel
        for one in solved
        if one.analysis is not None
        for planned in one.analysis.choice.plan
    }


def with_layers_of_log(report: EngineReport, layers: tuple[Layer, ...]) -> EngineReport:
    """The report with a log's layers, where it has none of its own."""
    if report.layers or not layers:
        return report
    classified = classify_layers(layers, io=_io(report))
    return msgspec.structs.replace(
        report, layers_source="build-log", layers=classified, summary=summarize(classified)
    )


def explain(
    report: EngineReport, witnesses: Witnesses, knowledge: Knowledge, *, engine_given: bool
) -> Explained:
    """Explain every layer that is owed an explanation.

    ``engine_given``: whether the report's path is an engine's, so that commands may name it.
    """
    logs = witnesses.logs
    contradiction = another_build(report.layers, logs[0].build) if logs else None
    first = logs[0] if logs and contradiction is None else None
    solved = solve(first) if first else ()
    if first:
        report = with_layers_of_log(report, layers_of_log(first, solved))
    logged = typing_of_build(first.build, knowledge) if first else Typing.UNKNOWN
    # The engine's own version decides where it can; where versions can be either, the log.
    typing = logged if report.typing is Typing.UNKNOWN else report.typing
    told: dict[str, list[LayerReasons]] = {}
    for one in solved:
        for found in causes_of(
            one.log.build,
            one.attempt,
            one.analysis,
            typing=logged,
            log=Path(one.log.name).name,
        ):
            told.setdefault(found.layer, []).append(found)
    whole = _whole_build(first, logged) if first else None
    for layer in report.layers:
        if whole is None:
            break
        if layer.precision in OWED and not any(r.reasons for r in told.get(layer.name, ())):
            told.setdefault(layer.name, []).append(LayerReasons(layer=layer.name, reasons=(whole,)))
    chosen = _chosen_blocks(report.layers, solved)
    if witnesses.model is not None:
        other = mismatch(witnesses.model, _io(report), typing=typing)
        why = other.value if other else unrelated(report.layers, witnesses.model)
        if why:
            note = f"{witnesses.model_path} is not the model of this engine: {why}"
            report = msgspec.structs.replace(report, notes=(*report.notes, note))
            witnesses = replace(witnesses, model=None, model_path=None)
    for found in graph_reasons(report.layers, witnesses.model, typing=typing, io=_io(report)):
        told.setdefault(found.layer, []).append(found)
    report = msgspec.structs.replace(report, typing=typing, choice=_choice(solved))
    known = Surroundings(
        report=report,
        build=first.build if first else None,
        analysis=next((one.analysis for one in solved if one.analysis), None),
        model=witnesses.model,
        model_path=str(witnesses.model_path) if witnesses.model_path else None,
        log_path=first.name if first else None,
        engine_given=engine_given,
    )
    context = context_of(known)

    def remedy(layer: Layer, reason: Reason | None, cost: Cost | None) -> Remedy | None:
        if reason is None:
            return None
        return remedy_of(reason, layer, cost, context, known, knowledge)

    explanations = tuple(
        _explanation(layer, told.get(layer.name, ()), remedy, chosen.get(layer.name, ()))
        for layer in _owed(report.layers)
    )
    report = msgspec.structs.replace(
        report,
        explanations=explanations,
        missing=missing_of(context, knowledge) if explanations else (),
        notes=(
            *report.notes,
            *_foreign(logs, contradiction),
            *_cut(logs),
            *(one.reason for one in solved if one.reason),
            *_flips(report, logs[1:]),
        ),
    )
    answer = _failed_build(first) if first and not report.layers else None
    report = msgspec.structs.replace(report, answer=answer or answer_of(report, half=set(chosen)))
    return Explained(report=report, solved=solved, typing=typing)


def _whole_build(log: LogWitness, typing: Typing) -> Reason | None:
    return not_enabled_by_banner(log.build, Witness(Path(log.name).name), typing)


def _failed_build(log: LogWitness) -> str | None:
    """What ended a build that made no engine, in the log's own words."""
    ends = log.build.noted(NoteKind.ERROR, NoteKind.NO_IMPLEMENTATION, NoteKind.NO_CONFORMING)
    if not ends:
        return None
    last = ends[-1]
    return (
        f"The build in this log made no engine, so there is nothing to explain: {last.text} "
        f"({Path(log.name).name}:{last.line})."
    )


def _chosen_blocks(
    layers: Iterable[Layer], solved: Sequence[Solved]
) -> dict[str, tuple[Evidence, ...]]:
    """Fused blocks whose FP16 variant the builder chose, with its time and the other one's."""
    unknown = {x.name for x in layers if x.precision is Precision.UNKNOWN}
    found: dict[str, tuple[Evidence, ...]] = {}
    for one in solved:
        analysis = one.analysis
        if analysis is None:
            continue
        for planned in analysis.choice.plan:
            if planned.name not in unknown or not planned.half or not planned.same_type:
                continue
            source = f"{Path(one.log.name).name}:{planned.line or planned.candidate_line}"
            value = f"the builder chose the block's FP16 variant: {us(planned.time_ms)}"
            evidence = [Evidence(source=source, value=value)]
            verdict = next((v for v in analysis.verdicts if v.layer == planned.name), None)
            if verdict is not None and verdict.forced is not None:
                total = f"{us(verdict.forced.total_ms)} instead of {us(analysis.choice.plan_ms)}"
                evidence.append(
                    Evidence(
                        source=Path(one.log.name).name,
                        value=f"solved again with the block's other variant: {total}",
                    )
                )
            found[planned.name] = tuple(evidence)
    return found


def _owed(layers: Iterable[Layer]) -> Iterable[Layer]:
    """Compute layers in another floating type, and fused blocks whose inside cannot be seen."""
    for layer in layers:
        if layer.role is Role.COMPUTE and (
            layer.precision in OWED or layer.precision is Precision.UNKNOWN
        ):
            yield layer


def _foreign(logs: Sequence[LogWitness], reason: str | None) -> Iterable[str]:
    if reason is not None:
        yield (
            f"{logs[0].name} is the log of another build, so it proves nothing here: {reason}; "
            "give this engine's own log, or the engine that this log ends with"
        )


def _cut(logs: Sequence[LogWitness]) -> Iterable[str]:
    for log in logs:
        if log.damage is not None:
            yield f"{log.name} is damaged, and was read up to there: {log.damage}"
        errors = log.build.noted(NoteKind.ERROR)
        if errors and log.build.layers:
            yield (
                f"{log.name} tells an error after all was chosen, so this build may have left no "
                f"engine: {errors[-1].text} (line {errors[-1].line})"
            )
        elif log.damage is None and not log.build.complete and _failed_build(log) is None:
            yield f"{log.name} ends before the build does: give the whole log"


def _flips(report: EngineReport, others: Sequence[LogWitness]) -> Iterable[str]:
    """Layers that another build of the model put into another type."""
    here = {x.name: x.precision for x in report.layers if x.role is Role.COMPUTE}
    for log in others:
        layers = classify_layers(layers_of_log(log, solve(log)))
        there = {x.name: x.precision for x in layers if x.role is Role.COMPUTE}
        half = Precision.FP16
        flipped = [
            f"{name} ({here[name].value}, there {there[name].value})"
            for name in here
            if name in there and (here[name] is half) != (there[name] is half)
        ]
        shared = len(here.keys() & there.keys())
        if not shared:
            yield f"{log.name}: it has no layer of this engine, so nothing can be compared"
        elif flipped:
            yield f"{log.name}: {len(flipped)} of {shared} layers flip: {', '.join(flipped)}"
        else:
            yield f"{log.name}: none of {shared} layers in both builds flips"


def _explanation(
    layer: Layer,
    told: Iterable[LayerReasons],
    remedy: Callable[[Layer, Reason | None, Cost | None], Remedy | None],
    chosen: tuple[Evidence, ...],
) -> Explanation:
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
        evidence=(*chosen, *(first.evidence if first else ())),
        cost=CostTold(**msgspec.structs.asdict(cost)) if cost else None,
        remedy=remedy(layer, first, cost),
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
    forced = [v.forced for v in analysis.verdicts if v.forced and v.known and not v.half]
    cheapest = min(forced, key=lambda found: found.total_ms, default=None)
    io = analysis.io_best if analysis.io_best and analysis.io_best.falls else None
    return ChoiceTold(
        log=one.log.name,
        build=one.log.build.number,
        profile=choice.profile,
        reproduced=choice.reproduced,
        layers=choice.layers,
        conversions=choice.conversions,
        plan_ms=choice.plan_ms,
        alternative_ms=cheapest.total_ms if cheapest else None,
        alternative_kernels_ms=cheapest.kernels_ms if cheapest else None,
        alternative_conversions_ms=cheapest.conversions_ms if cheapest else None,
        network_io_ms=io.total_ms if io else None,
        network_io=tuple(f"{f.tensor} as {_format(f)}" for f in io.formats) if io else (),
    )


def _format(network: NetworkFormat) -> str:
    known = dtype_of(network.dtype)
    return f"{known.value.lower() if known else network.dtype}:{network.layout}"


def _io(report: EngineReport) -> tuple[IOTensor, ...]:
    return (report.identity.io if report.identity else None) or ()


def _tensor(name: str, dtype: str, dims: tuple[int, ...]) -> LayerTensor:
    known = dtype_of(dtype)
    return LayerTensor(name=name, dtype=known.value if known else None, shape=dims or None)
