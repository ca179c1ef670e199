"""Words that name nothing get what was probably meant; nothing at all gets the help."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click
import pytest

from trtdoctor.cli.app import _COMMANDS, run
from trtdoctor.cli.words import OneOf
from trtdoctor.model.near import near


@pytest.mark.parametrize("group", [[], ["report"]])
def test_a_group_alone_shows_its_help_and_ends_well(group: list[str], capsys: Any) -> None:
    assert run(group) == 0
    alone = capsys.readouterr()
    assert run([*group, "--help"]) == 0
    assert alone.out == capsys.readouterr().out and alone.err == ""


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["chekc"], "check"),
        (["expalin", "a.engine"], "explain"),
        (["--vresion"], "--version"),
        (["report", "shwo"], "show"),
        (["check", "--slect", "GPU"], "--select"),
        (["check", "--format", "jsn"], "json"),
        (["check", "--fail-on", "eror"], "error"),
        (["check", "-o", "report.jsno"], ".json"),
        (["check", "--select", "GPU02"], "GPU002"),
        (["check", "--select", "framewroks"], "frameworks"),
        (["check", "--ignore", "driver-misssing"], "driver-missing"),
        (["list", "cheks"], "checks"),
        (["list", "tables", "cuda_drivrs"], "cuda_drivers"),
        (["why", "pined"], "pinned"),
        (["why", "driver_misssing"], "driver-missing"),
        (["build", "m.onnx", "m.engine", "--precision", "pf16"], "fp16"),
    ],
)
def test_what_was_meant_is_suggested(words: list[str], meant: str, capsys: Any) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert f"did you mean {meant}?" in said.err or f"did you mean {meant} or" in said.err


@pytest.mark.parametrize(
    "words",
    [["xyzzy"], ["check", "--xyzzy"], ["why", "xyzzy"], ["list", "tables", "xyzzy"]],
)
def test_nothing_alike_is_nothing_suggested(words: list[str], capsys: Any) -> None:
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "did you mean" not in said and "xyzzy" in said and len(said.splitlines()) == 1


def test_a_file_without_a_command_is_told_one(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "model.engine"
    file.touch()
    assert run([str(file)]) == 2
    assert f"did you mean trtdoctor explain {file}?" in capsys.readouterr().err


def test_a_word_of_any_length_is_compared_at_once(capsys: Any, runaway: None) -> None:
    assert run(["check", "--select", "x" * 1_000_000]) == 2
    assert len(capsys.readouterr().err) < 300


def test_every_choice_suggests() -> None:
    def choices(command: click.Command) -> list[click.Parameter]:
        below = command.commands.values() if isinstance(command, click.Group) else ()
        mine = [p for p in command.params if isinstance(p.type, click.Choice)]
        return [*mine, *(p for each in below for p in choices(each))]

    found = [
        choice
        for name in _COMMANDS
        for choice in choices(importlib.import_module(f"trtdoctor.cli.{name}").command)
    ]
    assert len(found) > 10
    assert [p.name for p in found if not isinstance(p.type, OneOf)] == []


def test_the_likeliest_comes_first_and_few_are_told() -> None:
    words = [f"driver-{n}" for n in range(20)] + ["driver-missing"]
    assert near("Driver_Missing", words)[0] == "driver-missing"
    assert len(near("driver", words)) == 3
    assert near("", words) == () and near("zzz", words) == ()
