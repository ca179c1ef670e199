"""Causes that follow from weighing kernels and conversions, defined by solving again."""

from __future__ import annotations

from trtdoctor.model.report import Confidence, Evidence
from trtdoctor.precision.times import in_us, signed_us
from trtdoctor.readers.buildlog import Autotuning

from ..candidates import holds_half, touches_floats
from .analysis import Alternative, Analysis, Choice, LayerVerdict, NetworkIo
from .noise import CONVERSIONS, KERNELS
from .witness import Cause, Reason, Witness

_MOST_CHANGES = 8


def weighed_reasons(
    analysis: Analysis, verdict: LayerVerdict, witness: Witness, own: tuple[Evidence, ...]
) -> tuple[Reason, ...]:
    """Why the solution keeps this layer out of FP16 although it could be; the first one decides.

    ``own`` are the layer's own best candidates, the first thing that a reader looks for.

    Nothing is surer than the solved choice itself, by `Choice.ceiling`.
    """
    choice, forced = analysis.choice, verdict.forced
    known = forced is None or forced.known
    confidence = choice.ceiling if known else _estimate(choice)
    proof = _proof(analysis, witness)
    weighed = _weighed(analysis, forced, witness) if forced is not None else ()
    reasons: list[Reason] = []
    if verdict.half_when_free:
        words = "with conversions free it would be FP16"
        cause = Cause.CONVERSION_COSTS_MORE
    else:
        words = "with conversions free it still is not FP16"
        cause = Cause.FASTER_IN_FP32
    free = witness.at(None, f"solved again: {words}")
    weighing = Reason(cause=cause, confidence=confidence, evidence=(free, *own, *weighed, proof))
    io = _network_io(analysis, verdict, witness)
    # Where FP16 network tensors turn it FP16 and the whole cheaper, changing them is what helps.
    reasons.extend([io, weighing] if io is not None else [weighing])
    if verdict.near_tie:
        tie = _near_tie(choice, verdict, witness)
        first = verdict.even and io is None and choice.reproduced
        reasons.insert(0 if first else len(reasons), tie)
    return tuple(reasons)


def _near_tie(choice: Choice, verdict: LayerVerdict, witness: Witness) -> Reason:
    """Noise decides: times measured anew, as they vary between builds, often lead elsewhere."""
    forced = verdict.forced
    share = (
        f"with kernels that vary by {KERNELS:.1%} and conversions by {CONVERSIONS:.0%}, as between "
        f"builds, {verdict.again:.0%} of plans decide the same"
    )
    margin = f"margin {in_us(forced.margin_ms)} of {in_us(choice.plan_ms)}" if forced else ""
    return Reason(
        cause=Cause.NEAR_TIE,
        confidence=_estimate(choice),
        evidence=tuple(witness.at(None, text) for text in (share, margin) if text),
    )


def fastest_reasons(tuning: Autotuning, witness: Witness) -> tuple[Reason, ...]:
    """What a layer's own fastest candidates suggest where nothing could be solved again.

    Neighbours and conversions decide as well, so it is possible at most.
    """
    without, with_half = _fastest(tuning, half=False), _fastest(tuning, half=True)
    if without is None or with_half is None:
        return ()
    faster = without < with_half
    return (
        Reason(
            cause=Cause.FASTER_IN_FP32 if faster else Cause.CONVERSION_COSTS_MORE,
            confidence=Confidence.POSSIBLE,
            evidence=own_best(tuning, witness),
        ),
    )


def _estimate(choice: Choice) -> Confidence:
    """How sure something is that is likely by itself."""
    return Confidence.LIKELY if choice.certain else choice.ceiling


def own_best(tuning: Autotuning, witness: Witness) -> tuple[Evidence, ...]:
    """The layer's fastest candidate without and with Half tensors, whatever its neighbours want."""
    found = []
    for half in (False, True):
        timed = _fastest(tuning, half=half)
        if timed is not None:
            ms, line = timed
            kind = "with" if half else "without"
            found.append(
                witness.at(line, f"its fastest candidate {kind} Half tensors takes {in_us(ms)}")
            )
    return tuple(found)


def _fastest(tuning: Autotuning, *, half: bool) -> tuple[float, int] | None:
    """The least time of its candidates with or without Half tensors, and its line."""
    timed = [
        (candidate.best.time_ms, candidate.best.line)
        for candidate in tuning.candidates
        if candidate.best is not None
        and candidate.best.time_ms is not None
        and holds_half(candidate) is half
        and (half or touches_floats(candidate))
    ]
    return min(timed, default=None)


def _proof(analysis: Analysis, witness: Witness) -> Evidence:
    choice = analysis.choice
    verb = "Reproduced" if choice.reproduced else "Not reproduced:"
    return witness.at(
        None,
        f"{verb} the builder's plan: {choice.layers[0]} of {choice.layers[1]} layers by type, "
        f"{choice.conversions[0]} of {choice.conversions[1]} conversions, {in_us(choice.plan_ms)}",
    )


def _weighed(analysis: Analysis, forced: Alternative, witness: Witness) -> tuple[Evidence, ...]:
    lines = [
        witness.at(
            None,
            f"the best plan with it in FP16 takes {in_us(forced.total_ms)} instead of "
            f"{in_us(analysis.choice.plan_ms)}: kernels {signed_us(forced.kernels_ms)}, "
            f"conversions {signed_us(forced.conversions_ms)}",
        )
    ]
    for change in forced.changes[:_MOST_CHANGES]:
        for words, ms, line in (
            (change.before, change.before_ms, change.before_line),
            (change.after, change.after_ms, change.after_line),
        ):
            if words is not None and ms and line is not None:
                lines.append(witness.at(line, f"{change.what}: {words} takes {in_us(ms)}"))
    return tuple(lines)


def _network_io(analysis: Analysis, verdict: LayerVerdict, witness: Witness) -> Reason | None:
    """FP16 network tensors turn it FP16 and the whole cheaper: an estimate, never certain."""
    if not analysis.choice.reproduced:
        return None
    for io in (analysis.io_best, analysis.io_linear):
        if io is not None and io.falls and verdict.layer in io.half:
            return Reason(
                cause=Cause.NETWORK_IO,
                confidence=_estimate(analysis.choice),
                evidence=tuple(
                    witness.at(None, text)
                    for text in (
                        f"solved again with {_formats(io)}: {in_us(io.total_ms)} instead of "
                        f"{in_us(analysis.choice.plan_ms)} (estimate)",
                        _linear(analysis),
                    )
                    if text
                ),
            )
    return None


def _formats(io: NetworkIo) -> str:
    half = [f"{form.tensor} as fp16:{form.layout}" for form in io.formats if form.dtype == "Half"]
    return ", ".join(half)


def _linear(analysis: Analysis) -> str | None:
    """What row-major FP16 would do, where another layout is the better one."""
    linear, best = analysis.io_linear, analysis.io_best
    if linear is None or best is None or _formats(linear) == _formats(best):
        return None
    return f"with row-major FP16 network tensors: {in_us(linear.total_ms)} (estimate)"
