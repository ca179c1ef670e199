"""What a candidate of the builder computes in, by the types of its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trtdoctor.readers.buildlog import Candidate

_QUANTISED = frozenset({"Int8", "Int4", "FP8", "Fp8", "FP4", "Fp4"})


def is_half(candidate: Candidate) -> bool:
    """Whether a combination is FP16: all floating inputs are Half (outputs, if it has none).

    With quantised inputs it computes on those, whatever it writes.
    """
    if any(form.dtype in _QUANTISED for form in candidate.inputs):
        return False

    floats = [form for form in candidate.inputs if form.is_float]
    floats = floats or [form for form in candidate.outputs if form.is_float]
    return bool(floats) and all(form.dtype == "Half" for form in floats)


def touches_floats(candidate: Candidate) -> bool:
    """Whether any tensor of a combination is of a type that FP16 could replace or is."""
    return any(form.is_float for form in (*candidate.inputs, *candidate.outputs))


def holds_half(candidate: Candidate) -> bool:
    """Whether any tensor of a candidate is FP16, whatever it computes on."""
    return any(form.dtype == "Half" for form in (*candidate.inputs, *candidate.outputs))
