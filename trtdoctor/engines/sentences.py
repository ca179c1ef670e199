"""The answer to "why not FP16?" in two sentences, from what the explanations say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from trtdoctor.model.build import Measurement
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import (
    BuildFailure,
    ChoiceTold,
    EngineReport,
    Explanation,
    Layer,
    LayersSource,
    Precision,
    Role,
    Summary,
)
from trtdoctor.model.report import Confidence
from trtdoctor.precision.layers import named_alone
from trtdoctor.precision.times import in_us, us_or_ms
from trtdoctor.readers.layers.names import split_profile

from .promises import promise, time_of

# What a report notes of layers of which nothing else is told.
NAMED_ALONE = (
    "no more is told of the layers than their names, so what they compute in is not known: give the "
    "engine file itself, or a verbose build log, or build with detailed profiling verbosity and "
    "export the layers again (trtexec --profilingVerbosity=detailed --exportLayerInfo=FILE)"
)

_WEIGHED = {Cause.FASTER_IN_FP32, Cause.CONVERSION_COSTS_MORE, Cause.NETWORK_IO}
_DOUBT = "by the log's numbers, which do not lead to the builder's plan"
_WORDS = {
    Cause.NOT_ENABLED: "FP16 was not enabled for this build",
    Cause.GRAPH_SAYS_FP32: "the model's own types say FLOAT, and the engine follows them",
    Cause.GRAPH_SAYS_BF16: "the model's own types say BFLOAT16, and the engine follows them",
    Cause.DQ_SCALE_FP32: "the scale of a DequantizeLinear before them is FLOAT, and so are they",
    Cause.FP32_ONLY_OPERATOR: "ONNX defines their operators for FLOAT and not for FLOAT16",
    Cause.COMPUTED_IN_FP32_INSIDE: (
        "the compiler computes a part of them in FP32 inside a kernel that reads and writes FP16, "
        "which costs no conversion"
    ),
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


def answer_of(report: EngineReport, *, half: Set[str] = frozenset()) -> str:
    """Two sentences; what is not proven is said not to be.

    ``half`` names fused blocks whose FP16 variant the builder is known to have chosen.
    """
    layers = _once(report.layers)
    compute = [layer for layer in layers if layer.role is Role.COMPUTE]
    if not layers:
        return "No layers could be read, so nothing can be explained."
    if not compute:
        them = (
            "one layer moves or holds" if len(layers) == 1 else f"{len(layers)} layers move or hold"
        )
        return f"The engine's {them} data and nothing else, so there is nothing to explain."
    if named_alone(layers):
        return (
            "No more is told of the layers than their names, and nothing at hand says what they "
            "compute in, so there is nothing to explain yet. Below is what would tell more."
        )
    head = _head(compute, report.summary, nodes=report.layers_source is LayersSource.MODEL)
    explained = _explained(report.explanations, layers)
    elsewhere = _elsewhere(report.layers)
    if not explained:
        others = sorted({x.precision.value for x in compute if x.precision is not Precision.FP16})
        rest = f", and the others are {', '.join(others)}" if others else ""
        faster = _what_if(report, explained)
        return f"{head}{rest}: there is nothing to explain.{faster}{elsewhere}"
    if all(
        told.precision is Precision.UNKNOWN and told.cause is Cause.UNKNOWN for told in explained
    ):
        return f"{head}, so there is nothing to explain yet. Below is what would tell more."
    blocks = [told for told in explained if told.layer in half]
    others_told = [told for told in explained if told.layer not in half]
    parts = []
    if others_told:
        parts.append(_why(others_told, report.choice, some_half=_some_half(compute)))
    if blocks:
        parts.append(
            f"of {_number(blocks)} the builder chose the FP16 variant, "
            "and the types inside are not shown"
        )
    return f"{head}: {'; '.join(parts)}.{_what_if(report, explained)}{elsewhere}"


def _once(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers of the first optimisation profile; the others repeat them."""
    first = min((layer.profile for layer in layers), default=0)
    return tuple(layer for layer in layers if layer.profile == first)


def _explained(told: Iterable[Explanation], layers: Iterable[Layer]) -> list[Explanation]:
    """The explanations of these layers, where layers of other profiles may have the same names."""
    left = Counter(layer.name for layer in layers)
    found = []
    for one in told:
        if left[one.layer]:
            left[one.layer] -= 1
            found.append(one)
    return found


def _elsewhere(layers: Sequence[Layer]) -> str:
    """A sentence about layers whose type another optimisation profile changes; empty without one."""
    once = {split_profile(layer.name)[0]: layer for layer in _once(layers)}
    other: dict[int, int] = {}
    for layer in layers:
        here = once.get(split_profile(layer.name)[0])
        if here is not None and here.profile != layer.profile and layer.role is Role.COMPUTE:
            differs = here.precision is not layer.precision
            other[layer.profile] = other.get(layer.profile, 0) + differs
    told = [
        f"{number} in optimisation profile {profile}" for profile, number in other.items() if number
    ]
    return f" Computed in another type: {', '.join(told)}." if told else ""


def failed(failure: BuildFailure, log: str) -> str:
    """The answer where the build made no engine: the log's error, and what is known of it."""
    means = f" It means that {failure.meaning}." if failure.meaning else ""
    if failure.before:
        means += f" Before it, line {failure.before[0]} says: {failure.before[1].rstrip('.')}."
    step = f" Next: {failure.next_step}." if failure.next_step else ""
    if failure.error:
        step += f" 'trtdoctor why {failure.error}' tells more."
    return (
        f"The build in this log made no engine, so there is nothing to explain: {failure.text} "
        f"({log}:{failure.line}).{means}{step}"
    )


def _head(compute: Sequence[Layer], summary: Summary | None, *, nodes: bool) -> str:
    number = sum(1 for layer in compute if layer.precision is Precision.FP16)
    unknown = sum(1 for layer in compute if layer.precision is Precision.UNKNOWN)
    kind = f"{'node' if nodes else 'layer'}{'' if len(compute) == 1 else 's'}"
    layers = f"{kind} {'is' if number == 1 or len(compute) == 1 else 'are'}"
    if unknown == len(compute):
        only = "one compute layer" if len(compute) == 1 else f"{len(compute)} compute layers"
        return f"What the engine's {only} compute{'s' if len(compute) == 1 else ''} in is unknown"
    half_time = unknown_time = ""
    if summary is not None and summary.fp16_share.time is not None:
        half_time = f" ({summary.fp16_share.time:.1%} of their time)" * (0 < number < len(compute))
        unknown_time = f" ({summary.unknown_share.time or 0.0:.1%} of the time)"
    what = "the model's " if nodes else ""
    are = "is" if unknown == 1 else "are"
    told = f", and {unknown}{unknown_time} {are} unknown" if unknown else ""
    return f"{number} of {what}{len(compute)} compute {layers} FP16{half_time}{told}"


def _some_half(compute: Iterable[Layer]) -> bool:
    return any(layer.precision is Precision.FP16 for layer in compute)


def _number(told: Sequence[Explanation]) -> str:
    return "one fused block" if len(told) == 1 else f"{len(told)} fused blocks"


def _why(told: Sequence[Explanation], choice: ChoiceTold | None, *, some_half: bool) -> str:
    counted = Counter(e.cause for e in told)
    others = "for the other" if counted.total() == 1 else f"for the other {counted.total()}"
    others = f"{others}, " if some_half else ""
    if set(counted) == {Cause.UNKNOWN}:
        return f"{others}nothing at hand proves why"
    if set(counted) <= _WEIGHED and choice is not None:
        first = counted.most_common(1)[0][0]
        weighed = _weighed(first, choice, some_half=some_half, number=counted.total())
        doubted = all(e.confidence is Confidence.POSSIBLE for e in told)
        return f"{_DOUBT}, {weighed}" if doubted else weighed
    if len(counted) == 1:
        perhaps = all(e.confidence is Confidence.POSSIBLE for e in told)
        return f"{others}{'perhaps ' if perhaps else ''}{_words(next(iter(counted)))}"
    parts = [f"{_words(cause)} ({number})" for cause, number in counted.most_common()]
    return f"{others}{'; '.join(parts)}"


def _words(cause: Cause) -> str:
    return _WORDS.get(cause, "nothing at hand proves why")


def _weighed(first: Cause, choice: ChoiceTold, *, some_half: bool, number: int) -> str:
    if choice.alternative_ms is None:
        return f"the builder tried, and {_words(first)}"
    more = f"with {'the last' if number == 1 else 'another'} layer in FP16 too, " * some_half
    what = "the engine" if some_half else "FP16"
    kernels, conversions = (
        choice.alternative_kernels_ms or 0.0,
        choice.alternative_conversions_ms or 0.0,
    )
    dearer = choice.alternative_ms - choice.plan_ms
    would = (
        f"{what} would be {in_us(dearer)} slower here" if dearer > 0 else f"{what} would be as fast"
    )
    totals = f"({in_us(choice.alternative_ms)} instead of {in_us(choice.plan_ms)})"
    balance = f"{_balance(kernels, conversions)}, so " if kernels or conversions else ""
    return f"{more}{balance}{would} {totals}"


def _balance(kernels_ms: float, conversions_ms: float) -> str:
    """What FP16 gives and takes, in words; each is a difference, and negative where it saves."""
    kernels, conversions = in_us(abs(kernels_ms)), in_us(abs(conversions_ms))
    if kernels_ms < 0:
        if conversions_ms > 0:
            return f"FP16 kernels would save {kernels}, but conversions would add {conversions}"
        return f"FP16 kernels would save {kernels}, and conversions {conversions} more"
    if conversions_ms < 0:
        return f"FP16 would save {conversions} of conversions, but its kernels take {kernels} more"
    slower = f"the FP16 kernels themselves take {kernels} more"
    return f"{slower}, and conversions would add {conversions}" if conversions_ms else slower


def _io_promise(choice: ChoiceTold, measured: Measurement | None, *, still: bool) -> str:
    """What FP16 network tensors promise, and nothing where noise is larger than what they give."""
    gain = choice.network_io_gain_ms
    if gain is None or choice.network_io_ms is None:
        return ""
    low, high = gain
    io = f"FP16 inputs and outputs ({', '.join(choice.network_io)})"
    if low <= 0.0:
        return (
            f" {io} may or may not make it faster: between builds the builder's timings vary by "
            "more than they would save, so build it and measure."
        )
    return (
        f" With {io} another build would {'still ' * still}save {in_us(low)} to {in_us(high)} of "
        f"{in_us(choice.plan_ms)} by the builder's timings (an estimate: only a build proves it)."
        f"{_of_the_engine(choice, measured)}"
    )


def _of_the_engine(choice: ChoiceTold, measured: Measurement | None) -> str:
    """What of it the measured engine would have: its launches are not those of the builder's timings."""
    clock = time_of(measured)
    if clock is None:
        return ""
    told, withheld = promise(
        choice.network_io_gain_ms, choice.plan_ms, choice.network_io_ms, measured
    )
    whole = us_or_ms(clock[1].median)
    if told is None:
        return f" Of the {whole} that the engine takes it promises nothing: {withheld}."
    return (
        f" Of the {whole} that the engine takes it is likely to save {in_us(told[0])} to "
        f"{in_us(told[1])}; --verify builds and measures it."
    )


def _what_if(report: EngineReport, explained: Iterable[Explanation]) -> str:
    choice = report.choice
    causes = {
        cause
        for told in report.explanations
        for cause in (told.cause, *(other.cause for other in told.other_causes))
    }
    io = Cause.NETWORK_IO in causes
    gain = choice.network_io_gain_ms if choice is not None else None
    if choice is not None and (io or (report.advice and gain is not None and gain[0] > 0)):
        return _io_promise(choice, report.measured, still=not io)
    unknown = sum(1 for told in explained if told.cause is Cause.UNKNOWN)
    if unknown:
        return " Below is what would tell more."
    return ""
