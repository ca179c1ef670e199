"""What was measured, in words: what stands beside a number, and why one is missing."""

from __future__ import annotations

from typing import Any

from trtdoctor.checking.facts import Facts
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.machine import Machine, MeasuredCard
from trtdoctor.render.arithmetic_sections import arithmetic_sections
from trtdoctor.reporting.measured_cards import measured_cards
from trtdoctor.testing import snapshot_of


def cards(**facts: Any) -> tuple[MeasuredCard, ...]:
    given = {name.replace("__", "."): value for name, value in facts.items()}
    return measured_cards(Facts(snapshot_of(given)), Knowledge.load())


def rate(kind: str, median: float, mhz: float | None = 1000.0) -> dict[str, Any]:
    spread = {"median": median, "low": median * 0.99, "high": median * 1.01, "samples": 9}
    return {"kind": kind, "rate": spread, "sm_mhz": mhz}


def gpu(cc: str, *rates: dict[str, Any], **more: Any) -> dict[str, Any]:
    device = {"ordinal": 0, "name": "Board", "compute_capability": cc, "multiprocessors": 100}
    return {"devices": [{**device, "rates": list(rates), **more}]}


def shown(card: MeasuredCard) -> dict[str, tuple[float | None, str | None]]:
    return {rate.kind: (rate.expected, rate.remark) for rate in card.rates}


def test_nothing_measured_gives_no_card() -> None:
    assert cards() == ()
    assert cards(cuda__arithmetic={"status": "not_run", "reason": "--active"}) == ()


def test_a_rate_stands_beside_what_the_chip_does_at_its_clock() -> None:
    (card,) = cards(cuda__arithmetic=gpu("8.0", rate("fp32", 12.7), rate("tensor-fp16", 200.0)))
    # 64 and 1024 multiply-adds of two operations, 100 SMs, 1 GHz.
    assert shown(card) == {"fp32": (12.8, None), "tensor-fp16": (204.8, None)}
    assert card.notes == ("the SMs ran at 1000 MHz; at best is what the chip does at that clock",)
    (section,) = arithmetic_sections(Machine(measured=(card,)))
    assert section.title == "Measured: cuda:0 Board"
    assert section.rows[0] == ("FP32", "12.7 TFLOPS", "12.57 to 12.83", "12.8", "99%", "")


def test_what_mma_sync_reaches_is_told_where_it_is_not_all() -> None:
    (hopper,) = cards(cuda__arithmetic=gpu("9.0", rate("tensor-fp16", 250.0)))
    assert any("which reaches about 62% of them" in note for note in hopper.notes)
    (blackwell,) = cards(cuda__arithmetic=gpu("10.0", rate("tensor-fp16", 250.0)))
    assert any("what that reaches of them is not known" in note for note in blackwell.notes)
    (ampere,) = cards(cuda__arithmetic=gpu("8.0", rate("tensor-fp16", 200.0)))
    assert not any("mma.sync" in note for note in ampere.notes)


def test_a_board_that_may_be_held_to_half_by_design() -> None:
    (card,) = cards(cuda__arithmetic=gpu("8.6", rate("tensor-fp16-fp32", 50.0)))
    assert shown(card) == {"tensor-fp16-fp32": (102.4, "some boards do 50% of it by design")}


def test_a_number_without_a_table_or_a_clock_has_a_remark() -> None:
    (card,) = cards(cuda__arithmetic=gpu("8.6", rate("int8", 50.0), rate("fp32", 9.0, None)))
    assert shown(card) == {
        "int8": (None, "no rate in the table"),
        "fp32": (None, "the clock that its SMs had is not known"),
    }
    (newer,) = cards(cuda__arithmetic=gpu("13.0", rate("fp32", 50.0)))
    assert "arithmetic of compute capability 13.0" in str(newer.rates[0].remark)


def test_what_was_not_measured_is_told_once_for_each_reason() -> None:
    lacking = [{"kind": kind, "reason": "refused"} for kind in ("tensor-bf16", "tensor-tf32")]
    copies = [{"direction": "d2d", "reason": "no memory"}]
    (card,) = cards(cuda__arithmetic=gpu("8.0", *lacking, copies=copies))
    assert card.rates == ()
    assert card.notes == (
        "not measured: BF16 tensor cores, TF32 tensor cores (refused)",
        "not measured: copy within the GPU (no memory)",
    )
    (section,) = arithmetic_sections(Machine(measured=(card,)))
    assert section.columns == ()
    assert section.rows[1] == ("", "Not measured: copy within the GPU (no memory).")


def test_what_bears_on_the_numbers_is_told() -> None:
    more = {"throttled": ["sw-power-cap"], "other_processes": 1}
    (card,) = cards(cuda__arithmetic=gpu("8.0", rate("fp32", 12.7), **more))
    assert "NVML's reasons for the clocks meanwhile: sw-power-cap" in card.notes
    assert "1 other process computed on it" in card.notes


def engine(precision: str, ms: float | None, reason: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"precision": precision, "typing": "strong", "reason": reason}
    if ms is not None:
        told["time"] = {"median": ms, "low": ms, "high": ms, "samples": 9}
    return told


def test_tiny_engines_and_what_fp16_gains() -> None:
    trial = {"module": "tensorrt", "version": "11.4.0", "attempt": {"ending": "returned"}}
    engines = [engine("fp32", 1.0), engine("fp16", 0.25)]
    (card,) = cards(tensorrt__tiny_engine={"trials": [{**trial, "engines": engines}]})
    assert card.notes == ("FP16 is 4 times as fast as FP32 without TF32",)
    (section,) = arithmetic_sections(Machine(measured=(card,)))
    assert section.title == "Measured: tiny engine of tensorrt 11.4.0"
    assert section.rows[1] == ("FP16", "0.25 ms", "0.25 to 0.25", "", "", "strongly typed")


def test_a_tiny_engine_that_failed_says_why() -> None:
    trial = {"module": "tensorrt_rtx", "attempt": {"ending": "returned"}, "log": ["[E] no"]}
    engines = [engine("fp32", None, "the builder made no engine"), engine("fp16", 0.25)]
    (card,) = cards(tensorrt__tiny_engine={"trials": [{**trial, "engines": engines}]})
    assert card.notes == ("TensorRT's log: [E] no",)
    (section,) = arithmetic_sections(Machine(measured=(card,)))
    assert section.rows[0] == ("FP32", "not measured", "", "", "", "the builder made no engine")


def test_a_trial_that_crashed_says_how() -> None:
    crash = {"module": "tensorrt", "attempt": {"ending": "signal", "detail": "SIGSEGV"}}
    (card,) = cards(tensorrt__tiny_engine={"trials": [crash]})
    assert card.notes == ("no tiny engine could be built: SIGSEGV",)
