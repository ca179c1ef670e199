"""Plugins that misbehave: each costs itself, and the report is told all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CHECK = '''
from __future__ import annotations
import sys
from collections.abc import Iterator
from trtdoctor.api import Evidence, Finding, Note, Severity, Unknown, Yielded, check
from trtdoctor.api.facts import OperatingSystem

@check(id="SYS901", name="acme-thing", severity=Severity.INFO, since="1.0")
def thing(system: OperatingSystem) -> Iterator[Yielded]:
    """A thing.

    ## What it checks
    x
    ## Why it matters
    x
    ## How to fix it
    x
    """
'''


def plugin(folder: Path, body: str, entry_points: str = "acme = acme_checks") -> None:
    (folder / "acme_checks.py").write_text(CHECK + textwrap.indent(textwrap.dedent(body), "    "))
    info = folder / "trtdoctor_acme-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trtdoctor-acme\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[trtdoctor.checks]\n{entry_points}\n")


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trtdoctor", *arguments],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def outcome(done: subprocess.CompletedProcess[str]) -> dict:
    report = json.loads(done.stdout)
    return next(o for o in report["outcomes"] if o["check"]["id"] == "SYS901")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("sys.exit(0)\nyield", "crashed", "SystemExit"),
        ("raise GeneratorExit\nyield", "crashed", "GeneratorExit"),
        ("yield Finding(message=123)", "crashed", "Expected `str`"),
        ("yield Finding(message='x', evidence=[('a', 'b')])", "crashed", "ValidationError"),
        ("yield Unknown(reason=None)", "crashed", "a reason is text"),
        ("yield Note(text=7)", "crashed", "a reason is text"),
        (
            "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()\nyield",
            "crashed",
            "Odd (a bug in SYS901",
        ),
        ("print('noise')\nyield Note(text='fine')", "passed", "fine"),
        (
            "while True: yield Finding(message='again')",
            "failed",
            "stopped after 1000",
        ),
    ],
)
def test_what_a_plugins_check_may_do_costs_itself_alone(
    body: str, status: str, says: str, tmp_path: Path
) -> None:
    plugin(tmp_path, body)
    done = doctor(tmp_path, "check", "--format", "json", "--fail-on", "never")
    assert done.returncode == 0, done.stderr
    seen = outcome(done)
    assert seen["status"] == status
    assert says in seen["reason"]
    assert len(seen["findings"]) <= 1000


@pytest.mark.parametrize("damage", ["1 / 0\nyield", "yield Note(text='x'\n"])
def test_what_crashed_or_did_not_load_is_not_healthy(damage: str, tmp_path: Path) -> None:
    plugin(tmp_path, damage)
    file = tmp_path / "acme_checks.py"
    file.write_text(file.read_text().replace("Severity.INFO", "Severity.ERROR"))
    saved = str(tmp_path / "r.json")
    # SYS002 finds nothing wherever the tests run.
    selected = "SYS002,SYS901" if "1 / 0" in damage else "SYS002"
    done = doctor(tmp_path, "check", "--select", selected, "--format", "json", "-o", saved)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "inconclusive")
    assert doctor(tmp_path, "report", "show", saved).returncode == 3


@pytest.mark.parametrize("message", ["\\ud800", "\\udcff", "\\x1b[31m", "# <b>"])
def test_any_text_of_a_plugin_can_be_written_in_every_format(message: str, tmp_path: Path) -> None:
    plugin(tmp_path, f"yield Finding(message='{message}')")
    files = [str(tmp_path / f"r.{suffix}") for suffix in ("json", "md", "html", "txt")]
    options = [word for file in files for word in ("-o", file)]
    done = doctor(tmp_path, "check", "--fail-on", "never", *options)
    assert done.returncode == 0
    assert "private data" in done.stderr and len(done.stderr.splitlines()) == 1
    assert all(Path(file).stat().st_size for file in files)


def test_two_checks_of_one_id_in_one_plugin_are_refused(tmp_path: Path) -> None:
    plugin(tmp_path, "yield Note(text='x')")
    with (tmp_path / "acme_checks.py").open("a") as stream:
        stream.write(
            "\n\nother = check(id='SYS901', name='acme-other', severity=Severity.INFO, since='1')"
            "(thing.judge)\n"
        )
    done = doctor(tmp_path, "list", "checks")
    assert "SYS901 acme-other is already defined" in done.stderr
    assert "SYS901" not in done.stdout


@pytest.mark.parametrize("text", ["[console_scripts]\na b c d\n", "[trtdoctor.checks]\nfoo\n"])
def test_broken_metadata_of_another_package_costs_at_most_that_package(
    text: str, tmp_path: Path
) -> None:
    plugin(tmp_path, "yield Note(text='x')")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)
    done = doctor(tmp_path, "list", "checks")
    assert done.returncode == 0
    assert "acme-thing" in done.stdout
    assert ("broken 1.0: did not load" in done.stderr) == ("trtdoctor" in text)
