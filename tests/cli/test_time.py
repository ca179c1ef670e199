"""What takes long: the deadline holds for all of it, and a terminal is told what is being done."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("numpy")
pytest.importorskip("highspy")
pty = pytest.importorskip("pty")

from netlogs import LINEAR, log_of, make  # noqa: E402

TRTDOCTOR = [sys.executable, "-m", "trtdoctor"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A network of 300 layers whose branches interleave so that solving it takes minutes."""
    path = tmp_path_factory.mktemp("log") / "build.log"
    path.write_text(log_of(make(15, 300), [LINEAR] * 300))
    return path


def on_terminal(arguments):
    """The exit code, standard output, and what stands on stderr, which is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*TRTDOCTOR, *arguments], stdout=subprocess.PIPE, stderr=theirs, encoding="utf-8"
    ) as process:
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 1 << 16):
                said += piece
        except OSError:
            # Linux's end of a terminal that nobody has open any more.
            pass
        finally:
            os.close(ours)
        assert process.stdout is not None
        printed = process.stdout.read()
    return process.returncode, printed, said.decode()


@pytest.mark.slow
def test_solving_ends_by_the_deadline_and_what_is_missing_is_told(log, tmp_path):
    done = subprocess.run(
        [*TRTDOCTOR, "explain", "--log", log, "--deadline", "1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == ""
    told = " ".join(done.stdout.split())
    assert "a longer --deadline gives time" in told
    assert "certain:" not in told


@pytest.mark.slow
def test_a_terminal_is_told_what_takes_longer_than_a_second(log):
    code, printed, said = on_terminal(["explain", "--log", str(log), "--deadline", "3"])
    assert code == 0 and "Why not FP16?" in printed
    shown = said.split("\r\x1b[K")
    assert any(text.startswith("solving ") for text in shown)
    assert shown[-1] == ""
    assert all(len(text) < 80 for text in shown)


@pytest.mark.slow
def test_quiet_shows_no_progress(log):
    assert on_terminal(["explain", "--log", str(log), "--deadline", "3", "-q"])[2] == ""


def test_what_is_over_at_once_shows_no_progress():
    code, printed, said = on_terminal(["list", "causes"])
    assert code == 0 and printed and said == ""


def test_an_error_stands_on_a_line_of_its_own(tmp_path):
    (tmp_path / "none.log").write_text("nothing of TensorRT\n")
    code, _, said = on_terminal(["explain", "--log", str(tmp_path / "none.log")])
    assert code == 2
    assert said.replace("\r\x1b[K", "").startswith("trtdoctor: ")
    assert said.endswith("\r\n")
