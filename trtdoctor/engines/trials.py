"""Remedies that can be tried by building again: what each changes of the build, and what it promises.

A promise is about the engine's measured time. What the log's numbers foretell is the builder's own
objective, so it is stretched by how far the measured engine is from that, and a promise whose interval
reaches zero is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from trtdoctor.builder.request import BuildRequest, io_of, size_word
from trtdoctor.model.build import BuildRecord
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import EngineReport, Explanation
from trtdoctor.model.typing import Typing

from .promises import promise

_MORE_TIMINGS = 16
_WORKSPACE = 4
_LEAST_WORKSPACE = 4 << 30


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One remedy, or several together, as a change of a build.

    Attributes:
        names: What each is called.
        change: What is set anew in the request, by its attributes' names.
        words: The options that say so.
        promised_ms: How much less an inference takes, 19 times of 20; None where nothing is promised.
        withheld: Why not.
    """

    names: tuple[str, ...]
    change: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    promised_ms: tuple[float, float] | None = None
    withheld: str | None = None

    def applied(self, request: BuildRequest) -> BuildRequest:
        """The request with the change."""
        return replace(request, **self.change)


def trials(report: EngineReport, request: BuildRequest, most: int) -> tuple[Trial, ...]:
    """At most so many trials, the most promising first; the last is all of them together.

    Args:
        report: the engine, explained, with the record of its build.
        request: what it was built with.
        most: how many remedies are tried one by one.
    """
    found = sorted(_each(report, request), key=_merit, reverse=True)[:most]
    whole = _together(found, request)
    return (*found, *((whole,) if whole is not None else ()))


def _merit(trial: Trial) -> float:
    """A promise counts by its middle; what promises nothing comes after all that do."""
    if trial.promised_ms is None:
        return -1.0 if trial.withheld else 0.0
    return sum(trial.promised_ms) / 2.0


def _each(report: EngineReport, request: BuildRequest) -> Iterable[Trial]:
    causes: dict[Cause, list[Explanation]] = {}
    for told in report.explanations:
        causes.setdefault(told.cause, []).append(told)
    yield from _network_io(report, request)
    if report.typing is Typing.STRONG:
        unconverted = request.precision != "fp16" or request.convert == "none"
        if Cause.GRAPH_SAYS_FP32 in causes and unconverted:
            none = request.convert == "none"
            yield Trial(
                names=("convert the model to FP16",),
                change={"precision": "fp16", **({"convert": "plan"} if none else {})},
                words=("--precision", "fp16", *(("--convert", "plan") if none else ())),
                withheld="no FP16 kernel was timed, so nothing at hand says how fast it would be",
            )
        return
    if Cause.NOT_ENABLED in causes and request.precision == "fp32":
        yield Trial(
            names=("allow FP16",),
            change={"precision": "fp16"},
            words=("--precision", "fp16"),
            withheld="no FP16 kernel was timed, so the log does not say what FP16 saves",
        )
    if Cause.INT8_WITHOUT_FP16 in causes:
        yield Trial(
            names=("allow FP16 beside INT8",),
            change={"precision": "best"},
            words=("--precision", "best"),
            withheld="no FP16 kernel was timed, so the log does not say what FP16 saves",
        )
    if _advised(causes.get(Cause.PINNED, ())) and request.pins:
        yield Trial(
            names=("take back the pins",),
            change={"pins": {}, "constraints": None},
            withheld="FP16 kernels of pinned layers were not timed",
        )
    if _advised(causes.get(Cause.TACTIC_MEMORY, ())):
        limit = max((request.workspace or 0) * _WORKSPACE, _LEAST_WORKSPACE)
        yield Trial(
            names=("more workspace",),
            change={"workspace": limit},
            words=("--workspace", size_word(limit)),
            withheld="a kernel that there was no memory for was not timed",
        )
    if Cause.NEAR_TIE in causes or any(
        other.cause is Cause.NEAR_TIE for told in report.explanations for other in told.other_causes
    ):
        yield Trial(
            names=("average more timings",),
            change={"avg_timing": _MORE_TIMINGS},
            words=("--avg-timing", str(_MORE_TIMINGS)),
            withheld="FP16 and FP32 are about as fast, so it changes the choice and hardly the time",
        )


def _advised(told: Sequence[Explanation]) -> bool:
    """Whether the remedy was given with commands: the gate lets it through."""
    return any(one.remedy is not None and one.remedy.commands for one in told)


def _network_io(report: EngineReport, request: BuildRequest) -> Iterable[Trial]:
    choice = report.choice
    if choice is None or not choice.network_io or request.io or request.io_all:
        return
    forms: dict[str, tuple[str | None, str | None]] = {}
    for text in choice.network_io:
        name, _, form = text.rpartition(" as ")
        dtype, _, layout = form.partition(":")
        if dtype == "fp16":
            forms[name] = (dtype, layout or None)
    if not forms:
        return
    promised, withheld = promise(
        choice.network_io_gain_ms, choice.plan_ms, choice.network_io_ms, report.measured
    )
    words = [w for name, form in forms.items() for w in ("--io", f"{name}={form[0]}:{form[1]}")]
    yield Trial(
        names=("FP16 network inputs and outputs",),
        change={"io": forms},
        words=tuple(words),
        promised_ms=promised,
        withheld=withheld,
    )


def _together(found: Sequence[Trial], request: BuildRequest) -> Trial | None:
    """All of them at once, where there are several that do not contradict each other."""
    if len(found) < 2:
        return None
    change: dict[str, Any] = {}
    for one in found:
        for key, value in one.change.items():
            if change.setdefault(key, value) != value:
                return None
    return Trial(
        names=tuple(name for one in found for name in one.names),
        change=change,
        words=tuple(word for one in found for word in one.words),
        withheld="what several remedies save together is not the sum of what each saves",
    )


def request_of(record: BuildRecord, engine: Path, model: Path) -> BuildRequest:
    """What an engine was built with, by the record of its build.

    Args:
        record: the record.
        engine: where another is written.
        model: the model that was given.
    """
    settings = record.settings
    forms: dict[str, tuple[str | None, str | None]] = {}
    for name, text in record.io.items():
        dtype, _, layout = text.partition(":")
        forms[name] = (dtype or None, layout or None)
    constraints = next(
        (
            flag.partition("_")[0].lower()
            for flag in record.flags
            if flag.endswith("_PRECISION_CONSTRAINTS")
        ),
        None,
    )
    everything, _ = io_of(_given(record, "--io"))
    converted = _given(record, "--convert")
    return BuildRequest(
        model=model,
        engine=engine,
        precision=record.precision,
        tf32=settings.tf32 is not False,
        strongly_typed="--strongly-typed" in record.command,
        shapes=record.shapes,
        io=forms,
        # Where it set types of tensors, those are in the record one by one.
        io_all=None if forms else everything,
        pins=record.pins,
        constraints=constraints,
        hardware_compatible=settings.hardware_compatibility_level,
        version_compatible="VERSION_COMPATIBLE" in record.flags,
        workspace=settings.workspace_bytes,
        avg_timing=settings.avg_timing_iterations,
        tactic_sources=settings.tactic_sources,
        optimization_level=settings.builder_optimization_level,
        targets=record.targets,
        convert=converted[0] if converted else record.converted_by or "plan",
    )


def _given(record: BuildRecord, option: str) -> list[str]:
    """The values that the command of the build gave an option."""
    words = record.command
    return [value for word, value in pairwise(words) if word == option]
