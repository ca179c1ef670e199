"""Why not FP16: what the witnesses say of each layer, put into one answer for each engine.

The build log is the witness where the builder chooses, the graph where the model's types decide.
What none of them proves stays unknown, with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import (
    CostTold,
    EngineReport,
    Explanation,
    IOTensor,
    Layer,
    LayersSource,
    Precision,
    ReasonTold,
    Role,
)
from trtdoctor.model.finding import Confidence, Evidence
from trtdoctor.model.typing import Typing
from trtdoctor.model.watch import UNHURRIED, Watch
from trtdoctor.precision.graph import edge_casts, graph_reasons, layers_of_model
from trtdoctor.precision.layers import classify_layers, named_alone, summarize
from trtdoctor.precision.reasons import LayerReasons, Reason
from trtdoctor.precision.remedies import Given
from trtdoctor.readers.onnxmodel import OnnxFacts
from trtdoctor.readers.profile import Profile

from .belonging import log_contradicts, model_contradicts
from .converter import with_rules
from .given import GivenLog, Witnesses
from .inside import tf32_possible
from .launches import launches, measured_launches
from .log_testimony import LogTestimony, damages, failure_of, flips, hear, several_builds
from .remedies import Remedies
from .sentences import NAMED_ALONE, answer_of, failed
from .timing import timed

# What narrower arithmetic or integers compute in needs no explanation beside FP16.
OWED = frozenset({Precision.FP32, Precision.TF32, Precision.BF16, Precision.MIXED})


def explain(
    report: EngineReport,
    witnesses: Witnesses,
    knowledge: Knowledge,
    *,
    engine_given: bool,
    testimony: LogTestimony | None = None,
    watch: Watch = UNHURRIED,
) -> EngineReport:
    """The report with an explanation of every layer that is owed one.

    Args:
        report: what is in the engine.
        witnesses: the evidence beside it.
        knowledge: the tables.
        engine_given: whether the report's path is an engine's, so that commands may name it.
        testimony: what the first log tells, where it has been heard already.
        watch: how long to solve; what there was no time for is told.
    """
    log, foreign_log = _own_log(report, witnesses.logs, testimony, knowledge, watch)
    if log is not None:
        report = _with_layers(_with_identity(report, log), log, witnesses.profile, knowledge)
    typing = _typing(report, log)
    model, foreign_model = _own_model(report, witnesses, typing)
    blocks = log.half_blocks(report.layers) if log else {}
    told = _told(report, log, model, typing)
    report = msgspec.structs.replace(
        report,
        typing=typing,
        choice=log.choice() if log else None,
        log=log.log.name if log else None,
        failure=failure_of(log.log, knowledge) if log and not report.layers else None,
    )
    remedies = Remedies(
        report,
        log=log,
        model=model,
        model_path=str(witnesses.model_path) if model is not None else None,
        files=_files(witnesses, log),
        engine_given=engine_given,
        knowledge=knowledge,
    )
    slow = measured_launches(report.measured) or launches(log, report.layers)
    if witnesses.autocast is not None:
        nodes = {layer.name: layer.onnx_nodes for layer in report.layers}
        told = {
            name: [with_rules(one, nodes.get(name, ()), witnesses.autocast) for one in found]
            for name, found in told.items()
        }
    explanations = tuple(
        _explanation(layer, told.get(layer.name, ()), remedies, blocks.get(layer.name, ()))
        for layer in _owed(report.layers)
    )
    report = msgspec.structs.replace(
        report,
        explanations=explanations,
        advice=(
            *((remedies.launching(),) if slow else ()),
            *remedies.advice({told.cause for told in explanations}),
        ),
        missing=remedies.missing() if explanations or _mute(report, log) else (),
        notes=(
            *report.notes,
            *foreign_model,
            *foreign_log,
            *several_builds(witnesses.logs[:1]),
            *damages(witnesses.logs, knowledge, built=report.build is not None),
            *(log.unsolved if log else ()),
            *flips(report.layers, witnesses.logs[1:], knowledge, watch),
            *_edges(model, typing),
        ),
    )
    answer = None
    if log is not None and report.failure is not None:
        answer = failed(report.failure, log.log.short)
    elif _mute(report, log):
        answer = (
            "The log is not verbose: it says that an engine was built, but neither its layers nor "
            "why they are what they are. Below is what would tell more."
        )
    answer = answer or answer_of(report, half=set(blocks))
    return msgspec.structs.replace(report, answer=f"{answer} {slow}" if slow else answer)


def _mute(report: EngineReport, log: LogTestimony | None) -> bool:
    """Whether there is nothing but a build's log that is not verbose."""
    return log is not None and not report.layers and not log.build.verbose and log.build.complete


def model_report(path: str, model: OnnxFacts) -> EngineReport:
    """A model in the place of an engine: its nodes, as a strongly typed build would compute them."""
    layers = layers_of_model(model)
    return EngineReport(
        path=path,
        typing=Typing.STRONG,
        layers_source=LayersSource.MODEL,
        layers=layers,
        summary=summarize(layers),
        notes=(
            "no engine was given: these are the model's nodes, as TensorRT 11 and TensorRT-RTX compute "
            "them, where the model's types decide; how they are fused, only an engine tells",
            "with TensorRT up to 10 the builder decides, unless the network is strongly typed: build "
            "with --verbose, and explain the log with --log",
        ),
    )


# The witnesses -----------------------------------------------------------------------------------


def _files(witnesses: Witnesses, log: LogTestimony | None) -> tuple[tuple[Given, str], ...]:
    """Where the evidence stands that the user gave beside the engine and the model."""
    found = [(Given.LOG, log.log.name)] if log is not None else []
    if witnesses.layers_path is not None:
        found.append((Given.LAYERS, str(witnesses.layers_path)))
    return tuple(found)


def _own_log(
    report: EngineReport,
    logs: tuple[GivenLog, ...],
    testimony: LogTestimony | None,
    knowledge: Knowledge,
    watch: Watch,
) -> tuple[LogTestimony | None, tuple[str, ...]]:
    """The first log's testimony, unless it is another build's, and then a note that says so."""
    if not logs:
        return None, ()
    reason = log_contradicts(report.layers, logs[0].build)
    if reason is None:
        return testimony or hear(logs[0], knowledge, watch), ()
    return None, (
        f"{logs[0].name} is the log of another build, so it proves nothing here: {reason}; "
        "give this engine's own log, or the engine that this log ends with",
    )


def _own_model(
    report: EngineReport, witnesses: Witnesses, typing: Typing
) -> tuple[OnnxFacts | None, tuple[str, ...]]:
    """The model, unless it is another engine's, and then a note that says so."""
    model = witnesses.model
    if model is None:
        return None, ()
    reason = model_contradicts(report.layers, _io(report), model, typing=typing)
    if reason is None:
        return model, ()
    return None, (f"{witnesses.model_path} is not the model of this engine: {reason}",)


def _edges(model: OnnxFacts | None, typing: Typing) -> tuple[str, ...]:
    """What the network's own tensors convert, where the model's types hold."""
    told = edge_casts(model) if model is not None and typing is Typing.STRONG else None
    return () if told is None else (told,)


def _with_identity(report: EngineReport, log: LogTestimony) -> EngineReport:
    """The report with the identity that the log tells, where no engine file tells one."""
    if report.identity is not None:
        return report
    return msgspec.structs.replace(report, identity=log.identity())


def _with_layers(
    report: EngineReport, log: LogTestimony, profile: Profile | None, knowledge: Knowledge
) -> EngineReport:
    """The report with the log's layers, where it has none of its own or their names alone."""
    layers = log.layers() if not report.layers or named_alone(report.layers) else ()
    if not layers:
        return report
    tf32 = tf32_possible(report.identity, knowledge)
    classified, notes = timed(classify_layers(layers, io=_io(report), tf32_possible=tf32), profile)
    return msgspec.structs.replace(
        report,
        layers_source=LayersSource.BUILD_LOG,
        layers=classified,
        summary=summarize(classified),
        notes=(*(note for note in report.notes if note != NAMED_ALONE), *notes),
    )


def _told(
    report: EngineReport, log: LogTestimony | None, model: OnnxFacts | None, typing: Typing
) -> dict[str, list[LayerReasons]]:
    """What each witness says, by layer; the log first."""
    told: dict[str, list[LayerReasons]] = {}
    for found in log.reasons() if log else ():
        told.setdefault(found.layer, []).append(found)
    whole = log.whole_build() if log else None
    for layer in report.layers if whole else ():
        if layer.precision in OWED and not any(r.reasons for r in told.get(layer.name, ())):
            reasons = (whole,) if whole else ()
            told.setdefault(layer.name, []).append(LayerReasons(layer=layer.name, reasons=reasons))
    for found in graph_reasons(report.layers, model, typing=typing, io=_io(report)):
        if report.layers_source is LayersSource.MODEL:
            found = _of_nodes(found)
        told.setdefault(found.layer, []).append(found)
    return told


def _of_nodes(found: LayerReasons) -> LayerReasons:
    """The reasons of a node without an engine: likely, since no layer was seen."""
    return msgspec.structs.replace(
        found,
        reasons=tuple(
            msgspec.structs.replace(
                reason,
                confidence=Confidence.LIKELY
                if reason.confidence is Confidence.CERTAIN
                else reason.confidence,
                evidence=tuple(item for item in reason.evidence if item.source != "engine"),
            )
            for reason in found.reasons
        ),
    )


def _typing(report: EngineReport, log: LogTestimony | None) -> Typing:
    """The engine's own version decides where it can; where versions can be either, the log."""
    if report.typing is not Typing.UNKNOWN or log is None:
        return report.typing
    return log.typing


def _io(report: EngineReport) -> tuple[IOTensor, ...]:
    return (report.identity.io if report.identity else None) or ()


# The explanations --------------------------------------------------------------------------------


def _owed(layers: Iterable[Layer]) -> Iterable[Layer]:
    """Compute layers in another floating type, and fused blocks whose inside cannot be seen."""
    for layer in layers:
        if layer.role is Role.COMPUTE and (
            layer.precision in OWED or layer.precision is Precision.UNKNOWN
        ):
            yield layer


def _explanation(
    layer: Layer,
    told: Iterable[LayerReasons],
    remedies: Remedies,
    chosen: tuple[Evidence, ...],
) -> Explanation:
    told = tuple(told)
    reasons = _merged([reason for found in told for reason in found.reasons])
    first = reasons[0] if reasons else None
    cost = next((found.cost for found in told if found.cost), None)
    return Explanation(
        layer=layer.name,
        precision=layer.precision,
        cause=first.cause if first else Cause.UNKNOWN,
        confidence=first.confidence if first else None,
        region=next((found.region for found in told if found.region), None),
        decided_again=next((found.decided_again for found in told if found.decided_again), None),
        other_causes=tuple(
            ReasonTold(cause=r.cause, confidence=r.confidence, evidence=r.evidence)
            for r in reasons[1:]
        ),
        evidence=(*chosen, *(first.evidence if first else ())),
        cost=CostTold(**msgspec.structs.asdict(cost)) if cost else None,
        remedy=remedies.of(layer, first, cost) if first else None,
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
