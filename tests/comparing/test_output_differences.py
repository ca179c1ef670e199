"""How far outputs are from each other, and what that means for the engine that gave them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trtdoctor.engines.comparing import compare_outputs, judge_outputs, outputs
from trtdoctor.engines.comparing.accuracy import Accuracy
from trtdoctor.model.comparison import OutputDifference


def only(a: Any, b: Any) -> OutputDifference:
    (found,) = compare_outputs({"y": np.asarray(a)}, {"y": np.asarray(b)})
    return found


def judged(a: Any, b: Any, reference: Any = None, budget: float = 40.0) -> Accuracy:
    given_ = None if reference is None else {"y": np.asarray(reference)}
    differences = compare_outputs({"y": np.asarray(a)}, {"y": np.asarray(b)}, given_)
    name = None if given_ is None else "onnxruntime in FP32"
    found = judge_outputs(differences, budget=budget, reference=name)
    assert found is not None
    return found


def test_absolute_relative_and_signal_to_noise() -> None:
    found = only([1.0, 2.0, -4.0, 0.001], [1.0, 2.0, -4.4, 0.0])
    assert found.of == "B" and found.to == "A" and found.elements == 4
    assert found.absolute == pytest.approx(0.4)
    assert found.relative == pytest.approx(0.1)  # what is tiny beside the range tells nothing
    assert found.sqnr == pytest.approx(10 * np.log10((1 + 4 + 16 + 1e-6) / (0.16 + 1e-6)))
    assert not found.equal and not found.nan and not found.inf and found.differing is None


def test_equal_outputs_have_no_noise() -> None:
    found = only([1.0, np.nan, -np.inf], [1.0, np.nan, -np.inf])
    assert found.equal and found.sqnr is None and not found.nan and not found.inf


def test_outputs_without_elements_are_equal() -> None:
    assert only(np.zeros((0, 4)), np.zeros((0, 4), np.float16)).equal
    assert judged(np.zeros((0, 4)), np.zeros((0, 4))).sound


def test_numbers_that_became_none_are_counted() -> None:
    found = only([1.0, 2.0, 3.0, np.nan, np.inf], [np.nan, -np.inf, 3.0, np.nan, -np.inf])
    assert (found.nan, found.inf) == (1, 2)
    assert found.elements == 5 and not found.equal
    healed = only([np.nan, 1.0], [2.0, 1.0])
    assert not healed.nan and healed.note == "1 element is finite that is not in A"


def test_nothing_finite_has_no_signal() -> None:
    found = only(np.full(3, np.nan), np.full(3, 1.0))
    assert found.sqnr is None and found.absolute is None


def test_beside_nothing_any_noise_is_too_much() -> None:
    found = only(np.zeros(3), np.array([0.0, 1e-9, 0.0]))
    assert found.sqnr == -200 and found.note == "it is all zero in A"
    assert judged(np.zeros(3), np.array([0.0, 1e-9, 0.0])).sound is None


def test_whole_numbers_are_compared_exactly() -> None:
    found = only(np.array([2**62, 5, 7]), np.array([2**62 + 1, 5, 7]))
    assert found.differing == 1 and found.sqnr is None and found.relative is None
    assert only(np.array([True, False]), np.array([True, False])).equal
    assert only(np.array([3, 0], np.uint8), np.array([0, 3], np.int64)).absolute == 3
    assert only(np.array([1, 2], np.int32), np.array([1.0, 2.0])).equal


def test_sixteen_bits_are_compared_as_they_are() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    wide = np.linspace(-3, 3, 100, dtype=np.float32)
    assert 60 < (only(wide, wide.astype(np.float16)).sqnr or 0) < 90
    assert 40 < (only(wide, wide.astype(ml_dtypes.bfloat16)).sqnr or 0) < 60


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (np.zeros((1, 3)), np.zeros((1, 4)), "its shape is 1x4 in B and 1x3 in A"),
        (np.zeros(2), np.array(["u", "v"]), "are not compared"),
        (np.zeros(2), np.zeros(2, np.complex64), "are not compared"),
    ],
)
def test_what_does_not_compare_says_why(a: Any, b: Any, says: str) -> None:
    found = only(a, b)
    assert found.elements == 0 and not found.equal
    assert says in (found.note or "")


def test_names_and_samples_that_are_missing() -> None:
    x = np.ones(2)
    found = compare_outputs({"y": x, "z": x}, {"y": x})
    assert [each.note for each in found] == [None, "B has no such output"]
    (found,) = compare_outputs([{"y": x}, {"y": x}], [{"y": x}])
    assert found.note == "B has 1 samples and A 2"


def test_all_samples_are_told_together() -> None:
    a = [{"y": np.array([1.0, 1.0])}, {"y": np.array([2.0, 2.0])}]
    b = [{"y": np.array([1.0, 1.0])}, {"y": np.array([2.0, 1.0])}]
    (found,) = compare_outputs(a, b)
    assert found.elements == 4 and found.sqnr == pytest.approx(10.0)
    pairs = {(each.of, each.to) for each in compare_outputs(a, b, a)}
    assert pairs == {("B", "A"), ("A", "reference"), ("B", "reference")}


def test_large_and_strided_arrays_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.random.default_rng(3).standard_normal((7, 11)).astype(np.float32)
    b = a + np.float32(1e-3)
    whole = only(a, b)
    monkeypatch.setattr(outputs, "_CHUNK", 5)
    assert only(a, b).sqnr == pytest.approx(whole.sqnr)
    assert only(a.T, b.T).sqnr == pytest.approx(whole.sqnr)
    assert only(a[::2], b[::2]).elements == 44


_arrays = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.bool_]),
    hnp.array_shapes(max_dims=3, max_side=4, min_side=0),
    elements=None,
)


@settings(max_examples=300, deadline=None)
@given(_arrays, _arrays)
def test_any_two_arrays_compare(a: Any, b: Any) -> None:
    found = only(a, b)
    assert found.nan + found.inf <= found.elements
    numbers = (found.absolute, found.relative, found.sqnr)
    assert all(value is None or np.isfinite(value) for value in numbers)
    same = a.shape == b.shape and np.array_equal(
        a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f"
    )
    assert found.equal == same or found.note
    assert only(a, a).equal


# What it means -----------------------------------------------------------------------------------

NUMBERS = np.random.default_rng(1).standard_normal(4000)


def noisy(decibels: float) -> Any:
    noise = np.random.default_rng(2).standard_normal(4000)
    return NUMBERS + noise * 10 ** (-decibels / 20)


def test_near_enough_will_do() -> None:
    found = judged(NUMBERS, noisy(60))
    assert found.sound and "60 dB" in found.why and "A's" in found.why
    assert judged(NUMBERS, NUMBERS).why == "its outputs equal A's"


def test_nan_will_not_do() -> None:
    broken = NUMBERS.copy()
    broken[:3] = np.nan
    found = judged(NUMBERS, broken)
    assert found.sound is False and found.bad == ("y",)
    assert found.why == "its output y has 3 NaN elements where A's has numbers"
    both = judged(broken, broken, NUMBERS)
    assert both.sound is False and "A's is broken too" in both.why
    assert judged(broken, broken).sound


def test_far_away_without_a_reference_says_nothing_of_who_is_right() -> None:
    found = judged(NUMBERS, noisy(20))
    assert found.sound is None and "which of the two is right" in found.why


def test_far_away_from_the_reference_will_not_do() -> None:
    found = judged(noisy(70), noisy(20), NUMBERS)
    assert found.sound is False and "20 dB only" in found.why and "A's to 70 dB" in found.why


def test_no_worse_than_what_is_there_will_do() -> None:
    found = judged(noisy(30), noisy(29), NUMBERS)
    assert found.sound and "no worse than A's" in found.why


def test_two_engines_far_from_the_reference_doubt_the_reference() -> None:
    found = judged(noisy(3), noisy(2), NUMBERS)
    assert found.sound is None and "other inputs" in found.why


def test_where_nothing_is_finite_nothing_agrees() -> None:
    found = judged(np.full(4, np.nan), np.ones(4))
    assert found.sound is None and "no finite number beside one of A's" in found.why


def test_an_index_that_flips_is_for_the_user_to_judge() -> None:
    found = judged(np.arange(100), np.r_[np.arange(99), 7])
    assert found.sound is None and "1.00%" in found.why and found.bad == ("y",)
    assert judged(np.arange(9), np.arange(9)).sound


def test_what_was_not_compared_is_not_judged() -> None:
    found = judged(np.ones((1, 3)), np.ones((1, 4)))
    assert found.sound is None and "could not be compared" in found.why
    assert judge_outputs((), budget=40.0, reference=None) is None
