"""``-`` is standard input wherever a file is meant, and is called so in whatever is told of it."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import planwriter
import pytest

from trtdoctor.cli import given
from trtdoctor.cli.app import run

DATA = Path(__file__).parents[1] / "data"
HOST = str(Path(__file__).parents[1] / "hosts" / "container-without-gpu")
LOG = (DATA / "buildlog" / "trt86-cnn.fp16.log.gz").read_bytes()
LAYERS = (DATA / "layers" / "trt86.cnn.fp16.layers.json").read_bytes()


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> Any:
    """Runs a command with something piped in; nothing of it may be left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def with_input(data: bytes, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = run(list(words))
        assert not list(tmp_path.glob("trtdoctor-*")), "something was left behind"
        told = capsys.readouterr()
        assert "trtdoctor-" not in told.out + told.err
        return code, told.out, told.err

    return with_input


def test_a_log_is_explained(piped: Any) -> None:
    code, out, err = piped(LOG, "explain", "-", "-q")
    assert (code, err) == (0, "")
    assert out.startswith("trtdoctor: standard input: ")
    assert piped(LOG, "explain", "--log", "-", "-q") == (code, out, err)


def test_the_document_and_what_is_shared_call_it_standard_input(piped: Any) -> None:
    code, out, _ = piped(LAYERS, "inspect", "-", "--format", "json")
    assert code == 0
    assert json.loads(out)["engines"][0]["path"] == "standard input"
    for more in ((), ("--share",)):
        code, out, _ = piped(LOG, "explain", "-", "--format", "json", *more)
        assert json.loads(out)["engines"][0]["path"] == "standard input"
    assert "standard input" in piped(LOG, "explain", "-", "--format", "markdown")[1]


def test_an_engine_and_a_model_are_looked_at(piped: Any) -> None:
    plan = planwriter.plan(planwriter.releases()["10.3"])
    code, out, _ = piped(plan, "inspect", "-", "--no-live")
    assert code == 0 and out.startswith("standard input\n")
    code, out, _ = piped(plan, "check", "-", "--no-live", "--host", HOST)
    assert code == 1 and "standard input" in out
    onnx = pytest.importorskip("onnx")
    shape = [onnx.helper.make_tensor_value_info(name, 1, [4]) for name in ("x", "y")]
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", shape[:1], shape[1:])
    model = onnx.helper.make_model(graph).SerializeToString()
    assert "Model standard input" in piped(model, "audit", "-")[1]
    assert piped(model, "explain", "--onnx", "-")[0] == 0


def test_a_report_is_shown_judged_and_compared(piped: Any, tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    assert run(["check", "--host", HOST, "-q", "-o", str(target)]) == 1
    report = target.read_bytes()
    for command in ("show", "rejudge"):
        assert "CTR001" in piped(report, "report", command, "-")[1]
    code, out, _ = piped(report, "report", "diff", "-", str(target))
    assert code == 0 and "agree" in out


@pytest.mark.parametrize(
    ("data", "words", "says"),
    [
        (b"{", ("report", "show", "-"), "standard input is not JSON"),
        (b"a poem", ("explain", "--log", "-"), "standard input"),
        (b"", ("explain", "-"), "standard input: The file is empty"),
        (LOG, ("explain", "-", "--log", "-"), "give - in one place"),
        (b"{}", ("report", "diff", "-", "-"), "give - in one place"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(
    data: bytes, words: tuple[str, ...], says: str, piped: Any
) -> None:
    code, out, err = piped(data, *words)
    assert (code, out) == (2, "") and says in err and err.count("\n") == 1


def test_more_than_there_is_room_for_is_refused(
    piped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given, "LARGEST_PIPED", 1 << 10)
    code, _, err = piped(b"x" * 2000, "explain", "-")
    assert code == 2 and "standard input is larger than" in err


def test_a_terminal_is_not_read(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(b"never")))
    assert run(["explain", "-"]) == 2
    assert "nothing is piped into it" in capsys.readouterr().err


def test_a_file_of_that_name_is_given_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(LOG)
    assert run(["explain", "./-", "-q"]) == 0
    assert capsys.readouterr().out.startswith("trtdoctor: -: ")
