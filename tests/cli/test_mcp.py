"""``trtdoctor mcp``, asked by the SDK's own client over stdin and stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import mcp
import msgspec
import planwriter
import pytest

from trtdoctor.model.engine import EngineReport, Layer
from trtdoctor.model.errors import UsageError
from trtdoctor.model.report import Report, Snapshot, Tool, Verdict
from trtdoctor.render.brief import PARTS, page, summary

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests" / "data" / "models" / "haz.onnx"
SERVE = [sys.executable, "-I", "-m", "trtdoctor", "mcp"]
TOOLS = {"check", "inspect", "explain", "audit", "decode", "why"}


def asked(folder: Path, questions: Callable[[mcp.Client], Awaitable[None]], *options: str) -> None:
    """Start a server in a folder and ask it."""

    async def session() -> None:
        program, *words = [*SERVE, *options]
        parameters = mcp.StdioServerParameters(command=program, args=words, cwd=str(folder))
        with Path(os.devnull).open("w") as nowhere:
            async with mcp.Client(mcp.stdio_client(parameters, errlog=nowhere)) as client:
                await questions(client)

    anyio.run(session)


async def told(client: mcp.Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return json.loads(answer.content[0].text)


async def refused(client: mcp.Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return answer.content[0].text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "haz.onnx").write_bytes(MODEL.read_bytes())
    (tmp_path / "a.engine").write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    (tmp_path / "text.engine").write_text("no engine")
    return tmp_path


def test_its_tools_read_and_none_of_them_builds_or_runs(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        for tool in tools:
            assert tool.description and tool.annotations is not None
            assert tool.annotations.read_only_hint and not tool.annotations.destructive_hint
            given = set(tool.input_schema["properties"])
            assert not given & {"live", "active", "output", "record", "here", "verify", "inputs"}

    asked(folder, questions)


def test_a_model_is_summarised_and_its_parts_come_in_pages(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        answer = await told(client, "audit", models=["haz.onnx"])
        assert answer["verdict"] == "problems" and answer["models"][0]["path"] == "haz.onnx"
        assert answer["findings"][0]["check"].startswith("ONX") and answer["private_data_replaced"]
        number = answer["more"]["parts"]["hazards"]
        pages = await told(client, "audit", models=["haz.onnx"], part="hazards")
        assert pages["total"] == number == len(pages["items"]) and pages["next_offset"] is None
        last = await told(client, "audit", models=["haz.onnx"], part="hazards", offset=number - 1)
        assert last["items"] == pages["items"][-1:]

    asked(folder, questions)


def test_an_engine_is_inspected_and_explained_without_being_loaded(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        answer = await told(client, "inspect", engines=["a.engine"], expect="fp16:0.9")
        (engine,) = answer["engines"]
        assert engine["layers_source"] == "static" and answer["verdict"] == "problems"
        layers = await told(client, "inspect", engines=["a.engine"], part="layers")
        assert layers["total"] == 3 and layers["items"][0]["engine"] == "a.engine"
        answer = await told(client, "explain", engine="a.engine")
        assert answer["command"] == "explain" and answer["engines"][0]["missing"]
        answer = await told(client, "inspect", engines=["text.engine"])
        assert answer["findings"][0]["check"] == "ENG007 engine-not-a-plan"

    asked(folder, questions)


def test_errors_checks_and_causes_are_explained(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        answer = await told(client, "decode", text="CUDA error 35")
        assert answer["answers"][0]["id"] == "cuda-driver-insufficient"
        page = await client.call_tool("why", {"what": "pinned"})
        assert page.content[0].text.startswith("pinned (a cause")

    asked(folder, questions)


def test_this_machine_is_looked_at(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        answer = await told(client, "check", select=["SYS", "DRV"])
        assert answer["command"] == "check" and "machine" in answer
        outcomes = await told(client, "check", select=["SYS", "DRV"], part="outcomes")
        assert {item["check"][:3] for item in outcomes["items"]} >= {"SYS", "DRV"}

    asked(folder, questions)


def test_what_cannot_be_answered_is_told_in_a_sentence(folder: Path) -> None:
    async def questions(client: mcp.Client) -> None:
        for words, tool, arguments in (
            ("cannot read nope.onnx", "audit", {"models": ["nope.onnx"]}),
            ("a regular file", "audit", {"models": ["/dev/zero"]}),
            ("--expect int8", "inspect", {"engines": ["a.engine"], "expect": "int8"}),
            ("no part 'all'", "audit", {"models": ["haz.onnx"], "part": "all"}),
            ("offset -1", "audit", {"models": ["haz.onnx"], "part": "hazards", "offset": -1}),
            ("no check, cause, error code", "why", {"what": "nonsense"}),
            ("either a text or a file", "decode", {}),
            ("python", "check", {"python": "nowhere/python"}),
        ):
            said = await refused(client, tool, **arguments)
            assert words in said and "\n" not in said and "Traceback" not in said, said

    asked(folder, questions)


def test_nothing_is_written_and_stdout_is_the_protocols(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    messages = [
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"},
            },
        },
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": "check", "arguments": {"files": ["a.engine", "haz.onnx"]}},
        },
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    with subprocess.Popen(
        SERVE, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(lines.encode())
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        # When its client goes, so does the server.
        server.stdin.close()
        rest = server.stdout.read()
    assert [answer["id"] for answer in answers] == [1, 2] and not rest
    assert server.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_without_the_extra_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['mcp'] = None; from trtdoctor.cli.app import run; "
        "sys.exit(run(['mcp']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and not done.stdout
    (said,) = done.stderr.splitlines()
    assert said.endswith("run: pip install 'trtdoctor[mcp]'")


def large(number: int, name: str) -> Report:
    layers = tuple(Layer(name=f"{n}{name}", onnx_nodes=(name,)) for n in range(number))
    engine = EngineReport(path=name, layers=layers, notes=(name,) * number)
    return Report(
        created="2026-01-01T00:00:00Z",
        tool=Tool(version="0", knowledge="2026-01-01"),
        command="inspect",
        verdict=Verdict.HEALTHY,
        engines=(engine,) * 200,
        snapshot=Snapshot(taken="2026-01-01T00:00:00Z", facts={}),
    )


@pytest.mark.parametrize("name", ["conv", "\x1b[2J\ud800" * 50_000])
def test_a_large_report_is_told_piece_by_piece(name: str) -> None:
    report = large(100, name)
    told = summary(report)
    assert len(msgspec.json.encode(told)) < 60_000
    assert told["more"]["parts"] == {"layers": 20_000}
    assert "not_shown" in told["engines"][-1]
    first = page(report, "layers", 0)
    assert len(msgspec.json.encode(first)) < 60_000 and first["total"] == 20_000
    second = page(report, "layers", first["next_offset"])
    assert second["items"] and second["items"][0]["name"].startswith(
        str(first["next_offset"] % 100)
    )
    assert page(report, "layers", 20_000)["items"] == []


def test_every_part_has_pages_and_no_other_word_is_one() -> None:
    report = large(1, "conv")
    for part in PARTS:
        assert page(report, part, 0)["part"] == part
    with pytest.raises(UsageError, match="the parts are findings"):
        page(report, "facts", 0)
