"""What ships: exactly the files that git tracks, and a program that works without the checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
    assert inside == tracked("trtdoctor") | checks


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
