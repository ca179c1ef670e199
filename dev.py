#!/usr/bin/env python3
"""Sets up a virtual environment beside this file and works in it. Needs nothing but Python 3.10.

python3 dev.py doctor [OPTIONS]   install trtdoctor and look at this machine
python3 dev.py test               install everything the tests need and run all of them
python3 dev.py test OPTIONS       the same, but of the tests only those that pytest is told to run
python3 dev.py oldest             the quick tests, with the oldest Python here and oldest dependencies
python3 dev.py docs               write the generated pages in docs/ anew
python3 dev.py site               build the documents as a site, in site/
"""

import os
import sys

# PYTHONPATH may name the working directory, whose files are nobody's to import. What Python has not
# imported itself comes after this.
_FIRST = 1 + len(os.environ.get("PYTHONPATH", "").split(os.pathsep))
sys.path[:_FIRST] = [
    entry for entry in sys.path[:_FIRST] if os.path.realpath(entry) != os.path.realpath(".")
]
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST_VENV = ROOT / ".venv-oldest"
# More than these hardly make the tests faster, and each builds its own fixtures.
MOST_WORKERS = 8
# Each dependency of an installed trtdoctor, held to the oldest version that it declares.
FLOORS = """
from importlib.metadata import requires
for need in requires("trtdoctor"):
    if "extra ==" not in need:
        print(need.replace(">=", "=="))
"""


def python_in(venv: Path) -> str:
    """The interpreter of a virtual environment."""
    return str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def install(
    extra: str, *, venv: Path = VENV, base: str = sys.executable, oldest: bool = False
) -> None:
    """Make an environment and install the checkout with an extra, if its stamp is out of date."""
    stamp = venv / f"installed{extra.replace('[', '-').replace(']', '')}"
    wanted = (ROOT / "pyproject.toml").read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    print(f"Setting up {venv} ...", file=sys.stderr)
    # Also where a failed try left a folder behind: without pip in it nothing could be installed.
    if subprocess.run([base, "-I", "-m", "venv", str(venv)]).returncode:
        sys.exit(
            "dev.py: cannot make a virtual environment; "
            "on Debian and Ubuntu: apt install python3-venv"
        )
    options = ["--editable", f"{ROOT}{extra}"]
    if oldest:
        pip(venv, "--no-deps", "--editable", str(ROOT))
        floors = venv / "floors.txt"
        floors.write_bytes(subprocess.check_output([python_in(venv), "-I", "-c", FLOORS]))
        options += ["--constraint", str(floors)]
    pip(venv, *options)
    stamp.write_text(wanted, "utf-8")


def pip(venv: Path, *options: str) -> None:
    """Install something into an environment."""
    command = [python_in(venv), "-I", "-m", "pip", "install", "--quiet", *options]
    if subprocess.run(command).returncode:
        sys.exit("dev.py: pip could not install trtdoctor; its message is above")


def run(*command: str, venv: Path = VENV) -> int:
    """Run one command in an environment, from the checkout."""
    return subprocess.run([python_in(venv), *command], cwd=ROOT).returncode


def workers() -> "tuple[str, ...]":
    """What has pytest use the processors that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ("-n", str(min(usable or 1, MOST_WORKERS)), "--dist", "worksteal")


def oldest_python() -> str:
    """The oldest interpreter on this machine that trtdoctor supports."""
    for minor in range(10, sys.version_info.minor):
        named = shutil.which(f"python3.{minor}")
        built = sorted((Path.home() / ".pyenv/versions").glob(f"3.{minor}.*/bin/python"))
        for candidate in [named, *map(str, built)]:
            # A name on PATH may be a stand-in for an interpreter that is not there.
            if (
                candidate
                and not subprocess.run([candidate, "-I", "-c", ""], capture_output=True).returncode
            ):
                return candidate
    return sys.executable


def doctor(arguments: "list[str]") -> int:
    """Look at this machine; succeeds when the doctor ran, whatever it found."""
    install("")
    # Not the environment made here but the one the user is in is the patient.
    command = [python_in(VENV), str(ROOT / "bin" / "trtdoctor"), "check", *arguments]
    code = subprocess.run(command).returncode
    return 0 if code in (0, 1, 3) else code


def test(arguments: "list[str]") -> int:
    """Style, types, import contracts and tests; the first that fails ends it."""
    install("[dev]")
    for step in (
        ("-m", "ruff", "check", "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
        ("-c", "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"),
        # A part of the tests covers a part of the code.
        ("-m", "pytest", *(arguments or (*workers(), "--cov"))),
    ):
        if code := run(*step):
            return failed(step, code)
    return 0 if arguments else oldest([])


def oldest(arguments: "list[str]") -> int:
    """The quick tests, with the oldest dependencies that are declared, on the oldest Python here."""
    base = oldest_python()
    install("[tests]", venv=OLDEST_VENV, base=base, oldest=True)
    floors = (OLDEST_VENV / "floors.txt").read_text("utf-8").splitlines()
    print(f"With {base} and {', '.join(floors)}:", flush=True)
    step = ("-m", "pytest", *workers(), "-m", "not slow", *arguments)
    code = run(*step, venv=OLDEST_VENV)
    return failed(step, code) if code else 0


def failed(step: "tuple[str, ...]", code: int) -> int:
    """Name the step that failed; returns its code."""
    print(f"dev.py: failed: python {' '.join(step)}", file=sys.stderr)
    return code


def docs(arguments: "list[str]") -> int:
    """Write the generated pages."""
    install("[dev]")
    return run("-m", "docs.generate", *arguments) or run("-m", "docs.pictures")


def site(arguments: "list[str]") -> int:
    """Build the site; what is no page of it, and a link that leads nowhere, ends it."""
    install("[dev]")
    return run("-m", "mkdocs", "build", "--strict", *arguments)


def main() -> int:
    """Do what the first argument says."""
    if sys.version_info < (3, 10):
        sys.exit(f"dev.py: Python 3.10 or newer is needed, and this is {sys.version.split()[0]}")
    commands = {"doctor": doctor, "test": test, "oldest": oldest, "docs": docs, "site": site}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
