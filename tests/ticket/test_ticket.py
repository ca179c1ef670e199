"""Tickets: each project's headings filled, nothing blank, nothing too long, and pasted safely."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.cli.app import run
from trtdoctor.cli.templates import NAMES
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.codec import encode, read_report
from trtdoctor.model.engine import CostTold, EngineReport, Explanation, Precision
from trtdoctor.model.finding import Remedy, to_run
from trtdoctor.model.report import Report, Snapshot, Tool, Verdict
from trtdoctor.render.ticket import LIMIT, render_ticket
from trtdoctor.render.ticket_body import NEWEST
from trtdoctor.render.ticket_environment import field
from trtdoctor.render.ticket_templates import TEMPLATES

HOSTS = Path(__file__).parents[1] / "hosts"
DATA = HOSTS.parent / "data"


def report_of(*engines: EngineReport) -> Report:
    return Report(
        created="2026-01-01T00:00:00Z",
        tool=Tool(version="0", knowledge="2026-01-01"),
        command="explain",
        verdict=Verdict.HEALTHY,
        engines=engines,
        snapshot=Snapshot(taken="2026-01-01T00:00:00Z", facts={}),
    )


def engine(layers: int, name: str = "/fc/Gemm", remedy: Remedy | None = None) -> EngineReport:
    return EngineReport(
        path="/somewhere/model.engine",
        answer="None of it is FP16.",
        explanations=tuple(
            Explanation(
                layer=f"{name}_{number}",
                precision=Precision.FP32,
                cause=Cause.FASTER_IN_FP32,
                cost=CostTold(margin_ms=number / 1e6, kernels_ms=0, conversions_ms=0, plan_ms=1),
                remedy=remedy,
            )
            for number in range(layers)
        ),
    )


def test_the_names_of_the_option_are_the_templates() -> None:
    assert tuple(TEMPLATES) == NAMES


def test_the_newest_release_is_that_of_the_tables() -> None:
    rows = (Path(__file__).parents[2] / "trtdoctor/knowledge/tables/tensorrt_cuda.toml").read_text()
    last = re.findall(r'^product = "tensorrt"\n(?:.*\n)*?last = "([\d.]+)"', rows, re.MULTILINE)
    newest = max(last, key=lambda text: tuple(map(int, text.split("."))))
    assert NEWEST["tensorrt"] == newest
    assert Knowledge.load()


@pytest.mark.parametrize("template", NAMES)
@pytest.mark.parametrize(
    "host",
    [
        "healthy-h100-trt86",
        "healthy-imagined-jetson-orin",
        "healthy-imagined-ngc-container",
        "imagined-driver-mismatch",
    ],
)
def test_a_machine_fills_every_heading(
    host: str, template: str, capsys: pytest.CaptureFixture[str], golden
) -> None:
    run(["check", "--host", str(HOSTS / host), "--template", template])
    text = capsys.readouterr().out
    below = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert len(below) == len(TEMPLATES[template].headings)
    assert all(part.strip() for part in below)
    assert not re.search(r"^- \*\*[^*]+\*\*: *$", text, re.MULTILINE)
    if template in ("nvidia-tensorrt", "onnxruntime"):
        # The last line tells today's version.
        golden(f"ticket-{host}.{template}.md", text.rpartition("<sub>")[0])


def test_a_jetson_tells_its_power_mode_and_a_container_its_image(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["check", "--host", str(HOSTS / "healthy-imagined-jetson-orin"), "--template", "generic"])
    assert "nvpmodel 2 MODE\\_30W" in capsys.readouterr().out
    run(["check", "--host", str(HOSTS / "healthy-imagined-ngc-container"), "--template", "generic"])
    assert "product TensorRT, build 214638433; tag: not available" in capsys.readouterr().out


def test_what_nobody_looked_at_is_told_with_its_reason() -> None:
    made = report_of()
    for template in TEMPLATES.values():
        for heading in template.headings:
            for _, name in heading.fields:
                assert re.fullmatch(r"not available \(.+\)", field(made, name))


def test_layers_go_before_causes_and_the_ticket_says_so() -> None:
    text = render_ticket(report_of(engine(50_000)), TEMPLATES["nvidia-tensorrt"])
    assert len(text) < LIMIT
    assert re.search(r"\*\d+ of 50000 layers were left out to keep this ticket short", text)
    assert "| faster-in-fp32 |  | 50000 |" in text
    assert "/fc/Gemm\\_49999" in text
    assert text.count("<details>") == text.count("</details>")


def test_a_short_ticket_leaves_nothing_out() -> None:
    text = render_ticket(report_of(engine(50)), TEMPLATES["generic"])
    assert "left out" not in text


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(max_size=60), min_size=1, max_size=4),
    times=st.integers(1, 3000),
    engines=st.integers(0, 40),
    layers=st.integers(0, 300),
    template=st.sampled_from(NAMES),
)
def test_no_ticket_is_longer_than_a_form_takes(
    texts: list[str], times: int, engines: int, layers: int, template: str
) -> None:
    long = "".join(texts) * times
    remedy = Remedy(text=long, commands=to_run(f"echo {long}"))
    one = msgspec.structs.replace(
        engine(layers, texts[0], remedy), path=long, answer=long, advice=(remedy,) * 5, log=long
    )
    assert len(render_ticket(report_of(*[one] * engines), TEMPLATES[template])) < LIMIT


def test_nobody_is_notified_and_no_ticket_is_linked() -> None:
    hostile = msgspec.structs.replace(
        engine(2, "@octocat #12 --> </details>"), answer="@all #1 <b>"
    )
    text = render_ticket(report_of(hostile), TEMPLATES["generic"])
    outside = re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"@\w|(?<!\\)#\d", outside)
    assert text.count("</details>") == text.count("<details>") == 1


def test_a_saved_report_becomes_a_ticket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "report.json"
    saved.write_bytes(encode(report_of(engine(3))))
    assert read_report(saved.read_bytes(), name="x").engines
    file = tmp_path / "ticket.md"
    assert run(["report", "ticket", str(saved), "--template", "triton", "-o", str(file)]) == 0
    assert "## Triton Information" in file.read_text()
    assert capsys.readouterr().out == file.read_text()
    assert run(["report", "ticket", str(saved)]) == 0
    assert "## Steps to reproduce" in capsys.readouterr().out


def test_a_format_that_was_asked_for_stays(capsys: pytest.CaptureFixture[str]) -> None:
    host = str(HOSTS / "imagined-gtx-1650")
    run(["check", "--host", host, "--template", "generic", "--format", "json"])
    assert capsys.readouterr().out.startswith("{")


def test_a_wrong_template_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--template", "tritn"]) == 2
    told = capsys.readouterr().err
    assert "--template has no value 'tritn'; did you mean triton?" in told
    assert run(["check", "--template", "zzz"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("template", ["nvidia-tensorrt", "torch-tensorrt", "comfyui"])
def test_an_explained_engine_fills_every_heading(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, golden
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(DATA / "layers" / "trt86.simple.fp16.layers.json", "layers.json")
    with gzip.open(DATA / "buildlog" / "trt86-simple.fp16.log.gz") as packed:
        Path("build.log").write_bytes(packed.read())
    words = ["explain", "--log", "build.log", "--layers", "layers.json", "--template", template]
    run(words)
    text = capsys.readouterr().out
    golden(f"ticket-explain.{template}.md", text.rpartition("<sub>")[0])


def test_a_ticket_tells_no_name_of_the_machine_unless_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["check", "--host", str(HOSTS / "imagined-driver-mismatch")]
    run([*words, "--format", "json"])
    seen = read_report(capsys.readouterr().out.encode(), name="x").snapshot.facts["system.os"].value
    run([*words, "--template", "generic"])
    shared = capsys.readouterr().out
    assert "private data replaced by pseudonyms" in shared
    assert seen["host"] not in shared
    run([*words, "--template", "generic", "--no-share"])
    assert "private data NOT replaced" in capsys.readouterr().out
