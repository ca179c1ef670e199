"""Two vendors whose checks share an id and a name: both are judged, told and chosen, each as itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = '''
from collections.abc import Iterator
from trtdoctor.api import Finding, Severity, Yielded, check, facts

@check(id="SYS901", name="kernel-unsupported", severity=Severity.WARNING, since="1.0")
def kernel_unsupported(system: facts.OperatingSystem) -> Iterator[Yielded]:
    """{vendor} does not support this kernel.

    ## What it checks
    The kernel.
    ## Why it matters
    {vendor} has not tested it.
    ## How to fix it
    Ask {vendor}.
    """
    yield Finding(message=f"{vendor} does not support this kernel.")

@check(
    id="SYS902", name="kernel-slow", severity=Severity.INFO, since="1.0",
    explained_by=("kernel-unsupported",),
)
def kernel_slow(system: facts.OperatingSystem) -> Iterator[Yielded]:
    """{vendor} is slow on this kernel.

    ## What it checks
    The kernel.
    ## Why it matters
    Time.
    ## How to fix it
    Ask {vendor}.
    """
    yield Finding(message="{vendor} is slow on this kernel.")
'''


def install(folder: Path, vendor: str, version: str = "1.0") -> None:
    module = f"{vendor.lower()}_checks"
    (folder / f"{module}.py").write_text(CHECKS.replace("{vendor}", vendor))
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    name = f"{vendor}_Checks"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[trtdoctor.checks]\n{module} = {module}\n")


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    for vendor in ("Acme", "Umbrella"):
        install(folder, vendor)
    return folder


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trtdoctor", *arguments],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def statuses(report: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {
        (o["check"]["plugin"].partition("_")[0], o["check"]["id"]): (o["status"], o["reason"])
        for o in json.loads(report)["outcomes"]
        if o["check"]["plugin"]
    }


@pytest.fixture(scope="module")
def saved(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("saved") / "report.json"
    done = doctor(plugins, "check", "--fail-on", "never", "-o", str(file))
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1, done.stderr
    return file


def test_both_are_judged_and_each_is_explained_by_its_own(saved: Path) -> None:
    assert statuses(saved.read_text()) == {
        ("Acme", "SYS901"): ("failed", None),
        ("Acme", "SYS902"): (
            "not_applicable",
            "explained by acme-checks:SYS901 kernel-unsupported",
        ),
        ("Umbrella", "SYS901"): ("failed", None),
        ("Umbrella", "SYS902"): (
            "not_applicable",
            "explained by umbrella-checks:SYS901 kernel-unsupported",
        ),
    }


def test_both_are_listed_and_explained(plugins: Path) -> None:
    listed = doctor(plugins, "list", "checks")
    assert listed.stderr == ""
    assert listed.stdout.count("SYS901") == listed.stdout.count("SYS902") == 2
    assert "[Acme_Checks 1.0]" in listed.stdout and "[Umbrella_Checks 1.0]" in listed.stdout
    for word in ("SYS901", "kernel-unsupported"):
        both = doctor(plugins, "why", word).stdout
        assert "acme-checks:SYS901 kernel-unsupported (warning, since 1.0)" in both
        assert "Ask Acme" in both and "Ask Umbrella" in both
    one = doctor(plugins, "why", "Umbrella_Checks:sys901").stdout
    assert "Ask Umbrella" in one and "Ask Acme" not in one
    none = doctor(plugins, "why", "weyland-checks:SYS901")
    assert none.returncode == 2


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--select", "SYS901"], {("Acme", "SYS901"), ("Umbrella", "SYS901")}),
        (["--select", "acme-checks:SYS901"], {("Acme", "SYS901")}),
        (
            ["--ignore", "acme-checks:SYS901,kernel-slow"],
            {("Umbrella", "SYS901")},
        ),
    ],
)
def test_a_word_chooses_all_that_it_names(
    options: list[str], kept: set[tuple[str, str]], plugins: Path, saved: Path
) -> None:
    done = doctor(plugins, "report", "rejudge", str(saved), "--format", "json", *options)
    seen = statuses(done.stdout)
    assert {key for key, (status, _) in seen.items() if status != "ignored"} == kept


@pytest.mark.parametrize("share", ["--share", "--no-share"])
@pytest.mark.parametrize("format", ["terminal", "markdown", "html"])
def test_a_reader_can_tell_them_apart(format: str, share: str, plugins: Path, saved: Path) -> None:
    shown = doctor(plugins, "report", "show", str(saved), "--format", format, share, "-v").stdout
    for vendor in ("Acme", "Umbrella"):
        assert f"{vendor.lower()}-checks:SYS901 kernel-unsupported" in shown
        assert f"{vendor} does not support this kernel." in shown


def test_reports_are_compared_plugin_by_plugin(plugins: Path, saved: Path, tmp_path: Path) -> None:
    install(tmp_path, "Umbrella", "2.0")
    after = tmp_path / "after.json"
    doctor(tmp_path, "report", "rejudge", str(saved), "-o", str(after))
    # Another version of a plugin has the same checks.
    differs = doctor(plugins, "report", "diff", str(saved), str(after)).stdout.splitlines()
    assert [line.partition(" -> ")[2] for line in differs] == ["no such check"] * 2
    assert [line.partition(" ")[0] for line in differs] == [
        "acme-checks:SYS901",
        "acme-checks:SYS902",
    ]
