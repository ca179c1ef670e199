"""A report in one line, for logs and CI: the verdict, how much was found, and the gravest of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

from trtdoctor.model.engine import EngineReport, Precision, Summary
from trtdoctor.model.model_report import ModelReport
from trtdoctor.model.plural import count
from trtdoctor.model.report import Outcome, Report, Severity, Status, Verdict

from .common import failed, having, one_line, verdict_line

# Where a sentence ends and another begins; the dot of a number or a file name is neither.
_NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_MOST_NAMED = 3


def render_one_line(report: Report) -> str:
    """One line, which ends in a newline and has no other, whatever the report holds."""
    parts = (part.rstrip(".") for part in _parts(report))
    return one_line(f"{report.tool.name}: {'; '.join(parts)}") + "\n"


def _parts(report: Report) -> Iterable[str]:
    told = tuple(_told(report))
    if report.verdict is Verdict.PROBLEMS:
        # What a comparison found is what its verdict says.
        yield f"problems: {_found(report)}" if report.comparisons else _problems(report)
    elif report.verdict is Verdict.INCONCLUSIVE:
        yield _inconclusive(report)
    elif not told:
        yield "healthy: no errors and no warnings"
    elif report.machine is not None:
        # That this machine runs it was asked too.
        yield "healthy"
    yield from told


def _problems(report: Report) -> str:
    grave = (o for severity in Severity for o in failed(report, severity))
    first = next(grave, None)
    if first is None:
        return "problems, which the report does not name"
    return f"problems: {_found(report)}; first {_named(first)}: {first.findings[0].message}"


def _found(report: Report) -> str:
    found = {
        severity: sum(len(outcome.findings) for outcome in failed(report, severity))
        for severity in (Severity.ERROR, Severity.WARNING)
    }
    return ", ".join(count(number, severity.value) for severity, number in found.items() if number)


def _inconclusive(report: Report) -> str:
    undecided = having(report, Status.UNKNOWN, Status.CRASHED)
    if undecided:
        first = undecided[0]
        number = count(len(undecided), "check")
        return (
            f"inconclusive: {number} could not decide; first {_named(first)}: "
            f"{first.reason or 'no reason given'}"
        )
    sentence = verdict_line(report).rstrip(".").removeprefix("Inconclusive: ")
    return f"inconclusive: {sentence[:1].lower()}{sentence[1:]}"


def _named(outcome: Outcome) -> str:
    subject = outcome.findings[0].subject if outcome.findings else None
    return f"{outcome.check.label} [{subject}]" if subject else outcome.check.label


def _told(report: Report) -> Iterable[str]:
    """What was asked of files: the first sentence of each answer."""
    if report.comparisons:
        yield report.comparisons[0].verdict
        return
    files: list[EngineReport | ModelReport] = [
        *(engine for engine in report.engines if not _modelled(engine, report)),
        *report.models,
    ]
    for each in files[:_MOST_NAMED]:
        yield f"{PurePath(each.path).name}: {_answer(each)}"
    if len(files) > _MOST_NAMED:
        yield f"{len(files) - _MOST_NAMED:,} more"


def _modelled(engine: EngineReport, report: Report) -> bool:
    """Whether an engine stands for a model that has an answer of its own."""
    return any(model.path == engine.path for model in report.models)


def _answer(each: EngineReport | ModelReport) -> str:
    if each.answer:
        return _NEXT_SENTENCE.split(each.answer, maxsplit=1)[0]
    if isinstance(each, ModelReport):
        return "nothing is known of it"
    if each.failure is not None:
        return f"its build failed: {each.failure.meaning or each.failure.text}"
    if each.layers and each.summary is not None:
        return _share(each.summary)
    return " ".join(part for part in (each.what, each.to_do) if part) or "no layers"


def _share(summary: Summary) -> str:
    by = summary.layers_by_precision
    layers, unknown = sum(by.values()), by.get(Precision.UNKNOWN, 0)
    text = f"{by.get(Precision.FP16, 0):,} of {count(layers, 'compute layer')} "
    text += "is FP16" if layers == 1 else "are FP16"
    return f"{text}, {unknown:,} unknown" if unknown else text
