"""``trtdoctor decode`` takes a text, a file or a pipe, and says what it does not know."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import pytest

import trtdoctor
from trtdoctor.cli.app import run

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
MISSING = "libcuda.so.1: cannot open shared object file: No such file or directory"


def decoded(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    run(["decode", "--format", "json", *arguments])
    return json.loads(capsys.readouterr().out)


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_text_is_told_with_meaning_next_step_and_proof(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["decode", MISSING]) == 0
    out = capsys.readouterr().out
    assert "driver-library-missing" in out
    for label in ("means", "often", "next", "proved by", "source"):
        assert f"\n  {label} " in out
    assert "trtdoctor check --select DRV001" in out


def test_words_without_quotes_are_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert decoded(capsys, "CUDA", "error", "804")["answers"][0]["code"]["code"] == 804


def test_an_unknown_text_ends_with_3_and_says_what_to_attach(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["decode", "nobody has seen this error"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("Not known") and "trtdoctor check --share" in out


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_log_is_read_as_a_file(pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "my run.log"
    verbose = "[11/26/2026-04:00:00] [V] [TRT] Error Code 4: this is no error\n" * 50
    log.write_bytes(pack((verbose + f"{MISSING}\nError: it ended\n").encode()))
    told = decoded(capsys, str(log))
    assert told["name"] == str(log) and told["lines"] == 52
    assert [(a["id"], a["line"]) for a in told["answers"]] == [("driver-library-missing", 51)]


def test_what_a_container_puts_before_its_lines_is_taken_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "pod.log"
    log.write_text("".join(f"2026-11-26T04:00:00.1Z {line}\n" for line in ("a", "Killed", MISSING)))
    assert decoded(capsys, str(log))["answers"][0]["text"] == MISSING


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_pipe_is_read(
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    piped(monkeypatch, f"x\n{MISSING}\n".encode())
    told = decoded(capsys, *arguments)
    assert told["name"] == "standard input" and told["answers"][0]["line"] == 2


def test_of_a_long_log_the_beginning_and_the_end_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "long.log"
    first = "libcufft.so.11: cannot open shared object file"
    log.write_text(f"{first}\n" + ("[I] nothing " + "x" * 500 + "\n") * 12_000 + f"{MISSING}\n")
    told = decoded(capsys, str(log))
    assert [a["line"] for a in told["answers"]] == [1, 12_002]
    assert "lines between line" in told["not_read"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "it is empty"), (b"ptrt\x00\x00\x00\x01" * 9, "a serialized TensorRT engine")],
)
def test_a_file_without_text_is_refused(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.txt"
    file.write_bytes(content)
    assert run(["decode", str(file)]) == 2
    said = capsys.readouterr().err
    assert says in said and str(file) in said and said.count("\n") == 1


def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        assert run(["decode", str(tmp_path / name)]) == 2
        assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.log"],
        [""],
        ["--deadline", "9", "x"],
        ["--active", "x"],
        ["x", "-o", "x.html"],
        ["x", "-o", "x.pdf"],
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["decode", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1


@pytest.mark.parametrize("name", ["d.json", "d.md", "d.txt"])
def test_what_is_written_is_what_is_printed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forms = {".json": "json", ".md": "markdown", ".txt": "terminal"}
    file = tmp_path / name
    assert run(["decode", MISSING, "-o", str(file), "--format", forms[file.suffix]]) == 0
    assert file.read_text() == capsys.readouterr().out


def test_markdown_shows_what_was_given_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run(["decode", f"</details>`<img src=x> @user {MISSING}", "--format", "markdown"])
    out = capsys.readouterr().out
    assert out.startswith("### trtdoctor: ")
    quoted = next(line for line in out.splitlines() if "<img src=x>" in line)
    # In a code span that the text cannot end.
    assert quoted.split("``")[1].strip().startswith("</details>`<img src=x> @user")
    run(["decode", "Error: </details> nobody knows", "--format", "markdown"])
    assert "not known" in capsys.readouterr().out.splitlines()[0]


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run(["decode", f"\x1b]0;owned\x07 \u202e\x9b2J {MISSING} libx\x1b[2J.so"])
    out = capsys.readouterr().out
    assert not set(out) & set("\x1b\x07\x9b\u202e")


def test_here_runs_the_checks_that_prove_it(capsys: pytest.CaptureFixture[str]) -> None:
    host = str(HOSTS / "imagined-gtx-1080")
    told = decoded(capsys, "--here", "--host", host, "CUDA error 209")
    assert {o["check"]["id"] for o in told["here"]["outcomes"] if o["status"] != "ignored"} == {
        "GPU004"
    }
    assert run(["decode", "--here", "--host", host, MISSING]) in (0, 3)
    assert "On this machine" in capsys.readouterr().out


def test_here_without_a_check_of_the_machine_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["decode", "--here", "cudaErrorAssert"]) == 0
    assert "no check" in capsys.readouterr().err


def test_from_python() -> None:
    assert trtdoctor.decode(MISSING).answers[0].id == "driver-library-missing"
    for wrong in ({}, {"text": "a", "file": "b"}):
        with pytest.raises(trtdoctor.UsageError):
            trtdoctor.decode(**wrong)


@pytest.mark.parametrize(
    ("log", "answer"),
    [
        ("failed/simple.int8nocal.build.log.gz", "int8-without-scales"),
        ("failed/simple.pin_obey.build.log.gz", "no-supported-formats"),
        ("failed/simple.vc.build.log.gz", "lean-runtime-missing"),
        ("rejected/bad.flip.load.log", "plan-damaged"),
        ("rejected/bad.onnx.load.log", "plan-magic-tag-mismatch"),
        ("rejected/bad.trunc.load.log", "plan-truncated"),
    ],
)
def test_what_really_failed_is_told_first(shared: Path, log: str, answer: str) -> None:
    decoded = trtdoctor.decode(file=shared / "corpus" / "h100-trt86" / log)
    assert decoded.answers[0].id == answer


def test_logs_of_builds_that_succeeded_hold_no_error(shared: Path) -> None:
    logs = sorted((shared / "corpus" / "h100-trt86").glob("*/build.log*"))
    assert len(logs) > 10
    for log in logs:
        decoded = trtdoctor.decode(file=log)
        errors = [a.id for a in decoded.answers if a.severity.value == "error" and not a.recovered]
        assert not errors and not decoded.unknown, log
