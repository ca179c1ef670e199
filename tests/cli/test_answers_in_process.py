"""What shells, assistants and browsers are given, asked for without a program of their own."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from trtdoctor.cli import completing
from trtdoctor.cli.browser import show_page

DATA = Path(__file__).parents[1] / "data"


class Collects:
    """A server that keeps its tools by name."""

    def __init__(self) -> None:
        self.tools: dict[str, Callable[..., Any]] = {}
        self.only_read: list[bool | None] = []

    def add_tool(self, tool: Callable[..., Any], *, annotations: Any) -> None:
        self.tools[tool.__name__] = tool
        self.only_read.append(annotations.read_only_hint)


@pytest.fixture
def tools() -> Collects:
    pytest.importorskip("mcp")
    from trtdoctor.cli.mcp_tools import add_tools

    server = Collects()
    add_tools(server, share=True)  # type: ignore[arg-type]
    return server


def test_assistants_get_six_tools_that_only_read(tools: Collects) -> None:
    assert set(tools.tools) == {"check", "inspect", "explain", "audit", "decode", "why"}
    assert tools.only_read == [True] * 6


def test_a_summary_first_and_the_rest_by_page(tools: Collects) -> None:
    log = str(DATA / "explain" / "mobile.fp16.log.gz")
    layers = str(DATA / "explain" / "mobile.fp16.layers.json")
    told = tools.tools["explain"](log=log, layers=layers)
    assert "0 of 11 compute layers are FP16" in str(told)
    page = tools.tools["explain"](log=log, layers=layers, part="explanations")
    assert "network-io" in str(page)
    first = tools.tools["inspect"](engines=[], layers=layers)
    assert first["verdict"] == "healthy"


def test_what_an_assistant_asks_wrongly_is_told_in_a_sentence(tools: Collects) -> None:
    from mcp.server.mcpserver.exceptions import ToolError

    for name, asked in (
        ("why", {"what": "no-such-cause"}),
        ("inspect", {"engines": ["/no/such.engine"]}),
        ("audit", {"models": [str(DATA / "explain" / "README.md")]}),
        ("explain", {"layers": str(DATA / "explain" / "mobile.fp16.layers.json"), "part": "x"}),
    ):
        with pytest.raises(ToolError) as error:
            tools.tools[name](**asked)
        assert "\n" not in str(error.value)


def test_errors_causes_models_and_machines_for_an_assistant(tools: Collects) -> None:
    assert "CUDA" in str(tools.tools["decode"](text="CUDA error 35"))
    assert "FP16" in tools.tools["why"](what="faster-in-fp32")
    model = str(next((DATA / "models").glob("*.onnx")))
    assert tools.tools["audit"](models=[model], tensorrt="11.4")["verdict"]
    assert tools.tools["check"](select=["SYS"])["verdict"]


def context(**params: Any) -> click.Context:
    told = click.Context(click.Command("list"))
    told.params = params
    return told


NOTHING = click.Option(["--x"])


def test_a_shell_is_offered_names() -> None:
    found = [item.value for item in completing.checks(context(), NOTHING, "GPU001,drv0")]
    assert "GPU001,DRV001" in found and all(name.startswith("GPU001,") for name in found)
    assert any(item.value == "GPU" for item in completing.checks(context(), NOTHING, "gp"))
    causes = {item.value for item in completing.explained(context(), NOTHING, "near")}
    assert "near-tie" in causes
    assert completing.tables(context(kind="checks"), NOTHING, "") == []
    assert "cuda_errors" in {
        item.value for item in completing.tables(context(kind="tables"), NOTHING, "cuda")
    }


def test_a_shell_is_offered_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.engine", "a.log", "b.engine"):
        Path(name).write_bytes(b"")
    named = [item.value for item in completing.files_named("a", (".engine",))]
    assert named == ["a.engine"]
    assert [item.type for item in completing.files_named("no/such/", (".engine",))] == ["file"]
    assert [item.type for item in completing.files_named("c", (".engine",))] == ["file"]
    Path("folder").mkdir()
    assert [item.type for item in completing.files_named("f", (".engine",))] == ["file"]
    written = completing.outputs(".json", ".md")
    offered = {
        word: [item.value for item in written.shell_complete(context(), NOTHING, word)]
        for word in ("r", "r.", "r.j", "r.json", "", "r.x")
    }
    assert offered == {
        "r": ["r.json", "r.md"],
        "r.": ["r.json", "r.md"],
        "r.j": ["r.json"],
        "r.json": ["r.json"],
        "": [""],
        "r.x": ["r.x.json", "r.x.md"],
    }


def test_a_page_where_there_is_no_display_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    made = show_page(None, lambda: "<p>page</p>")
    assert made is not None and made.read_text() == "<p>page</p>"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    made.unlink()
    page = tmp_path / "page.html"
    page.write_text("<p>page</p>")
    assert show_page(page, str) is None
    assert str(page) in capsys.readouterr().err
