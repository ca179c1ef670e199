"""The answer to "why not FP16?" in two sentences, from what the explanations say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import ChoiceTold, EngineReport, Explanation, Precision, Role

_WEIGHED = {Cause.FASTER_IN_FP32, Cause.CONVERSION_COSTS_MORE, Cause.NETWORK_IO}
_WORDS = {
    Cause.NOT_ENABLED: "FP16 was not enabled for this build",
    Cause.GRAPH_SAYS_FP32: "the model's own types say FLOAT, and the engine follows them",
    Cause.GRAPH_SAYS_BF16: "the model's own types say BFLOAT16, and the engine follows them",
    Cause.CAST_ISLAND: "Casts in the model wrap them in FLOAT",
    Cause.FASTER_IN_FP32: "the builder tried FP16 and measured it slower, even without conversions",
    Cause.CONVERSION_COSTS_MORE: "FP16 kernels are faster, but converting to them costs more",
    Cause.NETWORK_IO: "the network's inputs and outputs are FP32, and converting them costs more",
    Cause.NO_FP16_KERNEL: "there was no FP16 kernel to choose",
    Cause.PINNED: "they were pinned to another type",
    Cause.CONSTRAINT_NOT_HONOURED: "the builder did not honour the precision asked for",
    Cause.TYPE_LOCKED: "their data are integers, and rightly so",
    Cause.NORMALIZATION_FP32: "normalisation computes in FP32 by default, for its range",
    Cause.PLUGIN_FORMATS: "plugins take and give FP32",
    Cause.HARDWARE: "this GPU has no fast FP16",
    Cause.INT8_WITHOUT_FP16: "INT8 was enabled without FP16, so FP32 is what is left",
    Cause.TACTIC_MEMORY: "FP16 tactics needed more memory than the builder was given",
    Cause.DLA_FALLBACK: "they fell back from the DLA to the GPU",
    Cause.INSIDE_FUSED_BLOCK: "they lie inside fused blocks whose types cannot be seen",
    Cause.NEAR_TIE: "FP16 and FP32 were as fast, and noise decided",
}


def answer_of(report: EngineReport) -> str:
    """Two sentences; what is not proven is said not to be."""
    compute = [layer for layer in report.layers if layer.role is Role.COMPUTE]
    if not compute:
        return "No layers could be read, so nothing can be explained."
    half = sum(1 for layer in compute if layer.precision is Precision.FP16)
    head = f"{half} of {len(compute)} compute layers are FP16"
    if not report.explanations:
        others = sorted({x.precision.value for x in compute if x.precision is not Precision.FP16})
        rest = f", and the others are {', '.join(others)}" if others else ""
        return f"{head}{rest}: there is nothing to explain."
    return f"{head}: {_why(report.explanations, report.choice)}.{_what_if(report)}"


def us(ms: float) -> str:
    """A time in microseconds."""
    return f"{ms * 1000:.2f} us"


def _why(explanations: Iterable[Explanation], choice: ChoiceTold | None) -> str:
    counted = Counter(Cause(e.cause) for e in explanations)
    (first, number), *more = counted.most_common()
    total = counted.total()
    if first is Cause.UNKNOWN and not more:
        return "nothing at hand proves why"
    if all(cause in _WEIGHED for cause in counted) and choice is not None:
        return _weighed(first, choice)
    parts = [f"for {n} of {total}, {_words(c)}" for c, n in [(first, number), *more]]
    return _words(first) if len(counted) == 1 else "; ".join(parts)


def _words(cause: Cause) -> str:
    return _WORDS.get(cause, "nothing at hand proves why")


def _weighed(first: Cause, choice: ChoiceTold) -> str:
    verb = "its best plan" if choice.reproduced else "the best plan that its log allows"
    if choice.alternative_ms is None:
        return f"the builder tried, and {_words(first)}"
    because = {
        Cause.NETWORK_IO: "because FP32 network inputs or outputs must be converted",
        Cause.CONVERSION_COSTS_MORE: "because of the conversions that it needs",
        Cause.FASTER_IN_FP32: "because FP32 kernels were faster here",
    }[first]
    return (
        f"the builder tried, and {verb} with FP16 was {us(choice.alternative_ms)} against "
        f"{us(choice.plan_ms)}, {because}"
    )


def _what_if(report: EngineReport) -> str:
    choice = report.choice
    if choice is not None and choice.network_io_ms is not None:
        return (
            f" With FP16 network I/O the same log predicts a plan at {us(choice.network_io_ms)} "
            "(an estimate; only a build proves it)."
        )
    unknown = sum(1 for e in report.explanations if e.cause == Cause.UNKNOWN.value)
    if unknown:
        return f" {unknown} of them stay unknown; below is what would tell."
    return ""
