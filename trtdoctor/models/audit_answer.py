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
        if number == 1:
            return f"The model's only compute node is FP16 {where}."
        return f"All {number:,} compute nodes of the model are FP16 {where}."
    word, why = _why(found)
    others = "; ".join(
        f"{work.nodes:,} {'of unknown type' if kind == 'unknown' else kind}"
        # What the reason is of stands right before it.
        for kind, work in sorted(
            found.shares.items(), key=lambda item: (item[0] == word, -item[1].nodes)
        )
        if kind != "FP16"
    )
    told = "None" if not halves else f"{halves:,}"
    first = f"{told} of the model's {number:,} compute nodes {'is' if halves < 2 else 'are'} FP16"
    if number == 1:
        first = "The model's only compute node is not FP16"
    return f"{first} {where}: {others}{why}."


def _why(found: PrecisionMap) -> tuple[str, str]:
    """The type that most nodes have for one cause, and that cause as the end of a sentence."""
    counts: dict[tuple[str, Cause], int] = {}
    for region in found.regions:
        if region.cause is not None:
            key = (region.precisions[0].value, region.cause)
            counts[key] = counts.get(key, 0) + region.work.nodes
    if not counts:
        return "", ""
    word, cause = max(counts, key=lambda key: counts[key])
    mostly = "mostly " if sum(1 for other, _ in counts if other == word) > 1 else ""
    return word, f", {mostly}{_STAY[cause]}" if cause in _STAY else ""


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
    seen, unseen = ["its operators"], list[str]()
    (unseen if facts.not_read else seen).append("its stored numbers")
    if facts.measured is None:
        unseen.append("its values")
    else:
        seen.append(f"its values over {facts.samples:,} inputs")
    told = f"No hazard is seen in {_listed(seen)}"
    if not unseen:
        return f"{told}."
    how = " (--inputs)" if facts.measured is None and not facts.not_measured else ""
    whose = " all of" if facts.not_read else ""
    return f"{told}; not known are{whose} {_listed(unseen)}{how}."


def _listed(parts: list[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1]) if len(parts) > 1 else parts)


def _places(number: int) -> str:
    return "1 place" if number == 1 else f"{number:,} places"


def _first(hazards: list[Hazard]) -> str:
    """The surest and worst of them, in its own words, as the end of a sentence."""
    order = list(Confidence)
    worst = min(hazards, key=lambda h: (order.index(h.confidence), list(Effect).index(h.effect)))
    where = f"{worst.nodes[0]}: " if worst.nodes else ""
    return f"{where}{worst.what}"
