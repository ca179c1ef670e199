"""What is selected and could not run is never called healthy: each area on each recorded machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from trtdoctor.checking.definition import AREAS
from trtdoctor.checking.judge import exit_code
from trtdoctor.model.report import Report, Severity, Status, Verdict
from trtdoctor.reporting.examine import Selection
from trtdoctor.reporting.look_session import Looking
from trtdoctor.run.examinations import Examination, examine_machine

HOSTS = sorted(p.parent for p in (Path(__file__).parents[1] / "hosts").glob("*/recording.json"))
DECIDED = (Status.PASSED, Status.FAILED)


def seen(host: Path) -> Examination:
    return examine_machine(
        look=Looking(host=host), select=(), ignore=(), expect=None, live=False, static=True
    )


def selecting(examination: Examination, word: str) -> Report:
    return dataclasses.replace(examination, selection=Selection(select=(word,))).report()


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
def test_an_area_is_healthy_only_where_something_of_it_was_decided(host: Path) -> None:
    examination = seen(host)
    areas = {check.id[:3] for check in examination.catalogue.checks}
    assert areas <= set(AREAS)
    for area in sorted(areas):
        report = selecting(examination, area)
        mine = [o for o in report.outcomes if o.check.id.startswith(area)]
        decided = any(o.status in DECIDED for o in mine)
        code = exit_code(report, Severity.ERROR)
        if report.verdict is Verdict.HEALTHY:
            assert decided, area
        if not decided:
            # Then what explains it was found, or nothing could be decided and that is said.
            assert code == (1 if report.verdict is Verdict.PROBLEMS else 3), area
        if report.verdict is Verdict.PROBLEMS and not decided:
            assert any(o.findings for o in report.outcomes if o not in mine), area


def test_a_note_that_cannot_be_decided_is_not_healthy_where_it_alone_was_asked_for() -> None:
    host = next(host for host in HOSTS if host.name == "imagined-unknown-gpu")
    report = selecting(seen(host), "GPU003")
    (outcome,) = (o for o in report.outcomes if o.check.id == "GPU003")
    assert outcome.check.severity is Severity.INFO and outcome.status is Status.UNKNOWN
    assert report.verdict is Verdict.INCONCLUSIVE
    assert exit_code(report, Severity.ERROR) == 3


def test_what_no_engine_was_given_for_says_so() -> None:
    host = next(host for host in HOSTS if host.name == "healthy-h100-trt86")
    report = selecting(seen(host), "engine")
    reasons = {o.reason for o in report.outcomes if o.check.id.startswith("ENG")}
    assert "no engine was given" in reasons
    assert not any("snapshot" in reason or ": no " in reason for reason in reasons if reason)


def test_a_machine_without_a_gpu_is_told_why_its_gpus_were_not_checked() -> None:
    host = next(host for host in HOSTS if host.name == "imagined-no-nvidia-laptop")
    report = selecting(seen(host), "GPU")
    assert report.verdict is Verdict.PROBLEMS and exit_code(report, Severity.ERROR) == 1
    assert [o.check.name for o in report.outcomes if o.findings] == ["driver-missing"]
