"""Each renderer on four canonical reports and on an engine: goldens, and nothing that escapes.

A golden's name says the report, its exit code and the format; ``pytest --update-golden`` writes
them anew, to be read before they are committed.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import planwriter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.api import Finding, Severity, check
from trtdoctor.api.facts import KernelDriver
from trtdoctor.checking.discover import Catalogue, discover
from trtdoctor.checking.judge import exit_code
from trtdoctor.cli.app import run
from trtdoctor.host import Host
from trtdoctor.host.recorded import load_recording
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.codec import encode
from trtdoctor.model.engine import (
    EngineReport,
    Explanation,
    Layer,
    LayersSource,
    Precision,
    Summary,
)
from trtdoctor.model.report import Evidence, FactRecord, FactStatus, Problem, Report, Snapshot
from trtdoctor.probes import PROBES
from trtdoctor.render.common import clean, flat, one_line
from trtdoctor.render.github import render_github
from trtdoctor.render.html import render_html
from trtdoctor.render.junit import render_junit
from trtdoctor.render.markdown import render_markdown
from trtdoctor.render.prometheus import render_prometheus
from trtdoctor.render.sarif import render_sarif
from trtdoctor.render.terminal import TerminalOptions, render_terminal
from trtdoctor.reporting.collect import Collection
from trtdoctor.reporting.examine import Selection, examine

HERE = Path(__file__).parent
DATA = HERE / "data"


def snapshot(host: str) -> Snapshot:
    backend, header = load_recording(HERE / "hosts" / host)
    collection = Collection(Host(backend, target=header.target), PROBES, active=header.active)
    return collection.finish(budget=60, taken="2026-01-01T00:00:00Z")


@check(id="DRV999", name="breaks-at-once", severity=Severity.ERROR, since="0")
def breaks_at_once(driver: KernelDriver) -> Iterator[Finding]:
    """A check that raises.

    ## What it checks
    Nothing.

    ## Why it matters
    A check that raises must cost itself alone.

    ## How to fix it
    Mend it.
    """
    yield Finding(message=f"seen before it broke: {driver.version}")
    raise ZeroDivisionError("of course")


def report(name: str, *, share: bool) -> Report:
    """One canonical report, with everything that varies from day to day made the same."""
    catalogue = discover().only("SYS", "DRV", "GPU", "TRT")
    seen = snapshot("healthy-h100-trt86" if name != "sick" else "imagined-gtx-1080")
    if name == "blind":
        denied = FactRecord(status=FactStatus.DENIED, reason="Permission denied")
        seen = msgspec.structs.replace(seen, facts=dict.fromkeys(seen.facts, denied))
    if name == "crashed":
        catalogue = Catalogue(checks=(*catalogue.checks, breaks_at_once), plugins=(), problems=())
    made = examine(
        seen, catalogue, Knowledge.load(), command="check", share=share, selection=Selection()
    )
    plain = msgspec.to_builtins(made)
    plain["created"] = "2026-01-01T00:00:00Z"
    plain["tool"] |= {"version": "0", "knowledge": "2026-01-01"}
    for outcome in plain["outcomes"]:
        outcome["took_ms"] = 0.0
    for fact in plain["snapshot"]["facts"].values():
        fact["took_ms"] = 0.0
    for problem in plain["problems"]:
        problem["detail"] = "Traceback"
    return msgspec.convert(plain, Report)


@pytest.mark.parametrize("name", ["healthy", "sick", "blind", "crashed"])
@pytest.mark.parametrize(
    "suffix", ["txt", "md", "html", "json", "junit.xml", "sarif", "github.txt", "prom"]
)
def test_a_canonical_report_looks_as_agreed(name: str, suffix: str, golden) -> None:
    made = report(name, share=suffix not in ("txt", "json"))
    render = {
        "txt": lambda: render_terminal(made, TerminalOptions(width=100, verbose=1)),
        "md": lambda: render_markdown(made),
        "html": lambda: render_html(made),
        "json": lambda: encode(made).decode(),
        "junit.xml": lambda: render_junit(made),
        "sarif": lambda: render_sarif(made),
        "github.txt": lambda: render_github(made),
        "prom": lambda: render_prometheus(made),
    }
    code = exit_code(made, Severity.ERROR)
    golden(f"report-{name}.{code}.{suffix}", render[suffix]())


def test_colour_adds_escapes_and_nothing_else() -> None:
    made = report("sick", share=False)
    plain = render_terminal(made, TerminalOptions(width=100))
    coloured = render_terminal(made, TerminalOptions(width=100, color=True))
    assert "\x1b[" in coloured and "\x1b" not in plain


@pytest.mark.parametrize("suffix", ["txt", "md", "html"])
def test_an_inspected_and_an_explained_engine_look_as_agreed(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, golden
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.plan").write_bytes(planwriter.plan(planwriter.releases()["8.6"]))
    assert run(["inspect", "model.plan", "--no-live", "--all", "-o", f"inspect.{suffix}"]) == 0
    shutil.copy(DATA / "layers" / "trt86.simple.fp16.layers.json", "layers.json")
    with gzip.open(DATA / "buildlog" / "trt86-simple.fp16.log.gz") as packed:
        Path("build.log").write_bytes(packed.read())
    words = ["explain", "--log", "build.log", "--layers", "layers.json", "-v"]
    assert run([*words, "-o", f"explain.{suffix}"]) == 0
    capsys.readouterr()
    for command in ("inspect", "explain"):
        text = Path(f"{command}.{suffix}").read_text("utf-8")
        if suffix != "txt":
            # The last lines tell the version, the tables' date and when this was.
            text = (
                "\n".join(line for line in text.splitlines() if "knowledge of" not in line) + "\n"
            )
        golden(f"{command}.0.{suffix}", text)


def test_what_a_machine_says_cannot_command_a_reader(tmp_path: Path) -> None:
    made = report("healthy", share=False)
    plain = json.loads(encode(made))
    plain["machine"]["gpus"][0]["name"] = "\x1b[31mH100\x07 <script>x</script> |`# @you"
    hostile = msgspec.convert(plain, Report)
    assert "\x1b" not in render_terminal(hostile, TerminalOptions(width=100))
    assert "<script>" not in render_html(hostile)
    markdown = render_markdown(hostile)
    assert "<script>" not in markdown and "@you" not in markdown


def grown(number: int, *, command: str) -> Report:
    """A report of an engine of so many layers, each with two nodes and an explanation of its own."""
    layers = tuple(
        Layer(
            name=f"/block.{n}/MatMul + /block.{n}/Add",
            type="gemm",
            onnx_nodes=(f"/block.{n}/MatMul", f"/block.{n}/Add"),
            precision=Precision.TF32,
            precision_evidence=(f"tactic sm80_xmma_gemm_tf32_{n % 7}",),
        )
        for n in range(number)
    )
    explanations = tuple(
        Explanation(
            layer=layer.name,
            precision=Precision.TF32,
            cause=Cause.FASTER_IN_FP32,
            region=f"region {n % 400}",
        )
        for n, layer in enumerate(layers)
    )
    engine = EngineReport(
        path="m.plan",
        layers_source=LayersSource.LIVE,
        layers=layers,
        explanations=explanations,
        summary=Summary(),
    )
    made = report("healthy", share=True)
    return msgspec.structs.replace(
        made, command=command, machine=None, outcomes=(), engines=(engine,)
    )


def test_a_page_counts_the_layers_that_it_does_not_show() -> None:
    small, large = (render_html(grown(n, command="inspect")) for n in (3000, 20_000))
    assert "on this page" not in small and "/block.2999/Add" in small
    assert "10000 of 20000 layers are not on this page; trtdoctor inspect --all shows" in large
    assert "20,000 layers, alike ones together" in large
    assert '<td class="num">2858</td><td>TF32</td><td>gemm</td>' in large
    assert len(large) < 5_000_000


def test_a_page_of_long_names_is_limited_too() -> None:
    made = grown(2000, command="inspect")
    layers = tuple(
        msgspec.structs.replace(layer, name="n" * 5000) for layer in made.engines[0].layers
    )
    engine = msgspec.structs.replace(made.engines[0], layers=layers)
    page = render_html(msgspec.structs.replace(made, engines=(engine,)))
    assert "layers are not on this page" in page and len(page) < 5_000_000


def test_many_regions_are_counted_by_their_cause() -> None:
    made = grown(2000, command="explain")
    for text in (
        render_terminal(made, TerminalOptions(verbose=1)),
        render_markdown(made),
        render_html(made),
    ):
        assert "200 more regions, each told in full by -o report.json" in text
    assert "/block.1999/Add" in render_terminal(made, TerminalOptions(verbose=1))


@pytest.mark.usefixtures("runaway")
def test_a_terminal_shows_every_layer_of_a_large_network() -> None:
    text = render_terminal(grown(20_000, command="inspect"), TerminalOptions(all_layers=True))
    assert text.count("\n  TF32       gemm  /block.") == 20_000
    assert text.count("├─ /block.") == text.count("└─ /block.") == 20_000


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("text", ["word " * 1_000_000, "x" * 5_000_000, "\x00\n" * 2_500_000])
def test_a_long_text_is_cut_short_and_says_so(text: str) -> None:
    made = report("sick", share=True)
    outcome = next(o for o in made.outcomes if o.findings)
    finding = msgspec.structs.replace(
        outcome.findings[0], message=text, evidence=(Evidence(source="child", value=text),)
    )
    changed = msgspec.structs.replace(outcome, findings=(finding,))
    engine = EngineReport(path="m.plan", notes=(text,))
    problem = Problem(where="here", message=text, detail=text)
    made = msgspec.structs.replace(
        made, outcomes=(changed,), engines=(engine,), problems=(problem,), command="inspect"
    )
    for shown in (
        render_terminal(made, TerminalOptions(verbose=1)),
        render_markdown(made),
        render_html(made),
    ):
        assert "5000000 characters in all" in " ".join(shown.split())
        assert len(shown) < 150_000
    assert len(encode(made)) > 20_000_000


@settings(deadline=None)
@given(st.text(max_size=20), st.integers(0, 1000))
def test_what_was_cleaned_stays_as_it_is(text: str, times: int) -> None:
    for cleaned in (clean, flat, one_line):
        assert cleaned(cleaned(text * times)) == cleaned(text * times)
        assert clean(cleaned(text * times)) == cleaned(text * times)


def test_a_large_document_is_not_indented() -> None:
    assert encode({"a": "x"}).count(b"\n") == 3
    large = encode({"a": "x" * (1 << 20)})
    assert large.count(b"\n") == 1 and json.loads(large)["a"] == "x" * (1 << 20)
