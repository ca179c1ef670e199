"""What people paste from a screen or a ticket reaches its program as the document has it.

The commands are read off what is printed, as a person would, run by bash with programs that write
down their arguments, and compared with the document's own lines. Python runs with a fake ``trt``.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.checking.discover import Catalogue
from trtdoctor.cli.app import run
from trtdoctor.model.codec import read_report
from trtdoctor.model.finding import Command, Tool, either, to_run, to_write
from trtdoctor.precision.remedies.quoting import shell
from trtdoctor.render.commands import folded, headings
from trtdoctor.render.markdown import as_blocks
from trtdoctor.render.terminal import TerminalOptions, render_terminal
from trtdoctor.testing import load_cases, run_case

HERE = Path(__file__).parent
LOGS = sorted((HERE / "data/explain").glob("*.log.gz"))
HEADING = re.compile(
    r"^ *(?:(?:Either |Or )?(?:[Rr]un|[Ww]ith (?:trtexec|tensorrt_rtx|Polygraphy)"
    r"|[Ii]n Python(?:, in (?P<where>.+))?)):$"
)
PROGRAMS = ("trtexec", "tensorrt_rtx", "polygraphy", "python", "trtdoctor")


def on_screen(text: str) -> list[tuple[str, list[str]]]:
    """The blocks of commands on a screen: a heading, and the lines that stand further right."""
    found: list[tuple[str, list[str]]] = []
    indent = None
    for line in text.splitlines():
        deep = len(line) - len(line.lstrip())
        if HEADING.match(line):
            found.append((line.strip(), []))
            indent = deep
        elif indent is not None and deep > indent:
            found[-1][1].append(line)
        else:
            indent = None
    return found


def in_markdown(text: str) -> list[tuple[str, list[str]]]:
    blocks = re.findall(r"^ *([A-Z][^\n]*:)\n\n *```\w+\n(.*?)\n *```$", text, re.M | re.S)
    return [(heading.replace("\\_", "_"), block.splitlines()) for heading, block in blocks]


def commands_in(document: Any) -> Iterable[dict[str, Any]]:
    """Every command of a document, wherever it stands."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "commands":
                yield from value
            elif key != "snapshot":
                yield from commands_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from commands_in(value)


def recorded(lines: Iterable[str], where: Path) -> list[list[str]]:
    """The arguments that fake programs get when a shell runs these lines."""
    calls = where / "calls"
    calls.write_text("")
    fakes = "\n".join(
        f'{name}() {{ printf "%s\\0" {name} "$@" "" >> {shlex.quote(str(calls))}; }}'
        for name in PROGRAMS
    )
    script = "\n".join([fakes, *lines])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, cwd=where
    )
    assert done.returncode == 0 and not done.stderr, (done.stderr, list(lines))
    made = calls.read_text().split("\0\0")[:-1]
    return [call.split("\0") for call in made]


def runs_in_python(lines: list[str]) -> None:
    code = textwrap.dedent("\n".join(lines))
    ast.parse(code)
    trt = MagicMock()
    inspector = trt.Runtime.return_value.deserialize_cuda_engine.return_value
    inspector.create_engine_inspector.return_value.get_engine_information.return_value = "{}"
    trt.config.get_timing_cache.return_value.serialize.return_value = b""
    names = {name: getattr(trt, name) for name in ("builder", "network", "config", "parser")}
    names["network"].num_layers = names["network"].num_inputs = names["network"].num_outputs = 2
    names["network"].get_layer.return_value.num_outputs = 1
    exec(
        code,
        {"trt": trt, "torch": MagicMock(), "ctypes": MagicMock(), "logger": trt.logger, **names},
    )
    assert trt.mock_calls or "=" in code


@pytest.mark.parametrize("log", LOGS, ids=lambda p: p.name)
def test_what_is_on_the_screen_is_what_the_document_has(
    log: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layers = log.with_name(log.name.replace(".log.gz", ".layers.json"))
    words = ["--layers", str(layers)] if layers.is_file() else []
    assert run(["explain", "--log", str(log), *words, "-o", "r.json", "-o", "r.md"]) in (0, 1, 3)
    capsys.readouterr()
    document = Path("r.json").read_bytes()
    report = read_report(document)
    screens = [render_terminal(report, TerminalOptions(width=width)) for width in (40, 80, 200)]
    wanted = list(commands_in(json.loads(document)))
    assert wanted or not report.engines[0].explanations
    if not wanted:
        assert not any(map(on_screen, screens))
        return
    for shown in (*map(on_screen, screens), in_markdown(Path("r.md").read_text())):
        assert shown
        said = []
        for heading, lines in shown:
            if "Python" in heading:
                runs_in_python(lines)
            else:
                said += recorded(lines, tmp_path)
        # What several layers have in common is shown once.
        told = {tuple(call) for call in said}
        own = {
            tuple(call)
            for command in wanted
            if command["tool"] != "python"
            for call in recorded(command["lines"], tmp_path)
        }
        assert told <= own
        assert told


@pytest.mark.slow
def test_every_remedy_of_every_check_can_be_pasted(catalogue: Catalogue) -> None:
    seen = set()
    for case in load_cases(HERE / "checks"):
        if case.kind != "bad":
            continue
        (check,) = catalogue.named(f"trtdoctor:{case.check}")
        for finding in run_case(case, check).findings:
            for command in finding.remedy.commands if finding.remedy else ():
                seen.add(command.tool)
                if command.tool is Tool.PYTHON:
                    runs_in_python(list(command.lines))
                    continue
                for width in (30, 80):
                    script = "\n".join(folded(command, width))
                    subprocess.run(["bash", "-n", "-c", script], check=True)
    assert seen == set(Tool)


WORD = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
)


@given(st.lists(WORD, min_size=1, max_size=8), st.integers(10, 60))
@settings(max_examples=40, deadline=None)
def test_a_folded_command_has_the_same_words(words: list[str], width: int) -> None:
    (command,) = to_run(" ".join(("trtexec", *map(shell, words))))
    lines = list(folded(command, width))
    if all(word.isprintable() for word in words):
        wide = [line.removesuffix(" \\") for line in lines if len(line) > width]
        assert all(len(shlex.split(line)) == 1 for line in wide)
    script = 'trtexec() { printf "%s\\0" "$@"; }\n' + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script.encode("utf-8", "surrogateescape")], capture_output=True
    )
    assert done.returncode == 0
    assert done.stdout.split(b"\0")[:-1] == [word.encode("utf-8", "replace") for word in words]


def test_what_is_no_plain_command_is_not_broken() -> None:
    for line in ("echo 'unfinished", "trtexec --onnx=a --fp16  # a comment that is quite long"):
        assert list(folded(Command(tool=Tool.SHELL, lines=(line,)), 20)) == [line]
    code = "network.get_layer(0).precision = trt.DataType.FLOAT"
    (python,) = to_write(code, where="the script that builds")
    assert list(folded(python, 20)) == [code]


def test_ways_of_which_one_is_enough() -> None:
    ways = either(to_run("trtexec --fp16"), (), to_write("x = 1", where="the script that builds"))
    told = [heading for heading, _ in headings((*to_run("ls", "pwd"), *ways))]
    assert told == ["Run:", "Either with trtexec:", "Or in Python, in the script that builds:"]
    assert [
        heading for heading, _ in headings(to_run("tensorrt_rtx --help", "polygraphy run"))
    ] == [
        "With tensorrt_rtx:",
        "With Polygraphy:",
    ]


def test_nothing_breaks_out_of_a_block_of_markdown() -> None:
    (hostile,) = to_run("echo '```' \n```\n# not a heading")
    lines = as_blocks((hostile,))
    fences = [line for line in lines if line.startswith("`")]
    assert len(fences) == 3 and fences[0].startswith("````") and fences[-1] == "````"


def test_commands_of_older_reports_are_read(tmp_path: Path) -> None:
    old = {
        "schema": "trtdoctor.report/1",
        "created": "2026-11-01T00:00:00Z",
        "tool": {"version": "0.1.0", "knowledge": "2026-11-22"},
        "command": "explain",
        "verdict": "healthy",
        "engines": [
            {
                "path": "m.engine",
                "missing": [
                    {
                        "text": "layers",
                        "commands": [
                            "trtexec --onnx=m.onnx",
                            "config.x = 1  # in the Python that builds",
                            "config.y = 2  # in the Python that builds",
                            "nvidia-smi",
                        ],
                    }
                ],
            }
        ],
        "snapshot": {"taken": "2026-11-01T00:00:00Z", "facts": {}},
    }
    (remedy,) = read_report(json.dumps(old).encode()).engines[0].missing
    assert remedy.commands == (
        *to_run("trtexec --onnx=m.onnx"),
        *to_write("config.x = 1", "config.y = 2", where="the script that builds"),
        *to_run("nvidia-smi"),
    )
