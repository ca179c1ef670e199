"""The report as JUnit XML: a test case a check, as Jenkins, GitLab and others show them.

What fails there is what ``--fail-on`` makes fail, so that the file and the exit code agree: 0 means
neither failures nor errors, 1 means failures, 3 means errors alone. An undecided check is an error, for
nobody knows what it would have found, and a server that is told that it was skipped shows green; below
``--fail-on`` it is skipped, and a finding there passes with its text as output.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone
from xml.etree import ElementTree

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.report import Outcome, Report, Severity, Status

from .common import verdict_line
from .plain import finding_lines, moment, not_loaded, plain, plain_line

# Of one report, in explained layers: a server shows a text, and nobody reads on.
_MOST_EXPLAINED = 200
_UNDECIDED = (Status.UNKNOWN, Status.CRASHED)


def render_junit(report: Report, *, fail_on: Severity | None = Severity.ERROR) -> str:
    """The report as XML that Jenkins' schema of JUnit takes.

    Args:
        report: the report.
        fail_on: the least severity that fails; None for none.
    """
    cases = [_case(outcome, fail_on) for outcome in report.outcomes]
    if fail_on is not None:
        cases += [_error_case(p.where, "not loaded", p.message) for p in not_loaded(report)]
        if _nothing_checked(report):
            cases.append(_error_case("verdict", "nothing checked", verdict_line(report)))
    seconds = f"{sum(o.took_ms for o in report.outcomes) / 1000:.3f}"
    totals = {
        "tests": str(len(cases)),
        "failures": _having(cases, "failure"),
        "errors": _having(cases, "error"),
        "time": seconds,
    }
    root = ElementTree.Element("testsuites", {"name": "trtdoctor", **totals})
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": plain_line(f"trtdoctor {report.command}"),
            **totals,
            "skipped": _having(cases, "skipped"),
            **_timestamp(report),
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": plain_line(value)})
    suite.extend(cases)
    told = "\n".join(plain(line) for line in _told(report))
    ElementTree.SubElement(suite, "system-out").text = told
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _timestamp(report: Report) -> dict[str, str]:
    created = moment(report.created)
    if created is None:
        return {}
    # Readers of JUnit take it for UTC and want no zone.
    return {"timestamp": created.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")}


def _case(outcome: Outcome, fail_on: Severity | None) -> ElementTree.Element:
    check = outcome.check
    case = _named(check.area, check.label, seconds=outcome.took_ms / 1000)
    at_stake = fail_on is not None and check.severity.rank >= fail_on.rank
    undecided = outcome.status in _UNDECIDED
    reason = plain_line(outcome.reason or "no reason given")
    # The schema wants them in this order: skipped, error, failure, output.
    if not outcome.findings and _is_skipped(outcome, at_stake):
        ElementTree.SubElement(case, "skipped").text = f"{_why_skipped(outcome)}: {reason}"
    if undecided and at_stake:
        kind = "undecided" if outcome.status is Status.UNKNOWN else "crashed"
        _add(case, "error", kind, f"{kind}: {reason}")
    if outcome.findings:
        texts = ["\n".join(finding_lines(finding)) for finding in outcome.findings]
        if at_stake:
            more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
            first = plain_line(outcome.findings[0].message)
            # Most servers show the first failure of a test case alone.
            element = _add(case, "failure", check.severity.value, f"{first}{more}")
            element.text = "\n\n".join(texts)
        else:
            told = "\n\n".join(f"{check.severity.value}: {text}" for text in texts)
            ElementTree.SubElement(case, "system-out").text = told
    return case


def _is_skipped(outcome: Outcome, at_stake: bool) -> bool:
    if outcome.status in (Status.NOT_APPLICABLE, Status.IGNORED):
        return True
    return outcome.status in _UNDECIDED and not at_stake


def _why_skipped(outcome: Outcome) -> str:
    return {
        Status.NOT_APPLICABLE: "not applicable",
        Status.IGNORED: "not run",
        Status.CRASHED: "crashed",
    }.get(outcome.status, "undecided")


def _error_case(name: str, kind: str, message: str) -> ElementTree.Element:
    case = _named("trtdoctor", name, seconds=0.0)
    _add(case, "error", kind, plain_line(message))
    return case


def _named(area: str, name: str, *, seconds: float) -> ElementTree.Element:
    names = {"classname": plain_line(area), "name": plain_line(name)}
    return ElementTree.Element("testcase", {**names, "time": f"{seconds:.3f}"})


def _add(case: ElementTree.Element, tag: str, kind: str, message: str) -> ElementTree.Element:
    return ElementTree.SubElement(case, tag, {"type": kind, "message": message})


def _having(cases: list[ElementTree.Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))


def _nothing_checked(report: Report) -> bool:
    statuses = {outcome.status for outcome in report.outcomes}
    return Status.IGNORED in statuses and statuses <= {Status.IGNORED, Status.NOT_APPLICABLE}


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict.value
    yield "tool.version", report.tool.version
    yield "tool.knowledge", report.tool.knowledge
    yield "private data replaced", "yes" if report.snapshot.redaction.applied else "no"
    for number, engine in enumerate(report.engines, 1):
        yield f"engine.{number}.path", engine.path
        if engine.answer:
            yield f"engine.{number}.answer", engine.answer
        if engine.summary is not None:
            shares = engine.summary.fp16_share
            for by, share in (("layers", shares.layers), ("time", shares.time)):
                if share is not None:
                    yield f"engine.{number}.fp16_share.{by}", f"{share:.4f}"
    for number, model in enumerate(report.models, 1):
        yield f"model.{number}.path", model.path
        if model.answer:
            yield f"model.{number}.answer", model.answer


def _told(report: Report) -> Iterator[str]:
    """What servers show as the suite's output: the verdict, and why layers are not FP16."""
    yield verdict_line(report)
    left = _MOST_EXPLAINED
    for engine in report.engines:
        told = tuple(_explained(engine))
        yield from told[:left]
        if len(told) > left:
            yield f"and {len(told) - left} more layers; -o report.json keeps them"
        left = max(0, left - len(told))


def _explained(engine: EngineReport) -> Iterator[str]:
    for told in engine.explanations:
        sure = f", {told.confidence.value}" if told.confidence else ""
        yield plain_line(
            f"{engine.path}: {told.layer}: {told.precision.value}, {told.cause.value}{sure}"
        )
