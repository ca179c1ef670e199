"""What tests of checks and probes may import: cases in YAML, and a host made of plain answers.

A case file is named after its check (``DRV002.yaml``) and holds up to four lists, ``bad``, ``good``,
``unknown`` and ``not_applicable``, of cases::

    bad:
      - name: the driver is older than CUDA 12 allows
        facts:
          nvidia.driver: {version: "450.80.02"}
          cuda.runtimes: {runtimes: [{version: "12.4", major: 12, kind: pip, location: /x}]}
          system.wsl: {status: absent, reason: not WSL}
        expect:
          - subject: CUDA 12
            says: older than 525.60.13
            confidence: certain

A case may have an ``example``: a whole sentence that tells a stranger what happened there. The
page of the check shows its first bad case that has one. A fact given as
``{status: ..., reason: ...}`` has no value. A fact that is not given was not looked at. Each entry of
``expect`` must match one finding, in order; of the keys ``message`` and ``subject`` and
``confidence`` the whole, of ``says``, ``evidence`` and ``remedy`` a part (or a list of parts). In the
other lists ``says`` is a part of the outcome's reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from trtdoctor.checking.definition import Check
from trtdoctor.checking.judge import judge
from trtdoctor.host import Answer, Question
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.facts import FACT_TYPES
from trtdoctor.model.report import FactRecord, FactStatus, Outcome, Snapshot, Status

KINDS = {
    "bad": Status.FAILED,
    "good": Status.PASSED,
    "unknown": Status.UNKNOWN,
    "not_applicable": Status.NOT_APPLICABLE,
}
_FACTS = {kind.FACT: kind for kind in FACT_TYPES}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case of one check."""

    check: str
    kind: str
    name: str
    snapshot: Snapshot
    expect: tuple[dict[str, Any], ...] = ()
    says: tuple[str, ...] = ()
    example: str = ""


def snapshot_of(facts: dict[str, Any]) -> Snapshot:
    """A snapshot of fact fragments, each checked against its fact's type.

    Raises:
        ValueError: if a fragment does not fit its fact.
    """
    records = {}
    for name, fragment in facts.items():
        if set(fragment) <= {"status", "reason"} and "status" in fragment:
            records[name] = msgspec.convert(fragment, FactRecord)
            continue
        value = fragment
        if name in _FACTS:
            try:
                value = msgspec.to_builtins(msgspec.convert(fragment, _FACTS[name]))
            except msgspec.ValidationError as error:
                raise ValueError(f"fact {name}: {error}") from None
            if extra := set(fragment) - set(value):
                raise ValueError(f"fact {name} has no field {sorted(extra)[0]!r}")
        records[name] = FactRecord(status=FactStatus.OK, value=value, source="case")
    return Snapshot(taken="2026-01-01T00:00:00Z", facts=records)


def load_cases(path: Path) -> Iterator[Case]:
    """The cases of one file, or of every ``*.yaml`` in a folder."""
    import yaml

    if path.is_dir():
        for item in sorted(path.glob("*.yaml")):
            yield from load_cases(item)
        return
    lists = yaml.safe_load(path.read_text("utf-8"))
    if unknown := set(lists) - set(KINDS):
        raise ValueError(f"{path.name}: no such list of cases: {sorted(unknown)[0]}")
    for kind, cases in lists.items():
        for case in cases:
            try:
                snapshot = snapshot_of(case["facts"])
            except ValueError as error:
                raise ValueError(f"{path.name}, case {case['name']!r}: {error}") from None
            yield Case(
                check=path.stem,
                kind=kind,
                name=case["name"],
                snapshot=snapshot,
                expect=tuple(case.get("expect", ())),
                says=_parts(case.get("says")),
                example=case.get("example", ""),
            )


def run_case(case: Case, check: Check, knowledge: Knowledge | None = None) -> Outcome:
    """Judge a case twice, directly and through JSON, and compare it with what it expects.

    Raises:
        AssertionError: saying what differs, or that the case is one of another check.
    """
    assert case.check == check.id, (
        f"case {case.name!r} is one of {case.check}, by the name of its file, "
        f"and was given the check {check.id} {check.name}"
    )
    knowledge = knowledge or Knowledge.load()
    saved = msgspec.json.decode(msgspec.json.encode(case.snapshot), type=Snapshot)
    (outcome,), problems = judge(case.snapshot, [check], knowledge)
    (again,), _ = judge(saved, [check], knowledge)
    assert not problems, problems[0].detail
    assert msgspec.structs.replace(again, took_ms=0) == msgspec.structs.replace(outcome, took_ms=0)
    assert outcome.status is KINDS[case.kind], f"{outcome.status.value}: {_show(outcome)}"
    for part in case.says:
        assert part in (outcome.reason or ""), f"{part!r} not in reason {outcome.reason!r}"
    if case.kind == "bad":
        assert len(outcome.findings) == len(case.expect), _show(outcome)
        for finding, wanted in zip(outcome.findings, case.expect, strict=True):
            _match(msgspec.to_builtins(finding), wanted)
    return outcome


def _match(finding: dict[str, Any], wanted: dict[str, Any]) -> None:
    whole = ("message", "subject", "confidence")
    if unknown := set(wanted) - {*whole, "says", "evidence", "remedy"}:
        raise AssertionError(f"expect has no key {sorted(unknown)[0]!r}")
    for key in whole:
        if key in wanted:
            assert finding[key] == wanted[key], f"{key}: {finding[key]!r}"
    remedy = finding["remedy"] or {"text": "", "commands": []}
    texts = {
        "says": finding["message"],
        "evidence": "\n".join(f"{e['source']}: {e['value']}" for e in finding["evidence"]),
        "remedy": "\n".join(
            [remedy["text"], *(line for one in remedy["commands"] for line in one["lines"])]
        ),
    }
    for key, text in texts.items():
        for part in _parts(wanted.get(key)):
            assert part in text, f"{key}: {part!r} not in {text!r}"


def _parts(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _show(outcome: Outcome) -> str:
    messages = [finding.message for finding in outcome.findings]
    return f"reason {outcome.reason!r}, findings {messages!r}"


@dataclass
class FakeMachine:
    """A backend made of plain answers: a machine that a test imagines. What is not given is missing.

    ``children`` maps a script's name, or ``script:module`` for scripts with a ``module`` in their
    payload, to a ``ChildAnswer`` as plain data; ``commands`` a program's base name to a
    ``Completed`` as plain data; an ``{"error": kind}`` anywhere is an error. A file given as a dict
    with ``kind`` is a ``Stat`` as plain data, of a device node say. ``denied`` lists paths that
    answer nothing at all.
    """

    files: dict[str, str | bytes | Answer] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    commands: dict[str, Answer] = field(default_factory=dict)
    children: dict[str, Answer] = field(default_factory=dict)
    libraries: dict[str, Answer] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    system: dict[str, str] = field(default_factory=dict)

    def answer(self, question: Question) -> Answer:
        """Answer one question from what was given."""
        about = question.about
        path = str(about.get("path", ""))
        if any(path == entry or path.startswith(entry + "/") for entry in self.denied):
            return {"error": "denied", "detail": f"{path}: Permission denied"}
        answer: Answer = getattr(self, f"_{question.kind}")(about, path)
        return answer

    def _missing(self, path: str) -> Answer:
        return {"error": "missing", "detail": f"{path}: No such file or directory"}

    def _all_files(self) -> set[str]:
        return {*self.files, *self.libraries, *self.links}

    def _read(self, about: Answer, path: str) -> Answer:
        found = self.files.get(self.links.get(path, path))
        if found is None:
            return self._missing(path)
        if isinstance(found, dict):
            unusable = {"error": "unusable", "detail": f"{path}: not a regular file"}
            return unusable if "kind" in found else found
        data = found.encode() if isinstance(found, str) else found
        return {"text": data[: about["limit"]].decode("utf-8", "replace")}

    def _list(self, about: Answer, path: str) -> Answer:
        prefix = path.rstrip("/") + "/"
        names = {n[len(prefix) :].split("/")[0] for n in self._all_files() if n.startswith(prefix)}
        return {"names": sorted(names)} if names else self._missing(path)

    def _stat(self, about: Answer, path: str) -> Answer:
        found = self.files.get(self.links.get(path, path))
        if isinstance(found, dict) and "kind" in found:
            return found
        if path in self._all_files():
            return {"kind": "file", "size": 1, "executable": True, "writable": True}
        folder = self._list(about, path)
        return folder if "error" in folder else {"kind": "folder", "size": 0}

    def _resolve(self, about: Answer, path: str) -> Answer:
        found = self._stat(about, path)
        return found if "error" in found else {"path": self.links.get(path, path)}

    def _env(self, about: Answer, path: str) -> Answer:
        return {"value": self.env.get(about["name"])}

    def _system(self, about: Answer, path: str) -> Answer:
        usual = {
            "system": "Linux",
            "release": "6.1.0",
            "machine": "x86_64",
            "libc": "glibc 2.36",
            "host": "imagined",
            "user": "somebody",
            "home": "/home/somebody",
            "python": "/usr/bin/python3",
            "directory": "/home/somebody/work",
        }
        return {**usual, **self.system}

    def _volume(self, about: Answer, path: str) -> Answer:
        return {"total": 500_000_000_000, "free": 200_000_000_000}

    def _dynamic(self, about: Answer, path: str) -> Answer:
        found = self.libraries.get(self.links.get(path, path))
        return found if found is not None else self._missing(path)

    def _run(self, about: Answer, path: str) -> Answer:
        program = about["argv"][0].rsplit("/", 1)[-1]
        return self.commands.get(program) or self._missing(about["argv"][0])

    def _child(self, about: Answer, path: str) -> Answer:
        key = about["script"]
        module = about["payload"].get("module")
        found = self.children.get(f"{key}:{module}") if module else None
        found = found or self.children.get(key)
        if found is None:
            return {"ending": "exit", "detail": "exit status 1", "output": ""}
        return found
