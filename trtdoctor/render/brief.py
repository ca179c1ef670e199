"""A report for a program with little room, such as a language model: the answer first, the rest in pages.

Everything is plain JSON, bounded in size and free of control characters. What a summary leaves out it
names, with how to ask for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import UsageError
from trtdoctor.model.model_report import ModelReport
from trtdoctor.model.report import Finding, Outcome, Report, Severity

from .common import clean, counts, failed, undecided, verdict_line

# In characters of JSON: of a page, and of each list in a summary.
_PAGE = 20_000
_LIST = 8_000
_MOST_NOTES = 5


def summary(report: Report) -> dict[str, Any]:
    """The verdict, the findings, and of each engine and model the answer; below 60 000 characters."""
    findings = list(_findings(report))
    left = [
        {"reason": reason, "checks": [o.check.label for o in outcomes]}
        for reason, outcomes in undecided(report)
    ]
    told: dict[str, Any] = {
        "command": report.command,
        "verdict": report.verdict.value,
        "answer": verdict_line(report),
        "checks": counts(report),
        "findings": findings,
        "undecided": left,
        "problems": [{"where": p.where, "message": p.message} for p in report.problems],
        "engines": [_engine(engine) for engine in report.engines],
        "models": [_model(model) for model in report.models],
        "private_data_replaced": report.snapshot.redaction.applied,
        "created": report.created,
        "tool": f"{report.tool.name} {report.tool.version}, knowledge of {report.tool.knowledge}",
    }
    shown = {
        key: _fitting(value) if isinstance(value, list) else value for key, value in told.items()
    }
    if report.machine is not None:
        machine = msgspec.to_builtins(report.machine)
        gpus = machine.get("gpus")
        shown["machine"] = {**machine, "gpus": _fitting(gpus) if gpus else gpus, "measured": None}
    pages = {name: sum(1 for _ in items(report)) for name, items in PARTS.items()}
    shown["more"] = {
        "how": "call the same tool with the same arguments, part and offset for one page of a part",
        "parts": {name: number for name, number in pages.items() if number},
    }
    answer: dict[str, Any] = cleaned(shown)
    return answer


def page(report: Report, part: str, offset: int) -> dict[str, Any]:
    """As many items of a part of the report, from ``offset`` on, as a page holds; at least one.

    Raises:
        UsageError: if there is no such part, or the offset is before its beginning.
    """
    if part not in PARTS:
        raise UsageError(f"there is no part {part!r:.80}; the parts are {', '.join(PARTS)}")
    if offset < 0:
        raise UsageError(f"offset {offset} is before the first item; give 0 or more")
    items = list(PARTS[part](report))
    shown = _fitting(items[offset:], most=_PAGE) or items[offset : offset + 1]
    following = offset + len(shown)
    answer: dict[str, Any] = cleaned(
        {
            "part": part,
            "total": len(items),
            "offset": offset,
            "items": shown,
            "next_offset": following if following < len(items) else None,
        }
    )
    return answer


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    for severity in Severity:
        for outcome in failed(report, severity):
            for finding in outcome.findings:
                yield _finding(outcome, finding)


def _finding(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    told = msgspec.to_builtins(finding)
    return {"check": outcome.check.label, "severity": outcome.check.severity.value, **told}


def _outcomes(report: Report) -> Iterator[dict[str, Any]]:
    for outcome in report.outcomes:
        yield {
            "check": outcome.check.label,
            "title": outcome.check.title,
            "severity": outcome.check.severity.value,
            "status": outcome.status.value,
            "reason": outcome.reason,
        }


def _of_engines(field: str) -> Callable[[Report], Iterator[dict[str, Any]]]:
    def items(report: Report) -> Iterator[dict[str, Any]]:
        for engine in report.engines:
            for item in getattr(engine, field):
                yield {"engine": engine.path, **msgspec.to_builtins(item)}

    return items


def _hazards(report: Report) -> Iterator[dict[str, Any]]:
    for model in report.models:
        for hazard in model.hazards or ():
            yield {"model": model.path, **msgspec.to_builtins(hazard)}


def _regions(report: Report) -> Iterator[dict[str, Any]]:
    for model in report.models:
        for precisions in model.maps:
            for region in precisions.regions:
                told = msgspec.to_builtins(region)
                yield {"model": model.path, "releases": precisions.releases, **told}


PARTS: dict[str, Callable[[Report], Iterator[dict[str, Any]]]] = {
    "findings": _findings,
    "outcomes": _outcomes,
    "layers": _of_engines("layers"),
    "explanations": _of_engines("explanations"),
    "hazards": _hazards,
    "regions": _regions,
}
"""What of a report comes in pages, by name."""


def _engine(engine: EngineReport) -> dict[str, Any]:
    identity = engine.identity
    causes = Counter(told.cause.value for told in engine.explanations)
    return {
        "path": engine.path,
        "what": engine.what,
        "to_do": engine.to_do,
        "answer": engine.answer,
        "product": identity.product if identity else None,
        "tensorrt_version": identity.tensorrt_version if identity else None,
        "compute_capabilities": identity.compute_capabilities if identity else None,
        "typing": engine.typing.value,
        "layers_source": engine.layers_source.value if engine.layers_source else None,
        "summary": msgspec.to_builtins(engine.summary),
        "causes": dict(causes.most_common()),
        "advice": msgspec.to_builtins(engine.advice[:_MOST_NOTES]),
        "missing": msgspec.to_builtins(engine.missing[:_MOST_NOTES]),
        "notes": list(engine.notes[:_MOST_NOTES]),
        "failure": msgspec.to_builtins(engine.failure),
    }


def _model(model: ModelReport) -> dict[str, Any]:
    return {
        "path": model.path,
        "answer": model.answer,
        "maps": [
            {
                "typing": told.typing.value,
                "releases": told.releases,
                "fp16_share": told.fp16_share,
                "unknown_share": told.unknown_share,
                "regions": len(told.regions),
            }
            for told in model.maps
        ],
        "hazards": model.hazards_count,
        "refusals": msgspec.to_builtins(model.refusals[:_MOST_NOTES]),
        "refusals_in_all": len(model.refusals),
        "notes": list(model.notes[:_MOST_NOTES]),
    }


def _fitting(items: Sequence[Any], *, most: int = _LIST) -> list[Any]:
    """The first items, as many as fit; a summary's list says last how many do not."""
    shown: list[Any] = []
    left = most
    for item in items:
        left -= len(msgspec.json.encode(cleaned(item)))
        if left < 0:
            break
        shown.append(item)
    if most == _LIST and len(shown) < len(items):
        shown.append({"not_shown": len(items) - len(shown)})
    return shown


def cleaned(value: Any) -> Any:
    """Plain data with every text in it clean, and none of more than 8000 characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [cleaned(item) for item in value]
    return value
