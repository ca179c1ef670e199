"""Whether B is worth it, in one sentence."""

from __future__ import annotations

from .accuracy import Accuracy
from .sameness import Sameness
from .timing import PROFILE, Times

# Engines are measured one after the other; less than this would not show again.
_LEAST = 1.02
# An interval that reaches this far and one as well says that nobody knows yet.
_PERHAPS = 1.1


def verdict(
    same: Sameness, times: Times, accuracy: Accuracy | None, *, measure: str, compare: str
) -> tuple[bool | None, str]:
    """Whether B is worth it, None where that cannot be told, and why.

    Args:
        same: What sets the engines apart.
        times: How fast both are.
        accuracy: How B's outputs came out; None where none were compared.
        measure: What to do where times are missing.
        compare: What to do where outputs are missing.
    """
    apart = _apart(same, accuracy)
    if apart is not None:
        return None, apart
    if accuracy is not None and accuracy.sound is False:
        return False, f"Not worth it: {accuracy.why}{_although(times)}."
    if times.gain is None:
        return None, _unmeasured(times, accuracy, measure)
    slow = _not_faster(times.gain)
    if slow is not None:
        worth, why = slow
        lead = "Not worth it" if worth is False else "Cannot be told"
        return worth, f"{lead}: {why}."
    faster = f"B is {_factor(times.gain)}"
    if accuracy is None:
        return None, f"{faster}, but whether its outputs hold is not known: {compare}."
    if accuracy.sound is None:
        return None, f"{faster}, but {accuracy.why}{_then(accuracy, compare)}."
    given = (
        ", if your program can follow its other types of inputs or outputs" if same.notes else ""
    )
    return True, f"Worth it{given}: {faster}, and {accuracy.why}."


def _apart(same: Sameness, accuracy: Accuracy | None) -> str | None:
    """Why there is no verdict at all."""
    if same.tensors is not None:
        return f"No verdict: the engines do not have the same inputs and outputs; {same.tensors}."
    if same.shapes is not None:
        return f"No verdict: the engines are of different shapes; {same.shapes}."
    if same.nodes is not None and not (accuracy is not None and accuracy.sound):
        return f"No verdict: these seem to be engines of different models; {same.nodes}."
    if same.gpus is not None:
        return f"No verdict: no GPU runs both engines; {same.gpus}."
    return None


def _although(times: Times) -> str:
    if times.gain is None or _not_faster(times.gain) is not None:
        return ""
    return f", although B is {_factor(times.gain)}"


def _unmeasured(times: Times, accuracy: Accuracy | None, measure: str) -> str:
    told = ""
    if times.clock == PROFILE and times.a is not None and times.b is not None:
        told = (
            f" (the layers' own times add up to {times.a.median:.4f} ms in A and "
            f"{times.b.median:.4f} ms in B)"
        )
    held = f"; {accuracy.why}" if accuracy is not None else ""
    return f"Cannot be told: {times.why_not or 'nothing was measured'}{told}{held}; {measure}."


def _not_faster(gain: tuple[float, float, float]) -> tuple[bool | None, str] | None:
    """Why B is not faster, and whether that is sure; None where it is faster."""
    middle, low, high = gain
    if low >= _LEAST:
        return None
    told = f"{middle:.2f} times as fast as A, 19 of 20 times between {low:.2f} and {high:.2f}"
    if high < 1:
        return False, f"B is slower, {told}"
    if high < _PERHAPS:
        return False, f"B is not clearly faster, {told}"
    return None, f"B may be faster or not, {told}; measure both again, longer and on an idle GPU"


def _factor(gain: tuple[float, float, float]) -> str:
    middle, low, high = gain
    return f"{middle:.2f} times as fast as A (19 of 20 times between {low:.2f} and {high:.2f})"


def _then(accuracy: Accuracy, compare: str) -> str:
    return f"; {compare}" if "nothing tells" in accuracy.why else ""
