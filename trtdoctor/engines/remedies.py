"""What is known of one user's build, put together for the remedies; and what would tell more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import EngineReport, IOTensor, Layer
from trtdoctor.model.finding import Remedy
from trtdoctor.precision.log import Analysis
from trtdoctor.precision.reasons import Cost, PlaceKind, Reason
from trtdoctor.precision.remedies import (
    BuildTool,
    Given,
    RemedyContext,
    missing_evidence,
    remedy_for,
)
from trtdoctor.readers.buildlog import Build, NoteKind
from trtdoctor.readers.layers.dtypes import dtype_of
from trtdoctor.readers.onnxmodel import OnnxFacts

_TRTEXEC_KEYS = ("Memory Pools", "avgTiming", "Save engine", "LayerPrecisions")
_POLYGRAPHY_KEYS = ("Flags", "Engine Capability")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the remedies of one engine share."""

    report: EngineReport
    build: Build | None = None
    analysis: Analysis | None = None
    model: OnnxFacts | None = None
    model_path: str | None = None
    log_path: str | None = None
    engine_given: bool = False


def context_of(known: Surroundings) -> RemedyContext:
    """The part of the context that is the same for every layer."""
    report, build = known.report, known.build
    identity = report.identity
    version = identity.tensorrt_version if identity else None
    average = build.setting("avgTiming") if build else None
    ran = build.setting("command") if build else None
    profiles = (identity.profiles if identity else None) or ()
    verbosity = identity.profiling_verbosity if identity else None
    inputs, outputs = _io(report, build)
    given = {
        Given.LOG: build is not None and build.verbose,
        Given.LAYERS: any(layer.weights or layer.tactic for layer in report.layers),
        Given.PROFILE: any(layer.time_ms is not None for layer in report.layers),
        Given.ONNX: known.model is not None,
    }
    return RemedyContext(
        product=(identity.product if identity else None) or "tensorrt",
        version=version or (build.version if build else None),
        typing=report.typing,
        tool=_tool(build),
        command=_words(ran.value) if ran else (),
        model=known.model_path,
        engine=report.path if known.engine_given else None,
        log=known.log_path,
        fp16_allowed=_fp16_allowed(build),
        detailed=None if verbosity is None else verbosity == "detailed",
        have=frozenset(kind for kind, there in given.items() if there),
        inputs=inputs,
        outputs=outputs,
        shapes=tuple(profiles[0].items()) if len(profiles) == 1 else (),
        plan_ms=known.analysis.choice.plan_ms if known.analysis else None,
        pinned=tuple(
            note.subject for note in (build.noted(NoteKind.PIN) if build else ()) if note.subject
        ),
        avg_timing=int(average.value) if average and average.value.isdigit() else None,
    )


def remedy_of(
    reason: Reason,
    layer: Layer,
    cost: Cost | None,
    context: RemedyContext,
    known: Surroundings,
    knowledge: Knowledge,
) -> Remedy | None:
    """What to do about one layer's cause."""
    analysis = known.analysis
    io = None
    if reason.cause is Cause.NETWORK_IO and analysis is not None:
        found = [x for x in (analysis.io_best, analysis.io_linear) if x is not None and x.falls]
        io = min(found, key=lambda x: x.total_ms, default=None)
    nodes = [p.name for p in reason.places if p.kind is PlaceKind.NODE] or list(layer.onnx_nodes)
    operators = {n.label: n.op for n in known.model.nodes} if known.model else {}
    return remedy_for(
        reason.cause,
        replace(
            context,
            layer=layer.name,
            network_layers=network_layers(layer.name),
            onnx_nodes=tuple(nodes),
            op_types=tuple(dict.fromkeys(operators[n] for n in nodes if n in operators)),
            casts=tuple(p.name for p in reason.places if p.kind is PlaceKind.CAST),
            network_io=io,
            predicted_ms=io.total_ms if io else None,
            margin_ms=cost.margin_ms if cost else None,
        ),
        knowledge=knowledge,
    )


def missing_of(context: RemedyContext, knowledge: Knowledge) -> tuple[Remedy, ...]:
    """Evidence that is not at hand, each with the commands that make it."""
    commands: dict[str, list[str]] = {}
    for what, command in missing_evidence(context.have, context, knowledge=knowledge):
        commands.setdefault(what, []).append(command)
    return tuple(Remedy(text=what, commands=tuple(lines)) for what, lines in commands.items())


def network_layers(name: str) -> tuple[str, ...]:
    """The network's layers that an engine's layer was fused from."""
    plain = re.sub(r" \[profile \d+\]$", "", name)
    parts = (
        re.sub(r"\bPWN\(|\)$", "", plain).split(" + ") if "PWN(" in plain else plain.split(" + ")
    )
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _words(command: str) -> tuple[str, ...]:
    """A command's words; trtexec prints its arguments unquoted, so blanks in them are lost."""
    return tuple(command.split())


def _tool(build: Build | None) -> BuildTool:
    if build is None:
        return BuildTool.UNKNOWN
    if any(build.setting(key) for key in _TRTEXEC_KEYS):
        return BuildTool.TRTEXEC
    if any(build.setting(key) for key in _POLYGRAPHY_KEYS):
        return BuildTool.POLYGRAPHY
    return BuildTool.UNKNOWN


def _fp16_allowed(build: Build | None) -> bool | None:
    """By the banner, or by a candidate that was tried in Half; without either nobody knows."""
    if build is None:
        return None
    banner = build.setting("Precision")
    if banner is not None:
        return "FP16" in banner.value
    half = any(
        form.dtype == "Half"
        for attempt in build.attempts
        for tuning in attempt.layers
        for candidate in tuning.candidates
        for form in (*candidate.inputs, *candidate.outputs)
    )
    return True if half else None


def _io(
    report: EngineReport, build: Build | None
) -> tuple[tuple[IOTensor, ...], tuple[IOTensor, ...]]:
    """All network inputs and outputs in their order; empty where any is not known."""
    told = (report.identity.io if report.identity else None) or ()
    if told:
        return _mode(told, "input"), _mode(told, "output")
    if build is None:
        return (), ()
    inputs = [(t.name, t.dtype) for t in build.inputs]
    written = {t.name: t.dtype for layer in build.layers for t in layer.outputs}
    outputs = [(name, written.get(name, "")) for name in build.outputs]
    return _tensors(inputs, "input"), _tensors(outputs, "output")


def _mode(told: Iterable[IOTensor], mode: str) -> tuple[IOTensor, ...]:
    return tuple(tensor for tensor in told if tensor.mode == mode)


def _tensors(pairs: list[tuple[str, str]], mode: str) -> tuple[IOTensor, ...]:
    found = [(name, dtype_of(dtype)) for name, dtype in pairs]
    if any(kind is None for _, kind in found):
        return ()
    return tuple(
        IOTensor(name=name, mode=mode, dtype=kind.value) for name, kind in found if kind is not None
    )
