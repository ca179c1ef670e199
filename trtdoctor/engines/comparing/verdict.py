"""Whether B is worth it, in one sentence."""

from __future__ import annotations

from typing import NamedTuple

from .accuracy import Accuracy
from .sameness import Sameness
from .timing import PROFILE, Times

# Engines are measured one after the other; less than this would not show again.
_LEAST = 1.02
# An interval that reaches this far and one as well says that nobody knows yet.
_PERHAPS = 1.1


class Verdict(NamedTuple):
    """Whether B is worth it, None where that cannot be told; why; and what of it is missing.

    ``missing`` is ``times``, ``outputs`` or ``reference``, where one of them would tell.
    """

    worth: bool | None
    why: str
    missing: str | None = None


def verdict(
    same: Sameness,
    times: Times,
    accuracy: Accuracy | None,
    *,
    measure: str,
    compare: str,
    reference: str,
) -> Verdict:
    """Whether B is worth it and why, in one sentence.

    Args:
        same: What sets the engines apart.
        times: How fast both are.
        accuracy: How B's outputs came out; None where none were compared.
        measure: What to do where times are missing.
        compare: What to do where outputs are missing.
        reference: What to do where only a reference would tell.
    """
    apart = _apart(same, accuracy)
    if apart is not None:
        return Verdict(None, apart)
    if accuracy is not None and accuracy.sound is False:
        return Verdict(False, f"Not worth it: {accuracy.why}{_although(times)}.")
    if accuracy is not None and accuracy.healed is not None:
        return Verdict(True, f"Worth it: {accuracy.healed}, and B's has none{_beside(times)}.")
    if times.gain is None:
        return Verdict(None, _unmeasured(times, accuracy, measure), "times")
    slow = _not_faster(times.gain)
    if slow is not None:
        return slow
    faster = f"B is {_factor(times.gain)}"
    if accuracy is None:
        why = f"{faster}, but whether its outputs hold is not known: {compare}."
        return Verdict(None, why, "outputs")
    if accuracy.sound is None:
        then = f": {reference}" if accuracy.unjudged else ""
        missing = "reference" if accuracy.unjudged else None
        return Verdict(None, f"{faster}, but {accuracy.why}{then}.", missing)
    given = (
        ", if your program can follow its other types of inputs or outputs" if same.notes else ""
    )
    return Verdict(True, f"Worth it{given}: {faster}, and {accuracy.why}.")


def _apart(same: Sameness, accuracy: Accuracy | None) -> str | None:
    """Why there is no verdict at all."""
    if same.tensors is not None:
        return f"No verdict: the engines do not have the same inputs and outputs; {same.tensors}."
    if same.shapes is not None:
        return f"No verdict: the engines are of different shapes; {same.shapes}."
    if same.nodes is not None and not (accuracy is not None and accuracy.sound):
        return f"No verdict: nothing shows that both are engines of one model; {same.nodes}."
    if same.gpus is not None:
        return f"No verdict: no GPU runs both engines; {same.gpus}."
    return None


def _although(times: Times) -> str:
    if times.gain is None or _not_faster(times.gain) is not None:
        return ""
    return f", although B is {_factor(times.gain)}"


def _beside(times: Times) -> str:
    return "" if times.gain is None else f"; B is {_factor(times.gain)}"


def _unmeasured(times: Times, accuracy: Accuracy | None, measure: str) -> str:
    told = ""
    if times.clock == PROFILE and times.a is not None and times.b is not None:
        told = (
            f" (the layers' own times add up to {times.a.median:.4f} ms in A and "
            f"{times.b.median:.4f} ms in B)"
        )
    held = f"; {accuracy.why}" if accuracy is not None else ""
    return f"Cannot be told: {times.why_not or 'nothing was measured'}{told}{held}; {measure}."


def _not_faster(gain: tuple[float, float, float]) -> Verdict | None:
    """That B is not faster, or may not be; None where it is faster."""
    middle, low, high = gain
    if low >= _LEAST:
        return None
    low_told, high_told = _interval(low, high)
    told = f"{middle:.2f} times as fast as A, 19 of 20 times between {low_told} and {high_told}"
    if high < 1:
        return Verdict(False, f"Not worth it: B is slower, {told}.")
    if high < _PERHAPS:
        return Verdict(False, f"Not worth it: B is not clearly faster, {told}.")
    again = "measure both again, longer and on an idle GPU"
    return Verdict(None, f"Cannot be told: B may be faster or not, {told}; {again}.", "times")


def _factor(gain: tuple[float, float, float]) -> str:
    middle, low, high = gain
    low_told, high_told = _interval(low, high)
    return f"{middle:.2f} times as fast as A (19 of 20 times between {low_told} and {high_told})"


def _interval(low: float, high: float) -> tuple[str, str]:
    """Both ends, with as many digits as tell them apart, and four at most."""
    for digits in (2, 3, 4):
        told = f"{low:.{digits}f}", f"{high:.{digits}f}"
        if told[0] != told[1]:
            break
    return told
