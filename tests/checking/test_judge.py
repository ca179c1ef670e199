"""The judge derives outcomes from facts' statuses, and survives any check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
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
from trtdoctor.checking.discover import Catalogue
from trtdoctor.checking.judge import exit_code, judge
from trtdoctor.model.codec import encode, read_report
from trtdoctor.model.report import CheckKey, Problem, ProblemKind, Status, Verdict
from trtdoctor.reporting.examine import Selection, examine
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
        # None would claim an absence that nobody saw.
        (needs_or_none, {"status": "not_run"}, Status.NOT_APPLICABLE, None),
        (takes_all, {"status": "denied"}, Status.FAILED, "denied True"),
        (takes_all, {"status": "absent"}, Status.FAILED, "absent False"),
        (takes_all, {"status": "not_run"}, Status.FAILED, "not_run False"),
    ],
)
def test_what_a_parameter_wants_decides_with_the_status(
    function: Any, fact: dict[str, str], status: Status, message: str | None
) -> None:
    outcome = one(function, {"nvidia.driver": fact})
    assert outcome.status is status
    assert [f.message for f in outcome.findings] == ([message] if message else [])


def test_a_fact_that_the_snapshot_lacks_was_not_asked_for() -> None:
    for function in (needs, needs_or_none):
        outcome = one(function, {})
        assert outcome.status is Status.NOT_APPLICABLE
        assert outcome.reason == "nvidia.driver: not looked at"
    assert [f.message for f in one(takes_all, {}).findings] == ["not_run False"]


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
        yield Unknown(reason="unknown", subject="gpu:1")
        yield Finding(message="bad", subject="gpu:0")

    outcome = one(half, DRIVER)
    assert outcome.status is Status.FAILED
    assert "gpu:1: unknown" in outcome.reason


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
        yield Unknown(reason="unknown")
        yield Finding(message="bad")

    def blind(driver: KernelDriver) -> Iterator[Unknown]:
        yield Unknown(reason="unknown")

    checks = [
        make(needs, id="DRV901", name="first-one", explained_by=("second-one",)),
        make(blind, id="DRV902", name="second-one", blinded_by=("first-one",)),
        make(half, id="DRV903", name="third-one", blinded_by=("first-one",)),
        make(blind, id="DRV904", name="fourth-one", blinded_by=("second-one",)),
    ][::order]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert {o.check.id: (o.status, o.reason) for o in outcomes} == {
        "DRV901": (Status.FAILED, None),
        "DRV902": (Status.NOT_APPLICABLE, "explained by DRV901 first-one: unknown"),
        "DRV903": (Status.FAILED, "unknown"),
        "DRV904": (Status.UNKNOWN, "unknown"),
    }


def of_plugin(plugin: str, check: Check) -> Check:
    return replace(check, info=msgspec.structs.replace(check.info, plugin=plugin))


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_means_the_plugins_own_check_or_else_trtdoctors(order: int) -> None:
    def passes(driver: KernelDriver) -> Iterator[Finding]:
        yield from ()

    consequence = make(
        needs, id="DRV902", name="second-one", explained_by=("shared-cause", "own-cause")
    )
    checks = [
        make(passes, id="DRV001", name="shared-cause"),
        make(needs, id="DRV002", name="own-cause"),
        of_plugin("acme 1.0", make(needs, id="DRV901", name="shared-cause")),
        of_plugin("acme 1.0", consequence),
        of_plugin("umbrella 2.1", make(passes, id="DRV901", name="shared-cause")),
        of_plugin("umbrella 2.1", consequence),
        of_plugin("weyland 1.0", make(needs, id="DRV901", name="weyland-cause")),
        of_plugin("weyland 1.0", replace(consequence, explained_by=("weyland-cause",))),
        # Another plugin's check is none of its business.
        of_plugin("tyrell 1.0", replace(consequence, explained_by=("weyland-cause",))),
    ][::order]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert {o.check.key.plugin: o.reason for o in outcomes if o.check.id == "DRV902"} == {
        "acme": "explained by acme:DRV901 shared-cause",
        "umbrella": "explained by DRV002 own-cause",
        "weyland": "explained by weyland:DRV901 weyland-cause",
        "tyrell": None,
    }


def test_a_plugins_check_may_be_explained_by_trtdoctors_of_the_same_name() -> None:
    stricter = make(needs, id="DRV901", name="a-test", explained_by=("a-test",))
    checks = [of_plugin("acme 1.0", stricter), make(needs, id="DRV001", name="a-test")]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert [o.reason for o in outcomes] == ["explained by DRV001 a-test", None]


def test_what_blinds_a_plugins_check_is_looked_for_in_its_plugin_first() -> None:
    def blind(driver: KernelDriver) -> Iterator[Unknown]:
        yield Unknown(reason="unknown")

    checks = [
        make(needs, id="DRV001", name="the-cause"),
        of_plugin("acme 1.0", make(blind, id="DRV901", name="the-cause")),
        of_plugin("acme 1.0", make(blind, id="DRV902", name="a-test", blinded_by=("the-cause",))),
        of_plugin("umbrella", make(blind, id="DRV902", name="a-test", blinded_by=("the-cause",))),
    ]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert [(o.status, o.reason) for o in outcomes[2:]] == [
        (Status.UNKNOWN, "unknown"),
        (Status.NOT_APPLICABLE, "explained by DRV001 the-cause: unknown"),
    ]


def test_one_of_two_checks_of_one_id_is_deselected() -> None:
    checks = [of_plugin(name, make(needs)) for name in ("Acme_Checks 1.0", "umbrella 1.0")]
    ignored = frozenset({CheckKey("acme-checks", "DRV901")})
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB, ignored=ignored)
    assert [o.status for o in outcomes] == [Status.IGNORED, Status.FAILED]


def test_a_deselected_root_cause_still_explains() -> None:
    outcomes, _ = judge(
        snapshot_of(DRIVER), chain(), KB, ignored=frozenset({CheckKey("trtdoctor", "DRV901")})
    )
    statuses = {o.check.id: o.status for o in outcomes}
    assert statuses["DRV901"] is Status.IGNORED
    assert statuses["DRV902"] is Status.NOT_APPLICABLE


def test_what_was_not_selected_and_explains_what_was_is_told() -> None:
    unselected = frozenset(CheckKey("trtdoctor", id) for id in ("DRV901", "DRV903", "DRV904"))
    outcomes, _ = judge(snapshot_of(DRIVER), chain(), KB, unselected=unselected)
    assert {o.check.id: o.status for o in outcomes} == {
        "DRV901": Status.FAILED,
        "DRV902": Status.NOT_APPLICABLE,
        "DRV903": Status.IGNORED,
        "DRV904": Status.IGNORED,
    }


def test_a_check_that_is_ignored_is_not_told_though_it_explains_what_was_selected() -> None:
    first = frozenset({CheckKey("trtdoctor", "DRV901")})
    outcomes, _ = judge(snapshot_of(DRIVER), chain(), KB, ignored=first, unselected=first)
    assert {o.check.id: o.status for o in outcomes}["DRV901"] is Status.IGNORED


@pytest.mark.parametrize(
    ("select", "status", "word", "codes"),
    [
        ((), "absent", Verdict.HEALTHY, (0, 0, 0, 0)),
        (("DRV901",), "absent", Verdict.INCONCLUSIVE, (3, 3, 3, 0)),
        (("DRV901",), "ok", Verdict.PROBLEMS, (1, 1, 1, 0)),
        (("DRV902",), "absent", Verdict.HEALTHY, (0, 0, 0, 0)),
    ],
)
def test_where_nothing_selected_applies_nothing_was_checked(
    select: tuple[str, ...], status: str, word: Verdict, codes: tuple[int, ...]
) -> None:
    def passes() -> Iterator[Finding]:
        yield from ()

    checks = [make(needs), make(passes, id="DRV902", name="other-one")]
    fact = {"version": "1"} if status == "ok" else {"status": status, "reason": "none here"}
    assert concluded(checks, {"nvidia.driver": fact}, select=select) == (word, codes)


def test_checks_that_explain_each_other_do_not_hang() -> None:
    checks = [
        make(needs, id="DRV901", name="first-one", explained_by=("second-one",)),
        make(needs, id="DRV902", name="second-one", explained_by=("first-one",)),
    ]
    outcomes, _ = judge(snapshot_of(DRIVER), checks, KB)
    assert sorted(o.status.value for o in outcomes) == ["failed", "not_applicable"]


LEVELS = (Severity.ERROR, Severity.WARNING, Severity.INFO, None)


def concluded(
    checks: list[Check],
    facts: dict[str, Any] = DRIVER,
    missing: tuple[Problem, ...] = (),
    select: tuple[str, ...] = (),
) -> tuple[Verdict, tuple[int, ...]]:
    """The verdict of a run, and its exit code at each level of --fail-on."""
    catalogue = Catalogue(checks=tuple(checks), plugins=(), problems=missing)
    selection = Selection(select=select)
    report = examine(
        snapshot_of(facts), catalogue, KB, command="check", share=False, selection=selection
    )
    saved = read_report(encode(report))
    codes = tuple(exit_code(report, level) for level in LEVELS)
    assert tuple(exit_code(saved, level) for level in LEVELS) == codes
    return report.verdict, codes


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
    assert concluded([make(needs, severity=severity)], {"nvidia.driver": fact}) == (word, codes)


@pytest.mark.parametrize(
    ("severity", "word", "codes"),
    [
        (Severity.ERROR, Verdict.INCONCLUSIVE, (3, 3, 3, 0)),
        (Severity.WARNING, Verdict.INCONCLUSIVE, (0, 3, 3, 0)),
        (Severity.INFO, Verdict.HEALTHY, (0, 0, 3, 0)),
    ],
)
def test_a_check_that_crashed_might_have_found_something(
    severity: Severity, word: Verdict, codes: tuple[int, ...]
) -> None:
    def breaks(driver: KernelDriver) -> Iterator[Finding]:
        raise RuntimeError("oops")
        yield

    assert concluded([make(breaks, severity=severity)]) == (word, codes)


def test_what_a_check_found_before_it_crashed_counts() -> None:
    def breaks(driver: KernelDriver) -> Iterator[Finding]:
        yield Finding(message="bad")
        raise RuntimeError("oops")

    assert concluded([make(breaks)]) == (Verdict.PROBLEMS, (1, 1, 1, 0))


def test_a_check_that_did_not_load_might_have_found_anything() -> None:
    missing = Problem(
        kind=ProblemKind.NOT_LOADED, where="plugin acme 1.0", message="did not load: x"
    )

    def passes(driver: KernelDriver) -> Iterator[Finding]:
        yield from ()

    assert concluded([make(passes)], missing=(missing,)) == (Verdict.INCONCLUSIVE, (3, 3, 3, 0))
    assert concluded([make(needs)], missing=(missing,)) == (Verdict.PROBLEMS, (1, 1, 1, 0))


def test_a_problem_of_no_told_kind_claims_no_health() -> None:
    assert Problem(where="x", message="y").kind is ProblemKind.NOT_LOADED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "XYZ001"}, "is not a check id"),
        ({"id": "DRV1"}, "is not a check id"),
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
