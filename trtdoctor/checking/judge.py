"""The judge: gives each check the facts it wants, and turns what it says into an outcome.

Everything is read from the snapshot as plain data, so that a live look and a saved one are judged
by the same code.
"""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.report import (
    OWN,
    CheckKey,
    FactStatus,
    Finding,
    Outcome,
    Problem,
    ProblemKind,
    Report,
    Severity,
    Snapshot,
    Status,
    Verdict,
)

from .definition import Check, NotApplicable, Note, Parameter, Unknown, Want
from .facts import Fact, Facts

# A check that says more than this says nothing that anybody reads, and may never end.
_MOST = 1000


class _Decided(Exception):
    """The outcome follows from the facts' statuses alone; the check need not run."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def judge(
    snapshot: Snapshot,
    checks: Sequence[Check],
    knowledge: Knowledge,
    *,
    ignored: frozenset[CheckKey] = frozenset(),
    unselected: frozenset[CheckKey] = frozenset(),
) -> tuple[tuple[Outcome, ...], tuple[Problem, ...]]:
    """Judge a snapshot: one outcome for each check, in the order of the checks, and what crashed.

    ``ignored`` holds the keys of checks that somebody wants no word of, ``unselected`` those that were
    not asked for; their outcome says so. One that was not asked for and is why one that was asked for
    does not apply is told all the same.
    """
    facts, named = Facts(snapshot), _Names(checks)
    outcomes: dict[CheckKey, Outcome] = {}
    explanations: dict[CheckKey, Check] = {}
    problems: list[Problem] = []

    def decide(check: Check, above: tuple[CheckKey, ...]) -> None:
        if check.key in outcomes:
            return
        causes = named(check, check.explained_by)
        for other in causes:
            # A check in its own chain of causes would explain itself; the chain is cut there.
            if other.key not in above:
                decide(other, (*above, check.key))
        started = time.perf_counter()
        cause = _explained(causes, outcomes, explanations)
        if cause is not None:
            explanations[check.key] = cause
            # What is not there cannot be in a bad state, whatever else is wrong with the machine.
            absence = _absence(check, facts)
            outcome = Outcome(
                check=check.info,
                status=Status.NOT_APPLICABLE,
                reason=absence or f"explained by {cause.info.label}",
            )
        else:
            outcome, problem = _run(check, facts, knowledge)
            problems.extend([problem] if problem else [])
        took = (time.perf_counter() - started) * 1000
        outcomes[check.key] = msgspec.structs.replace(outcome, took_ms=round(took, 2))

    # What a plugin prints must not end up in the report on stdout.
    with contextlib.redirect_stdout(sys.stderr):
        for check in checks:
            decide(check, ())
    blinders: dict[CheckKey, Check] = {}
    for check in checks:
        # Only now is every finding known, so the order of the checks does not matter.
        outcome = outcomes[check.key]
        cause = _explained(named(check, check.blinded_by), outcomes, explanations)
        if outcome.status is Status.UNKNOWN and cause is not None:
            outcomes[check.key] = msgspec.structs.replace(
                outcome,
                status=Status.NOT_APPLICABLE,
                reason=f"explained by {cause.info.label}: {outcome.reason}",
            )
            blinders[check.key] = cause
    asked = {check.key for check in checks} - ignored - unselected
    told = {cause.key for key, cause in (explanations | blinders).items() if key in asked}
    for check in checks:
        # Deselected checks are judged all the same: what they explain stays explained.
        if check.key in ignored or (check.key in unselected and check.key not in told):
            outcomes[check.key] = Outcome(
                check=check.info, status=Status.IGNORED, reason="deselected"
            )
    return tuple(outcomes[check.key] for check in checks), tuple(problems)


class _Names:
    """Whom a check means by a name: a check of its own plugin, else one of trtdoctor's own."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = {(check.key.plugin, check.name): check for check in checks}

    def __call__(self, check: Check, names: tuple[str, ...]) -> tuple[Check, ...]:
        """The checks that ``check`` names; those that are not judged here are left out."""
        meant = (self._meant(check, name) for name in names)
        return tuple(other for other in meant if other is not None)

    def _meant(self, check: Check, name: str) -> Check | None:
        beside = self._checks.get((check.key.plugin, name))
        # A plugin may name its check as trtdoctor names the cause: nothing explains itself.
        if beside is not None and beside.key != check.key:
            return beside
        own = self._checks.get((OWN, name))
        return own if own is not None and own.key != check.key else None


def verdict(outcomes: Iterable[Outcome], problems: Iterable[Problem] = ()) -> Verdict:
    """Problems, if anything at warning or above was found; inconclusive, if it might have been.

    Of ``problems`` those count that kept checks from loading: these might have found anything. Where
    none of the checks that were asked for decided anything, nothing can be called healthy.
    """
    outcomes = tuple(outcomes)
    grave = [o for o in outcomes if o.check.severity is not Severity.INFO]
    if any(o.findings for o in grave):
        return Verdict.PROBLEMS
    if nothing_decided(outcomes):
        return Verdict.INCONCLUSIVE
    return Verdict.INCONCLUSIVE if _undecided(grave, problems) else Verdict.HEALTHY


def exit_code(report: Report, fail_on: Severity | None) -> int:
    """0, 1 or 3 by the contract; ``fail_on`` None never fails."""
    if fail_on is None:
        return 0
    at_stake = [o for o in report.outcomes if o.check.severity.rank >= fail_on.rank]
    if any(o.findings for o in at_stake):
        return 1
    if nothing_decided(report.outcomes):
        return 3
    return 3 if _undecided(at_stake, report.problems) else 0


def nothing_decided(outcomes: Iterable[Outcome]) -> bool:
    """Whether certain checks were asked for, and none of them applies and could decide."""
    statuses = {outcome.status for outcome in outcomes}
    return Status.IGNORED in statuses and not statuses & {Status.PASSED, Status.FAILED}


def _undecided(outcomes: Iterable[Outcome], problems: Iterable[Problem]) -> bool:
    """Whether something might have been found that was not. A crash is among the outcomes."""
    return any(o.status in (Status.UNKNOWN, Status.CRASHED) for o in outcomes) or any(
        p.kind is ProblemKind.NOT_LOADED for p in problems
    )


def _explained(
    causes: tuple[Check, ...],
    outcomes: dict[CheckKey, Outcome],
    explanations: dict[CheckKey, Check],
) -> Check | None:
    for other in causes:
        if other.key not in outcomes:
            continue
        if outcomes[other.key].findings:
            return other
        if other.key in explanations:
            return explanations[other.key]
    return None


def _absence(check: Check, facts: Facts) -> str | None:
    """The first fact that the check requires and that is claimed absent, with why."""
    for parameter in check.parameters:
        if parameter.fact is not None and parameter.want is Want.REQUIRED:
            fact = facts.fact(parameter.fact)
            if fact.status is FactStatus.ABSENT:
                return _why(parameter, fact)
    return None


def _run(check: Check, facts: Facts, knowledge: Knowledge) -> tuple[Outcome, Problem | None]:
    findings: list[Finding] = []
    unknowns: list[str] = []
    notes: list[str] = []
    problem: Problem | None = None
    status: Status | None = None
    try:
        arguments = _arguments(check, facts, knowledge)
        for number, item in enumerate(check.judge(**arguments)):
            if number == _MOST:
                notes.append(f"stopped after {_MOST} findings")
                break
            if isinstance(item, Finding):
                # A plugin's type errors are told here, where they cost one check.
                findings.append(msgspec.convert(msgspec.to_builtins(item), Finding))
            elif isinstance(item, Unknown):
                reason = _text(item.reason)
                unknowns.append(f"{item.subject}: {reason}" if item.subject else reason)
            elif isinstance(item, Note):
                notes.append(_text(item.text))
            else:
                raise TypeError(
                    f"a check yields Finding, Unknown or Note, not {type(item).__name__}"
                )
    except _Decided as decided:
        status, notes = decided.status, [decided.reason]
    except NotApplicable as reason:
        status, notes = Status.NOT_APPLICABLE, [str(reason)]
    except KnowledgeEnds as end:
        unknowns.append(str(end))
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  it costs itself, not the run
        status = Status.CRASHED
        origin = f"plugin {check.info.plugin}" if check.info.plugin else "trtdoctor"
        summary = told(error)
        notes = [f"{summary} (a bug in {check.id} of {origin}, please report it)"]
        problem = Problem(
            kind=ProblemKind.CRASHED,
            where=f"check {check.id} {check.name} ({origin})",
            message=summary,
            detail=traceback.format_exc(),
        )
    if findings and status is not Status.CRASHED:
        status = Status.FAILED
    elif unknowns and status is None:
        status = Status.UNKNOWN
    reasons = (unknowns or notes) if status is Status.UNKNOWN else [*notes, *unknowns]
    return Outcome(
        check=check.info,
        status=status or Status.PASSED,
        reason="; ".join(reasons) or None,
        findings=tuple(findings),
    ), problem


def told(error: BaseException) -> str:
    """An exception in one line, also where it cannot say what it is."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  foreign exceptions may do anything
        return type(error).__name__


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a reason is text, not {type(value).__name__}")
    return value


def _arguments(check: Check, facts: Facts, knowledge: Knowledge) -> dict[str, Any]:
    seen = [(p, facts.fact(p.fact) if p.fact else None) for p in check.parameters]
    # Absence decides before ignorance: what is not there cannot be in a bad state.
    seen.sort(key=lambda item: item[1] is None or item[1].status is not FactStatus.ABSENT)
    return {p.name: knowledge if fact is None else _argument(p, fact) for p, fact in seen}


def _argument(parameter: Parameter, fact: Fact[Any]) -> Any:
    if parameter.want is Want.STATUS:
        return fact
    if fact.status is FactStatus.OK:
        return fact.value
    if fact.status is FactStatus.ABSENT and parameter.want is Want.OPTIONAL:
        return None
    reason = _why(parameter, fact)
    if fact.status in (FactStatus.ABSENT, FactStatus.NOT_RUN):
        raise _Decided(Status.NOT_APPLICABLE, reason)
    raise _Decided(Status.UNKNOWN, f"could not look ({fact.status.value}): {reason}")


def _why(parameter: Parameter, fact: Fact[Any]) -> str:
    if parameter.fact and parameter.fact.NOT_GIVEN and fact.reason == parameter.fact.NOT_GIVEN:
        return parameter.fact.NOT_GIVEN
    name = f"{parameter.fact.FACT}: " if parameter.fact else ""
    return f"{name}{fact.reason or fact.status.value}"
