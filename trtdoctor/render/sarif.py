"""The report as SARIF 2.1.0, the format of code scanning: checks are rules, findings results.

What passed is no result, for servers make an alert of each; what is undecided is a notification of the
run, which is where SARIF tells what kept a tool from looking.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from trtdoctor.model.codec import printable
from trtdoctor.model.report import CheckInfo, Finding, Outcome, Report, Severity, Status

from .common import exact, verdict_line
from .plain import file_of, finding_lines, moment, not_loaded, plain, plain_line

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# Its name is the standard's own example; servers resolve it to the repository's root.
_ROOT = "%SRCROOT%"
_UNDECIDED = (Status.UNKNOWN, Status.CRASHED)
_EMBEDDED_LINK = re.compile(r"\[(?=[^\]\n]*\]\()")


def render_sarif(report: Report) -> str:
    """The report as one SARIF log of one run, indented JSON."""
    rules = {o.check.key: number for number, o in enumerate(report.outcomes)}
    seen: Counter[tuple[str, str]] = Counter()
    results = []
    for outcome in report.outcomes:
        for finding in outcome.findings:
            key = (_rule_id(outcome.check), finding.subject or "")
            results.append(
                _result(report, outcome, finding, rule=rules[outcome.check.key], nth=seen[key])
            )
            seen[key] += 1
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "trtdoctor",
                "version": plain_line(report.tool.version),
                "rules": [_rule(outcome.check) for outcome in report.outcomes],
                "properties": {"knowledge": plain_line(report.tool.knowledge)},
            }
        },
        "automationDetails": {"id": f"trtdoctor/{plain_line(report.command)}/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": report.verdict.value,
            "answer": plain_line(verdict_line(report)),
            "engines": [_engine(report, number) for number in range(len(report.engines))],
            "privateDataReplaced": report.snapshot.redaction.applied,
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return printable(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def _rule_id(check: CheckInfo) -> str:
    return check.label.partition(" ")[0]


def _rule(check: CheckInfo) -> dict[str, Any]:
    title = f"{plain_line(check.title).rstrip('.')}."
    return {
        "id": _rule_id(check),
        "name": plain_line(check.name),
        "shortDescription": {"text": _message(title)},
        "help": {"text": _message(f"{title} 'trtdoctor why {check.name}' explains it.")},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": {"tags": [plain_line(check.area)]},
    }


def _result(
    report: Report, outcome: Outcome, finding: Finding, *, rule: int, nth: int
) -> dict[str, Any]:
    rule_id = _rule_id(outcome.check)
    # What a message tells can be measured anew each time; what it is about stays.
    identity = "\0".join((rule_id, finding.subject or "", str(nth)))
    properties: dict[str, Any] = {
        "confidence": finding.confidence.value,
        "evidence": [
            {"source": plain(item.source), "value": plain(item.value)} for item in finding.evidence
        ],
        "references": [plain_line(reference) for reference in finding.references],
    }
    if finding.remedy is not None:
        commands = [
            {"tool": command.tool.value, "lines": [exact(line) for line in command.lines]}
            for command in finding.remedy.commands
        ]
        properties["remedy"] = {"text": plain(finding.remedy.text), "commands": commands}
    return {
        "ruleId": rule_id,
        "ruleIndex": rule,
        "level": _LEVELS[outcome.check.severity],
        "message": {"text": _message("\n".join(finding_lines(finding)))},
        "locations": [_location(report, finding)],
        "partialFingerprints": {
            "trtdoctor/v1": hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()
        },
        "properties": properties,
    }


def _location(report: Report, finding: Finding) -> dict[str, Any]:
    about = file_of(report, finding)
    if about is None:
        name = plain_line(finding.subject or "this machine")
        return {"logicalLocations": [{"name": name, "kind": "resource"}]}
    path, line = about
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(path),
            # GitHub shows no result that has no line, not even one of a file without lines.
            "region": {"startLine": line or 1},
        }
    }


def _artifact(path: str) -> dict[str, str]:
    pure = PurePath(path)
    escaped = quote(pure.as_posix().encode("utf-8", "backslashreplace"))
    if pure.is_absolute():
        return {"uri": f"file://{escaped}"}
    return {"uri": escaped, "uriBaseId": _ROOT}


def _invocation(report: Report) -> dict[str, Any]:
    notes = []
    for outcome in report.outcomes:
        if outcome.status in _UNDECIDED:
            reason = plain_line(outcome.reason or "no reason given")
            crashed = outcome.status is Status.CRASHED
            notes.append(
                {
                    "level": "error" if crashed else _LEVELS[outcome.check.severity],
                    "message": {
                        "text": _message(f"{'crashed' if crashed else 'undecided'}: {reason}")
                    },
                    "associatedRule": {"id": _rule_id(outcome.check)},
                }
            )
    for problem in not_loaded(report):
        text = f"{plain_line(problem.where)}: {plain_line(problem.message)}"
        notes.append({"level": "error", "message": {"text": _message(text)}})
    failed = not_loaded(report) or any(o.status is Status.CRASHED for o in report.outcomes)
    told: dict[str, Any] = {"executionSuccessful": not failed, "toolExecutionNotifications": notes}
    if moment(report.created) is not None:
        told["endTimeUtc"] = report.created
    return told


def _engine(report: Report, number: int) -> dict[str, Any]:
    engine = report.engines[number]
    told: dict[str, Any] = {"path": plain_line(engine.path)}
    if engine.answer:
        told["answer"] = plain_line(engine.answer)
    if engine.summary is not None:
        share = engine.summary.fp16_share
        told["fp16Share"] = {"layers": share.layers, "time": share.time, "weights": share.weights}
    return told


def _message(text: str) -> str:
    """Text that no reader of SARIF takes for a link: brackets before a parenthesis are escaped."""
    return _EMBEDDED_LINK.sub(r"\\[", plain(text))
