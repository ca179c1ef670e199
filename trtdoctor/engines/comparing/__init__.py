"""Two engines of one model side by side, and whether the second is worth it.

Everything here is a pure function of what was read, measured and given: it touches no machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trtdoctor.model.comparison import Comparison, OutputDifference
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.finding import Command

from .accuracy import Accuracy, judge_outputs
from .alignment import Group, align, compared_layers, of_first_profile
from .changes import changed_layers
from .conversions import conversions_apart
from .outputs import compare_outputs
from .sameness import Sameness, compare_models
from .side_by_side import side_by_side
from .suspects import suspects
from .timing import compare_times
from .verdict import verdict

__all__ = ["BUDGET", "OutputsSeen", "compare_engines", "compare_outputs", "judge_outputs"]

# What `trtdoctor plan` asks for too, in dB: outputs of FP16 that rounds and breaks nothing keep it.
BUDGET = 40.0


@dataclass(frozen=True, kw_only=True)
class OutputsSeen:
    """Outputs of both engines, compared.

    Attributes:
        differences: Of `compare_outputs`.
        reference: What the reference is, where there is one: ``onnxruntime 1.20 in FP32``.
        inputs: What they were made with, half a sentence.
        notes: What limits them, a sentence each.
    """

    differences: tuple[OutputDifference, ...] = ()
    reference: str | None = None
    inputs: str | None = None
    notes: tuple[str, ...] = ()


_NONE_SEEN = OutputsSeen()


def compare_engines(
    a: EngineReport,
    b: EngineReport,
    *,
    outputs: OutputsSeen = _NONE_SEEN,
    hazards: Mapping[str, str] | None = None,
    budget: float = BUDGET,
    measure: str = "measure both on one GPU",
    compare: str = "compare their outputs",
    reference: str = "the model that both were built from would",
    commands: Mapping[str, tuple[Command, ...]] | None = None,
    memory: tuple[int | None, int | None] = (None, None),
) -> Comparison:
    """B beside A, which it would replace.

    Args:
        a: The engine that is there.
        b: The other.
        outputs: What both gave for the same inputs.
        hazards: What FP16 does to nodes of the model, by their labels; None without a model.
        budget: The signal to noise that outputs have to keep, in dB.
        measure: What to do where times are missing; a clause of the verdict.
        compare: What to do where outputs are missing; a clause of the verdict.
        reference: What to do where only a reference would tell; a clause of the verdict.
        commands: Commands that tell ``times``, ``outputs`` or the ``reference`` where it is missing.
        memory: What running each takes on the GPU beside its weights, in bytes.
    """
    groups = _aligned(a, b)
    same = compare_models(a, b, groups)
    accuracy = judge_outputs(outputs.differences, budget=budget, reference=outputs.reference)
    if accuracy is not None and accuracy.sound and outputs.inputs is not None:
        accuracy = replace(accuracy, why=f"{accuracy.why} on {outputs.inputs}")
    unlike = same.nodes if accuracy is None or not accuracy.sound else None
    apart = same.tensors or same.shapes or unlike or same.gpus
    times = compare_times(a, b, apart=None if apart is None else _words(same, apart))
    found = verdict(same, times, accuracy, measure=measure, compare=compare, reference=reference)
    layers, alike = ((), 0) if same.nodes or same.unnamed else changed_layers(groups)
    added, removed = ((), ()) if same.nodes or same.unnamed else conversions_apart(a, b)
    return Comparison(
        a=a.path,
        b=b.path,
        facts=side_by_side(a, b, memory=memory),
        a_ms=times.a,
        b_ms=times.b,
        clock=times.clock,
        gain=times.gain,
        conversions_added=added,
        conversions_removed=removed,
        layers=layers,
        alike=alike,
        outputs=outputs.differences,
        reference=outputs.reference,
        inputs=outputs.inputs,
        suspects=_suspects(groups, b, accuracy, hazards),
        worth=found.worth,
        verdict=found.why,
        commands=(commands or {}).get(found.missing or "", ()),
        notes=tuple(_notes(a, b, same, times.notes, outputs)),
    )


def _words(same: Sameness, apart: str) -> str:
    return f"they are not of one model, {apart}" if apart == same.nodes else apart


def _aligned(a: EngineReport, b: EngineReport) -> tuple[Group, ...]:
    ours, theirs = compared_layers(a), compared_layers(b)
    chosen = {id(layer) for layer in (*ours, *theirs)}
    between = [
        layer for engine in (a, b) for layer in of_first_profile(engine) if id(layer) not in chosen
    ]
    inside = {
        block.name: tuple(
            dict.fromkeys(node for layer in block.layers for node in layer.onnx_nodes)
        )
        for engine in (a, b)
        for block in engine.blocks
    }
    return align(ours, theirs, between=between, inside=inside)


def _suspects(
    groups: tuple[Group, ...],
    b: EngineReport,
    accuracy: Accuracy | None,
    hazards: Mapping[str, str] | None,
) -> tuple[str, ...]:
    if accuracy is None or accuracy.sound or not accuracy.bad:
        return ()
    return suspects(groups, of_first_profile(b), accuracy.bad, hazards)


def _notes(
    a: EngineReport,
    b: EngineReport,
    same: Sameness,
    of_times: tuple[str, ...],
    outputs: OutputsSeen,
) -> list[str]:
    notes = [*same.notes, *of_times, *outputs.notes]
    for side, engine in (("A", a), ("B", b)):
        if not engine.layers:
            notes.append(f"no layers of {side} could be read")
    for note in dict.fromkeys((*a.notes, *b.notes)):
        sides = [side for side, engine in (("A", a), ("B", b)) if note in engine.notes]
        notes.append(f"{' and '.join(sides)}: {note}")
    if same.nodes:
        notes.append(f"layers are not aligned, for {same.nodes}")
    elif same.unnamed and a.layers and b.layers:
        notes.append("layers are not aligned: nothing that A and B tell of them is the same")
    return notes
