"""What ships: exactly the files that git tracks, and a program that works without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from trtdoctor import __version__

ROOT = Path(__file__).resolve().parents[2]
HOST = ROOT / "tests" / "hosts" / "healthy-h100-trt86"
SHIPPED = (
    *("bin", "trtdoctor", "checks", "docs", "tests", "benchmarks"),
    *("dev.py", "README.md", "SKILL.md", "action.yml", ".pre-commit-hooks.yaml"),
)


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return set(listed.stdout.split())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(ROOT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_exactly_what_git_tracks(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    checks = {f"trtdoctor/{name}" for name in tracked("checks")}
    script = f"trtdoctor-{__version__}.data/scripts/trtdoctor"
    assert inside == tracked("trtdoctor") | checks | {script}


def test_an_installed_wheel_has_every_check_and_works_elsewhere(
    wheel: Path, tmp_path: Path
) -> None:
    target = tmp_path / "venv"
    venv.create(target, with_pip=False, symlinks=True)
    site = next((target / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies are those of the environment the tests run in.
    (site / "borrowed.pth").write_text("\n".join(p for p in sys.path if p.endswith("-packages")))
    script = (
        "import trtdoctor.checks as c; from trtdoctor.checking.discover import discover; "
        "d = discover(); print(c.__path__[0], len(c.__path__), len(d.checks), len(d.problems))"
    )
    done = subprocess.run(
        [target / "bin" / "python", "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    where, folders, checks, problems = done.stdout.split()
    assert where.startswith(str(site))
    assert (folders, problems) == ("1", "0")
    modules = [name for name in tracked("checks") if not name.endswith("__init__.py")]
    assert int(checks) == len(modules)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from it, as they would be published."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-W", "error", "-m", "build", "--no-isolation"]
    done = subprocess.run(
        [*command, "--outdir", str(folder), str(ROOT)], capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warn" not in said.lower(), said
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


@pytest.mark.slow
def test_the_sdist_holds_what_it_takes_to_build_and_test_it_again(
    built: dict[str, Path], wheel: Path
) -> None:
    with tarfile.open(built["sdist"]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert inside >= tracked(*SHIPPED) | {"pyproject.toml", "LICENSE", "CHANGELOG.md"}
    assert contents(built["wheel"]) == contents(wheel)


@pytest.mark.install
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_published_installs_and_runs(
    kind: str, built: dict[str, Path], tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    programs = tmp_path / "venv" / "bin"
    install = [programs / "python", "-m", "pip", "install", "--quiet", built[kind]]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode and "Retrying" in installed.stderr:
        pytest.skip("the package index cannot be reached")
    assert installed.returncode == 0, installed.stderr
    # Nothing of the environment the tests run in.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def doctor(*arguments: object) -> str:
        done = subprocess.run(
            [programs / "trtdoctor", *map(str, arguments)],
            cwd=tmp_path,
            env=own,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert doctor("--version") == f"trtdoctor {__version__}\n"
    listed = doctor("list", "checks")
    modules = [name for name in tracked("checks") if not name.endswith("__init__.py")]
    assert len(listed.splitlines()) == 1 + len(modules)
    report = json.loads(doctor("check", "--host", HOST, "--format", "json"))
    assert report["verdict"] == "healthy"
    assert {outcome["status"] for outcome in report["outcomes"]} >= {"passed", "not_applicable"}
