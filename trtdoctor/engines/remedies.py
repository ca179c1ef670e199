"""What is known of one user's build, put together for the remedies; and what would tell more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import replace

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import EngineReport, IOTensor, Layer, LayersSource, Precision
from trtdoctor.model.finding import Command, Remedy
from trtdoctor.model.typing import Typing
from trtdoctor.precision.graph import attentions
from trtdoctor.precision.layers.roles import FLOATS
from trtdoctor.precision.numbers import Gate, Verdict, fragile, wide_tensors
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

from .log_testimony import LogTestimony

_TRTEXEC_KEYS = ("Memory Pools", "avgTiming", "Save engine", "LayerPrecisions")
_POLYGRAPHY_KEYS = ("Flags", "Engine Capability")


class Remedies:
    """The remedies for one engine, in the words of its own build."""

    def __init__(
        self,
        report: EngineReport,
        *,
        log: LogTestimony | None,
        model: OnnxFacts | None,
        model_path: str | None,
        files: tuple[tuple[Given, str], ...],
        engine_given: bool,
        knowledge: Knowledge,
    ) -> None:
        self._analysis = log.analysis if log else None
        self._knowledge = knowledge
        self._gate = Gate(model)
        engine = report.layers_source is not LayersSource.MODEL
        self._attentions = attentions(model, report.layers) if model and engine else ()
        build, identity = log.build if log else None, report.identity
        average = build.setting("avgTiming") if build else None
        profiles = (identity.profiles if identity else None) or ()
        verbosity = identity.profiling_verbosity if identity else None
        version = identity.tensorrt_version if identity else None
        inputs, outputs = _io(report, build)
        self._context = RemedyContext(
            product=(identity.product if identity else None) or "tensorrt",
            version=version or (build.version if build else None),
            typing=report.typing,
            tool=_tool(build),
            command=_command(build),
            model=model_path,
            engine=report.path if engine_given else None,
            fp16_allowed=_fp16_allowed(report, build),
            allowed=_allowed(report, build),
            detailed=None if verbosity is None else verbosity == "detailed",
            have=_have(report, build, model),
            files=files,
            inputs=inputs,
            outputs=outputs,
            shapes=tuple(profiles[0].items()) if len(profiles) == 1 else (),
            plan_ms=self._analysis.choice.plan_ms if self._analysis else None,
            pinned=tuple(
                note.subject
                for note in (build.noted(NoteKind.PIN) if build else ())
                if note.subject
            ),
            avg_timing=int(average.value) if average and average.value.isdigit() else None,
            layer=None,
            network_layers=(),
            onnx_nodes=(),
            casts=(),
            lowering=None,
            fragile=tuple((n.label, n.op) for n in fragile(model)) if model is not None else None,
            fragile_named=model is not None and _named(model),
            wide_io=wide_tensors(model) if model is not None else None,
            fp16_edges=False,
            attention=None,
            network_io=None,
            margin_ms=None,
            tactic_bytes=None,
        )

    def of(self, layer: Layer, reason: Reason, cost: Cost | None) -> Remedy | None:
        """What to do about one layer's cause; None where nothing helps."""
        nodes = [place.name for place in reason.places if place.kind is PlaceKind.NODE]
        onnx_nodes = tuple(nodes or layer.onnx_nodes)
        edges = {t.dtype for t in (*layer.inputs, *layer.outputs) if t.dtype in FLOATS}
        context = replace(
            self._context,
            layer=layer.name,
            network_layers=network_layers(layer.name),
            onnx_nodes=onnx_nodes,
            casts=tuple(p.name for p in reason.places if p.kind is PlaceKind.CAST),
            lowering=self._lowering(reason.cause, onnx_nodes, network_layers(layer.name)),
            fp16_edges=edges == {"FP16"},
            attention=self._fused_attention(layer) if reason.cause is Cause.CAST_ISLAND else None,
            network_io=self._analysis.network_io
            if self._analysis and reason.cause is Cause.NETWORK_IO
            else None,
            margin_ms=cost.margin_ms if cost else None,
            tactic_bytes=reason.scratch_bytes,
        )
        return remedy_for(reason.cause, context, knowledge=self._knowledge)

    def _fused_attention(self, layer: Layer) -> bool | None:
        """Whether one kernel computes the attention that the layer belongs to; None without one."""
        homes = (one for one in self._attentions if layer.name in one.layers)
        found = next(homes, None)
        return None if found is None else found.fused

    def _lowering(
        self, cause: Cause, nodes: tuple[str, ...], layers: tuple[str, ...]
    ) -> Verdict | None:
        """What the gate says of the nodes that this cause's remedy would compute in FP16."""
        if cause is Cause.CAST_ISLAND:
            return self._gate.verdict(nodes)
        if cause in (Cause.CONSTRAINT_NOT_HONOURED, Cause.TACTIC_MEMORY):
            return self._gate.guarded((*layers, *nodes))
        if cause is Cause.PINNED:
            return self._gate.guarded(self._context.pinned or (*layers, *nodes))
        return None

    def advice(self, causes: Set[Cause]) -> tuple[Remedy, ...]:
        """What would make the engine faster although the cause of no layer asks for it.

        FP16 network tensors, where 19 of 20 builds gain by them: that an engine is FP16 already
        does not mean that it takes and gives FP16.
        """
        io = self._analysis.network_io if self._analysis else None
        if Cause.NETWORK_IO in causes or io is None or io.gain is None or not io.gain.sure:
            return ()
        context = replace(self._context, network_io=io)
        remedy = remedy_for(Cause.NETWORK_IO, context, knowledge=self._knowledge)
        return (remedy,) if remedy else ()

    def launching(self) -> Remedy:
        """What to do where launches take the time and not kernels."""
        return Remedy(
            text="Launch less: replay the engine as a CUDA graph, raise the batch, or run several "
            "streams. FP16 makes kernels shorter, not launches. trtexec's --useCudaGraph tells in a "
            "minute what a graph gives.",
        )

    def missing(self) -> tuple[Remedy, ...]:
        """Evidence that is not at hand, each with the commands that make it."""
        commands: dict[str, list[Command]] = {}
        for what, command in missing_evidence(
            self._context.have, self._context, knowledge=self._knowledge
        ):
            commands.setdefault(what, []).append(command)
        return tuple(
            Remedy(text=f"{what[:1].upper()}{what[1:]}:", commands=tuple(found))
            for what, found in commands.items()
        )


def _named(model: OnnxFacts) -> bool:
    """Whether each fragile node's label is the name of its layer.

    The parser adds a number to a name that it has had before, and what stands in a subgraph or a
    function has a layer of another name.
    """
    uses = Counter(node.label for node in model.nodes)
    return all(
        uses[node.label] == 1 and node.label in {node.name, f"node_of_{node.outputs[0]}"}
        for node in fragile(model)
    )


def network_layers(name: str) -> tuple[str, ...]:
    """The network's layers that an engine's layer was fused from."""
    plain = re.sub(r" \[profile \d+\]$", "", name)
    if "PWN(" in plain:
        plain = re.sub(r"\bPWN\(|\)$", "", plain)
    return tuple(dict.fromkeys(part.strip() for part in plain.split(" + ") if part.strip()))


def _have(report: EngineReport, build: Build | None, model: OnnxFacts | None) -> frozenset[Given]:
    given = {
        Given.LOG: build is not None and build.verbose,
        Given.LAYERS: any(layer.weights or layer.tactic for layer in report.layers)
        or (
            # Fused blocks alone have neither, however much was asked for.
            report.layers_source in (LayersSource.LIVE, LayersSource.LAYERS_FILE)
            and any(layer.inputs or layer.outputs for layer in report.layers)
        ),
        Given.PROFILE: any(layer.time_ms is not None for layer in report.layers),
        Given.ONNX: model is not None,
    }
    return frozenset(kind for kind, there in given.items() if there)


def _command(build: Build | None) -> tuple[str, ...]:
    """The build's command as words.

    trtexec prints its arguments unquoted, but each begins with ``--``, so what does not belongs to
    the value before it.
    """
    ran = build.setting("command") if build else None
    words: list[str] = []
    for word in ran.value.split(" ") if ran else ():
        if len(words) > 1 and not word.startswith("--"):
            words[-1] += f" {word}"
        elif word:
            words.append(word)
    return tuple(words)


def _tool(build: Build | None) -> BuildTool:
    if build is None:
        return BuildTool.UNKNOWN
    if any(build.setting(key) for key in _TRTEXEC_KEYS):
        return BuildTool.TRTEXEC
    if any(build.setting(key) for key in _POLYGRAPHY_KEYS):
        return BuildTool.POLYGRAPHY
    return BuildTool.UNKNOWN


def _allowed(report: EngineReport, build: Build | None) -> tuple[str, ...]:
    """The precisions that the banner names or, without one, that some layer has."""
    banner = build.setting("Precision") if build else None
    if banner is not None:
        told = set(re.split(r"[^A-Z0-9]+", banner.value))
    else:
        told = {t.dtype for layer in report.layers for t in (*layer.inputs, *layer.outputs)}
    return tuple(name for name in ("FP16", "BF16", "INT8", "FP8") if name in told)


def _fp16_allowed(report: EngineReport, build: Build | None) -> bool | None:
    """By the banner, a candidate that was tried in Half or, without a log, a layer that is FP16.

    None where nothing tells. Where the model's types decide nothing was allowed or forbidden.
    """
    if build is None:
        half = any(layer.precision is Precision.FP16 for layer in report.layers)
        return True if half and report.typing is not Typing.STRONG else None
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
