"""The two sentences that come first: how much of a model is FP16, and what matters most."""

from __future__ import annotations

from trtdoctor.model.cause import Cause
from trtdoctor.model.facts import OnnxModel
from trtdoctor.model.finding import Confidence
from trtdoctor.model.hazard import Effect, Hazard
from trtdoctor.model.model_report import ModelReport, PrecisionMap
from trtdoctor.model.typing import Typing

_STAY = {
    Cause.GRAPH_SAYS_FP32: "because the model's own tensors are FP32",
    Cause.CAST_ISLAND: "because Casts to FP32 and back surround them",
    Cause.DQ_SCALE_FP32: "because scales of DequantizeLinear are FP32",
    Cause.FP32_ONLY_OPERATOR: "because ONNX defines their operators for FP32 alone",
    Cause.GRAPH_SAYS_BF16: "because the model's own tensors are BF16",
    Cause.UNKNOWN: "and of what type they are does not follow from the model",
}


def answer_of(report: ModelReport, facts: OnnxModel) -> str:
    """At most two sentences, in words that stand alone."""
    strong = next((m for m in report.maps if m.typing is Typing.STRONG), None)
    weak = next((m for m in report.maps if m.typing is Typing.WEAK), None)
    first = _by_types(strong) if strong else _by_builder(weak) if weak else ""
    second = _matters(facts) or (_by_builder(weak) if strong and weak else "")
    return " ".join(part for part in (first, second) if part)


def _by_types(found: PrecisionMap) -> str:
    number, where = found.counted.nodes, "where its types decide (TensorRT 11, TensorRT-RTX)"
    if not number:
        return "The model has no floating-point arithmetic, so that FP16 does not concern it."
    half = found.shares.get("FP16")
    halves = half.nodes if half else 0
    if halves == number:
        return f"All {number:,} compute nodes of the model are FP16 {where}."
    others = ", ".join(
        f"{work.nodes:,} {'of unknown type' if word == 'unknown' else word}"
        for word, work in sorted(found.shares.items(), key=lambda item: -item[1].nodes)
        if word != "FP16"
    )
    told = "None" if not halves else f"{halves:,}"
    first = f"{told} of the model's {number:,} compute nodes {'is' if halves < 2 else 'are'} FP16"
    return f"{first} {where}: {others}{_why(found)}."


def _why(found: PrecisionMap) -> str:
    counts: dict[Cause, int] = {}
    for region in found.regions:
        if region.cause is not None:
            counts[region.cause] = counts.get(region.cause, 0) + region.work.nodes
    if not counts:
        return ""
    cause = max(counts, key=lambda one: counts[one])
    mostly = "mostly " if len(counts) > 1 else ""
    return f", {mostly}{_STAY[cause]}" if cause in _STAY else ""


def _by_builder(found: PrecisionMap | None) -> str:
    if found is None or not found.counted.nodes:
        return ""
    may = found.shares.get("FP16 or FP32")
    return (
        f"Where the builder decides (TensorRT up to 10, with FP16 allowed), {may.nodes if may else 0:,} "
        f"of {found.counted.nodes:,} may become FP16, and only a build tells which are faster so."
    )


def _matters(facts: OnnxModel) -> str:
    """What a reader has to know first: that it does not build, or what breaks, or what is not known."""
    if facts.refused_count:
        first = facts.refused[0]
        more = f" and {facts.refused_count - 1:,} more" if facts.refused_count > 1 else ""
        return f"It does not build there: {first.node}{more} ({first.op}): {first.what}."
    hazards = [h for h in facts.hazards or () if h.effect is not Effect.HARMLESS]
    count = max(facts.hazards_count, len(hazards))
    now = [h for h in hazards if h.type == "FLOAT16"]
    if now:
        return f"{_places(len(now))} already in FP16 may break its numbers: {_first(now)}"
    if hazards and not facts.by_type.get("FP16"):
        return f"Converted whole, {_places(count)} may break its numbers: {_first(hazards)}"
    if hazards:
        return f"What FP16 would break ({_places(count)}) is kept in FP32: {_first(hazards)}"
    if facts.hazards is None or not facts.compute:
        return ""
    if facts.measured is None:
        return (
            "No hazard is seen in its operators and stored numbers; its values were not measured "
            "(--inputs)."
        )
    return (
        "No hazard is seen in its operators, its stored numbers or its values over "
        f"{facts.samples:,} inputs."
    )


def _places(number: int) -> str:
    return "1 place" if number == 1 else f"{number:,} places"


def _first(hazards: list[Hazard]) -> str:
    """The surest and worst of them, in its own words, as the end of a sentence."""
    order = list(Confidence)
    worst = min(hazards, key=lambda h: (order.index(h.confidence), list(Effect).index(h.effect)))
    where = f"{worst.nodes[0]}: " if worst.nodes else ""
    return f"{where}{worst.what}"
