"""The judge derives outcomes from facts' statuses, and survives any check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from trtdoctor.api import (
    CheckDefinitionError,
    Fact,
    FactStatus,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Severity,
    Unknown,
    check,
)
from trtdoctor.api.facts import KernelDriver, Nvml
from trtdoctor.checking.definition import Check
from trtdoctor.checking.judge import exit_code, judge, verdict
from trtdoctor.model.report import Status, Verdict
from trtdoctor.testing import snapshot_of

DOC = """A title.

## What it checks
Something.

## Why it matters
It does.

## How to fix it
So.
"""
DRIVER = {"nvidia.driver": {"version": "580.1"}}
KB = Knowledge.load()


def make(function: Any, id: str = "DRV901", name: str = "a-test", **more: Any) -> Check:
    function.__doc__ = DOC
    more.setdefault("severity", Severity.ERROR)
    return check(id=id, name=name, since="0", **more)(function)


def one(function: Any, facts: dict[str, Any], **more: Any) -> Any:
    (outcome,), _ = judge(snapshot_of(facts), [make(function, **more)], KB)
    return outcome


def needs(driver: KernelDriver) -> Iterator[Finding]:
    yield Finding(message=driver.version)


def needs_or_none(driver: KernelDriver | None) -> Iterator[Finding]:
    yield Finding(message=driver.version if driver else "none")


def takes_all(driver: Fact[KernelDriver]) -> Iterator[Finding]:
    yield Finding(message=f"{driver.status.value} {driver.unseen}")


@pytest.mark.parametrize(
    ("function", "fact", "status", "message"),
    [
        (needs, {"version": "1"}, Status.FAILED, "1"),
        (needs, {"status": "absent"}, Status.NOT_APPLICABLE, None),
        (needs, {"status": "not_run"}, Status.NOT_APPLICABLE, None),
        (needs, {"status": "denied"}, Status.UNKNOWN, None),
        (needs, {"status": "failed"}, Status.UNKNOWN, None),
        (needs, {"status": "timeout"}, Status.UNKNOWN, None),
        (needs_or_none, {"status": "absent"}, Status.FAILED, "none"),
        (needs_or_none, {"status": "denied"}, Status.UNKNOWN, None),
        (takes_all, {"status": "denied"}, Status.FAILED, "denied True"),
        (takes_all, {"status": "absent"}, Status.FAILED, "absent False"),
    ],
)
def test_what_a_parameter_wants_decides_with_the_status(
    function: Any, fact: dict[str, str], status: Status, message: str | None
) -> None:
    outcome = one(function, {"nvidia.driver": fact})
    assert outcome.status is status
    assert [f.message for f in outcome.findings] == ([message] if message else [])


def test_a_fact_that_the_snapshot_lacks_is_not_applicable() -> None:
    assert one(needs, {}).status is Status.NOT_APPLICABLE


def test_absence_decides_before_ignorance() -> None:
    def both(driver: KernelDriver, nvml: Nvml) -> Iterator[Finding]:
        yield Finding(message="never")

    facts = {"nvidia.driver": {"status": "denied"}, "nvidia.nvml": {"status": "absent"}}
    assert one(both, facts).status is Status.NOT_APPLICABLE


def test_nothing_yielded_is_a_pass_and_notes_are_its_reason() -> None:
    def fine(driver: KernelDriver) -> Iterator[Note]:
        yield Note(text="all is well")

    outcome = one(fine, DRIVER)
    assert (outcome.status, outcome.reason) == (Status.PASSED, "all is well")


def test_a_finding_beats_an_unknown_and_keeps_its_reason() -> None:
    def half(driver: KernelDriver) -> Iterator[Finding | Unknown]:
        yield Unknown(reason="not told", subject="gpu:1")
        yield Finding(message="bad", subject="gpu:0")

    outcome = one(half, DRIVER)
    assert outcome.status is Status.FAILED
    assert "gpu:1: not told" in outcome.reason


def test_the_end_of_a_table_is_unknown() -> None:
    def asks(driver: KernelDriver, kb: Knowledge) -> Iterator[Finding]:
        kb.compute_capability("99.9")
        yield Finding(message="never")

    outcome = one(asks, DRIVER)
    assert outcome.status is Status.UNKNOWN
    assert "99.9" in outcome.reason


def test_a_check_can_say_that_it_does_not_apply() -> None:
    def no(driver: KernelDriver) -> Iterator[Finding]:
        raise NotApplicable("this is a Jetson")
        yield

    outcome = one(no, DRIVER)
    assert (outcome.status, outcome.reason) == (Status.NOT_APPLICABLE, "this is a Jetson")


def test_a_check_that_raises_crashes_alone_and_keeps_its_findings() -> None:
    def breaks(driver: KernelDriver) -> Iterator[Finding]:
        yield Finding(message="seen before the crash")
        raise RuntimeError("oops")

    checks = [make(breaks), make(needs, id="DRV902", name="a-second")]
    (crashed, other), problems = judge(snapshot_of(DRIVER), checks, KB)
    assert crashed.status is Status.CRASHED
    assert crashed.findings[0].message == "seen before the crash"
    assert "RuntimeError: oops" in crashed.reason
    assert other.status is Status.FAILED
    assert "DRV901" in problems[0].where
    assert "Traceback" in (problems[0].detail or "")


def test_a_check_that_yields_rubbish_crashes() -> None:
    def rubbish(driver: KernelDriver) -> Iterator[Any]:
        yield "a string"

    assert one(rubbish, DRIVER).status is Status.CRASHED


def test_a_fact_of_another_shape_is_unknown() -> None:
    snapshot = snapshot_of(DRIVER)
    snapshot.facts["nvidia.driver"] = type(snapshot.facts["nvidia.driver"])(
        status=FactStatus.OK, value={"wrong": 1}
    )
    checks = [make(needs), make(takes_all, id="DRV902", name="a-second")]
    (outcome, decides), _ = judge(snapshot, checks, KB)
    assert outcome.status is Status.UNKNOWN
    assert "nvidia.driver: its value has a shape that this version cannot read" in outcome.reason
    assert [f.message for f in decides.findings] == ["failed True"]


def chain() -> list[Check]:
    def passes(driver: KernelDriver) -> Iterator[Finding]:
        yield from ()

    return [
        make(passes, id="DRV904", name="unrelated-one"),
        make(needs, id="DRV903", name="third-one", explained_by=("second-one", "unrelated-one")),
        make(needs, id="DRV902", name="second-one", explained_by=("first-one",)),
        make(needs, id="DRV901", name="first-one"),
    ]


def test_a_root_cause_explains_a_whole_chain_in_any_order() -> None:
    outcomes, _ = judge(snapshot_of(DRIVER), chain(), KB)
    by_id = {o.check.id: o for o in outcomes}
    assert by_id["DRV901"].status is Status.FAILED
    for id in ("DRV902", "DRV903"):
        assert by_id[id].status is Status.NOT_APPLICABLE
        assert by_id[id].reason == "explained by DRV901 first-one"
    assert by_id["DRV904"].status is Status.PASSED


def test_what_is_absent_says_so_though_explained_and_passes_the_explanation_on() -> None:
    def needs_nvml(nvml: Nvml) -> Iterator[Finding]:
        yield Finding(message="never")

    checks = [
        make(needs, id="DRV901", name="first-one"),
        make(needs_nvml, id="DRV902", name="second-one", explained_by=("first-one",)),
        make(needs, id="DRV903", name="third-one", explained_by=("second-one",)),
    ]
    facts = {**DRIVER, "nvidia.nvml": {"status": "absent", "reason": "no library"}}
    outcomes, _ = judge(snapshot_of(facts), checks, KB)
    assert [(o.status, o.reason) for o in outcomes[1:]] == [
        (Status.NOT_APPLICABLE, "nvidia.nvml: no library"),
        (Status.NOT_APPLICABLE, "explained by DRV901 first-one"),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_what_could_not_be_decided_has_its_cause_in_a_finding(order: int) -> None:
    def half(driver: KernelDriver) -> Iterator[Finding | Unknown]:
        yield Unknown(reason="not told")
        yield Finding(message="bad")

    def blind(driver: KernelDriver) -> Iterator[Unknown]:
        yield Unknown(reason="not told")

    checks = [
        make(needs, id="DRV901", name="first-one", explained_by=("second-one",)),
        make(blind, id="DRV902", name="second-one", blinded_by=("first-one",)),
        make(half, id="DRV903", name="third-one", blinded_by=("first-one",)),
        make(blind, id="DRV904", name="fourth-one", blinded_by=("second-one",)),
    ][::order]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert {o.check.id: (o.status, o.reason) for o in outcomes} == {
        "DRV901": (Status.FAILED, None),
        "DRV902": (Status.NOT_APPLICABLE, "explained by DRV901 first-one: not told"),
        "DRV903": (Status.FAILED, "not told"),
        "DRV904": (Status.UNKNOWN, "not told"),
    }


def test_a_deselected_root_cause_still_explains() -> None:
    outcomes, _ = judge(snapshot_of(DRIVER), chain(), KB, ignored=frozenset({"DRV901"}))
    statuses = {o.check.id: o.status for o in outcomes}
    assert statuses["DRV901"] is Status.IGNORED
    assert statuses["DRV902"] is Status.NOT_APPLICABLE


def test_checks_that_explain_each_other_do_not_hang() -> None:
    checks = [
        make(needs, id="DRV901", name="first-one", explained_by=("second-one",)),
        make(needs, id="DRV902", name="second-one", explained_by=("first-one",)),
    ]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert sorted(o.status.value for o in outcomes) == ["failed", "not_applicable"]


@pytest.mark.parametrize(
    ("severity", "fact", "word", "codes"),
    [
        (Severity.ERROR, {"version": "1"}, Verdict.PROBLEMS, (1, 1, 1, 0)),
        (Severity.WARNING, {"version": "1"}, Verdict.PROBLEMS, (0, 1, 1, 0)),
        (Severity.INFO, {"version": "1"}, Verdict.HEALTHY, (0, 0, 1, 0)),
        (Severity.ERROR, {"status": "denied"}, Verdict.INCONCLUSIVE, (3, 3, 3, 0)),
        (Severity.WARNING, {"status": "denied"}, Verdict.INCONCLUSIVE, (0, 3, 3, 0)),
        (Severity.INFO, {"status": "denied"}, Verdict.HEALTHY, (0, 0, 3, 0)),
        (Severity.ERROR, {"status": "absent"}, Verdict.HEALTHY, (0, 0, 0, 0)),
    ],
)
def test_verdict_and_exit_codes(
    severity: Severity, fact: dict[str, str], word: Verdict, codes: tuple[int, ...]
) -> None:
    outcome = one(needs, {"nvidia.driver": fact}, severity=severity)
    assert verdict([outcome]) is word
    levels = (Severity.ERROR, Severity.WARNING, Severity.INFO, None)
    assert tuple(exit_code([outcome], level) for level in levels) == codes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "XYZ001"}, "no check id"),
        ({"id": "DRV1"}, "no check id"),
        ({"name": "NotKebab"}, "kebab-case"),
        ({"doc": "A title."}, "What it checks"),
        ({"doc": DOC + "\n## Surprise\nx"}, "unknown docstring section"),
        ({"doc": ""}, "title"),
    ],
)
def test_a_malformed_check_is_refused_with_a_reason(change: dict[str, str], says: str) -> None:
    def function(driver: KernelDriver) -> Iterator[Finding]:
        yield Finding(message="x")

    function.__doc__ = change.get("doc", DOC)
    with pytest.raises(CheckDefinitionError, match=says):
        check(
            id=change.get("id", "DRV901"),
            name=change.get("name", "a-test"),
            severity=Severity.ERROR,
            since="0",
        )(function)


def test_a_parameter_that_is_no_fact_is_refused() -> None:
    def function(driver: int) -> Iterator[Finding]:
        yield Finding(message="x")

    with pytest.raises(CheckDefinitionError, match="must be a fact"):
        make(function)


def test_a_plain_function_is_refused() -> None:
    with pytest.raises(CheckDefinitionError, match="generator"):
        make(lambda driver: None)


def test_knowledge_ends_is_public() -> None:
    assert issubclass(KnowledgeEnds, Exception)
