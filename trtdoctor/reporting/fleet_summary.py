"""What is kept of one machine's report while many are read, and which machine it is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from trtdoctor.checking.judge import nothing_decided, verdict
from trtdoctor.model.facts import Gpus, Identity, OperatingSystem, TargetPython
from trtdoctor.model.fleet import State, Traits
from trtdoctor.model.machine import Machine
from trtdoctor.model.report import (
    CheckInfo,
    CheckKey,
    Outcome,
    ProblemKind,
    Severity,
    Status,
    Verdict,
)
from trtdoctor.model.report_head import ReportHead

from . import private

# What systems are called until somebody gives them a name, and what many are called in images.
_NOBODYS_NAME = (
    *("localhost", "host", "linux", "debian", "ubuntu", "ubuntu-server", "tegra-ubuntu", "jetson"),
    *("nvidia-desktop", "nvidia-jetson", "desktop", "server", "gpu-server", "workstation"),
)
# How TargetPython tells that the user did not leave the choice to the environment.
_NAMED = "--python"
_STATES = {
    Status.FAILED: State.FAILED,
    Status.UNKNOWN: State.UNDECIDED,
    Status.CRASHED: State.UNDECIDED,
    Status.PASSED: State.PASSED,
    Status.NOT_APPLICABLE: State.NOT_APPLICABLE,
    Status.IGNORED: State.NOT_CHECKED,
}


@dataclass(frozen=True, kw_only=True)
class MachineKey:
    """What tells a machine from every other, as far as its report does.

    Attributes:
        host: Its host name; None where it is not known or stands under a pseudonym.
        gpus: The UUIDs of its GPUs; empty where they are not known.
        models: Their names.
    """

    host: str | None
    gpus: frozenset[str]
    models: frozenset[str] = frozenset()

    def may_be(self, other: MachineKey) -> bool:
        """Whether both are one machine: the same name, and no GPUs that say otherwise.

        A name that many machines have by default says nothing without the GPUs.
        """
        if self.host is None or self.host != other.host:
            return False
        if self.gpus and other.gpus:
            return bool(self.gpus & other.gpus)
        if self.models and other.models and not self.models & other.models:
            return False
        return self.host.partition(".")[0].lower() not in _NOBODYS_NAME


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a check said on one machine: the first finding's message and remedy, or why it is open."""

    text: str
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One machine's report, as far as a fleet tells it.

    Attributes:
        file: The report's name, as the user knows it.
        machine: Which machine it is.
        asked: What was asked of it: the interpreter, where one was named, and the files. One machine can
            have a report of each.
        taken: When it was looked at, as the report tells.
        digest: Of the report's bytes.
        states: How each check came out.
        said: What the checks said that found something or could not decide.
        worst: The gravest severity of a finding.
        open: The gravest severity of what may have been found.
        knows_names: Whether the names are known that ``shared`` has to replace.
    """

    file: str
    machine: MachineKey
    asked: tuple[str | None, ...]
    taken: str
    digest: bytes
    version: str
    knowledge: str
    verdict: Verdict
    traits: Traits
    checks: dict[CheckKey, CheckInfo]
    states: dict[CheckKey, State]
    said: dict[CheckKey, Said]
    worst: Severity | None
    open: Severity | None
    redacted: bool = False
    knows_names: bool = True

    def reworded(self, change: Callable[[str], str], *, knows_names: bool) -> Summary:
        """The same with other texts, as for pseudonyms."""
        said = {
            key: Said(text=change(it.text), remedy=it.remedy and change(it.remedy))
            for key, it in self.said.items()
        }
        return replace(self, said=said, knows_names=knows_names)


def summarise(head: ReportHead, *, file: str, digest: bytes) -> Summary:
    """Keep what a fleet tells of a report of ``trtdoctor check``."""
    system = head.snapshot.value(OperatingSystem)
    gpus = head.snapshot.value(Gpus)
    python = head.snapshot.value(TargetPython)
    host = (system.host if system is not None else None) or _first_host(head)
    uuids = {gpu.uuid for gpu in gpus.devices if gpu.uuid} if gpus is not None else set()
    outcomes = [outcome.told() for outcome in head.outcomes]
    findings = [o for o in outcomes if o.findings]
    undecided = [o for o in outcomes if _STATES[o.status] is State.UNDECIDED]
    return Summary(
        file=file,
        machine=MachineKey(
            host=None if host is None or private.PSEUDONYM.search(host) else host or None,
            gpus=frozenset(u for u in uuids if not private.PSEUDONYM.search(u)),
            models=frozenset(gpu.name for gpu in (head.machine and head.machine.gpus) or ()),
        ),
        asked=(
            python.executable if python is not None and python.chosen_by == _NAMED else None,
            *(given.path for given in (*head.engines, *head.models)),
        ),
        taken=head.snapshot.taken,
        digest=digest,
        version=head.tool.version,
        knowledge=head.tool.knowledge,
        verdict=verdict(outcomes, head.problems),
        traits=_traits(head.machine),
        checks={o.check.key: o.check for o in outcomes},
        states={o.check.key: State.FAILED if o.findings else _STATES[o.status] for o in outcomes},
        said={o.check.key: _said(o) for o in (*undecided, *findings)},
        worst=_gravest(findings),
        open=_open(head, outcomes, undecided),
        redacted=head.snapshot.redaction.applied,
    )


def _first_host(head: ReportHead) -> str | None:
    """Commands that look at files alone ask for names only."""
    identity = head.snapshot.value(Identity)
    return identity.hosts[0] if identity is not None and identity.hosts else None


def _said(outcome: Outcome) -> Said:
    if not outcome.findings:
        return Said(text=outcome.reason or "no reason given")
    first = outcome.findings[0]
    return Said(text=first.message, remedy=first.remedy.text if first.remedy else None)


def _gravest(outcomes: Iterable[Outcome]) -> Severity | None:
    return max((o.check.severity for o in outcomes), key=lambda s: s.rank, default=None)


def _open(head: ReportHead, outcomes: list[Outcome], undecided: list[Outcome]) -> Severity | None:
    missing = any(problem.kind is ProblemKind.NOT_LOADED for problem in head.problems)
    if missing or nothing_decided(outcomes):
        # Whatever was not asked could have been anything.
        return Severity.ERROR
    return _gravest(undecided)


def _traits(machine: Machine | None) -> Traits:
    if machine is None:
        return Traits()
    tensorrts = (
        f"{t.product} {t.version or 'of unknown version'}".removeprefix("tensorrt ")
        for t in machine.tensorrts or ()
    )
    cuda = machine.cuda_driver or ("none" if machine.driver is None and _none(machine) else None)
    return Traits(
        gpus=_listed(machine.gpus_reason, _counted(gpu.name for gpu in machine.gpus or ())),
        driver=_listed(machine.driver_reason, machine.driver or ""),
        cuda=cuda,
        cuda_runtimes=_listed(machine.cuda_reason, ", ".join(sorted(machine.cuda_runtimes))),
        tensorrt=_listed(machine.tensorrts_reason, ", ".join(sorted(set(tensorrts)))),
    )


def _none(machine: Machine) -> bool:
    return _listed(machine.driver_reason, "") == "none"


def _listed(reason: str | None, text: str) -> str | None:
    """The text; without one, ``none`` where the reason claims it, and null where nobody knows."""
    if text:
        return text
    return None if reason is None or reason.startswith("unknown") else "none"


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{number} x {name}" for name, number in sorted(Counter(names).items()))
