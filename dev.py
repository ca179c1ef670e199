#!/usr/bin/env python3
"""Sets up a virtual environment beside this file and works in it. Needs nothing but Python 3.10.

python3 dev.py doctor [OPTIONS]   install trtdoctor and look at this machine
python3 dev.py test [OPTIONS]     install everything the tests need and run all of them
python3 dev.py docs               write the generated pages in docs/ anew
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(extra: str) -> None:
    """Make the environment and install the checkout with an extra, if its stamp is out of date."""
    stamp = VENV / f"installed{extra.replace('[', '-').replace(']', '')}"
    wanted = (ROOT / "pyproject.toml").read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    print(f"Setting up {VENV} ...", file=sys.stderr)
    # Also where a failed try left a folder behind: without pip in it nothing could be installed.
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)]).returncode:
        sys.exit(
            "dev.py: cannot make a virtual environment; "
            "on Debian and Ubuntu: apt install python3-venv"
        )
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}{extra}"]
    if subprocess.run(command).returncode:
        sys.exit("dev.py: pip could not install trtdoctor; its message is above")
    stamp.write_text(wanted, "utf-8")


def run(*command: str) -> int:
    """Run one command in the environment, from the checkout."""
    return subprocess.run([str(PYTHON), *command], cwd=ROOT).returncode


def doctor(arguments: list[str]) -> int:
    """Look at this machine; succeeds when the doctor ran, whatever it found."""
    install("")
    # Not the environment made here but the one the user is in is the patient.
    code = subprocess.run([str(PYTHON), "-m", "trtdoctor", "check", *arguments]).returncode
    return 0 if code in (0, 1, 3) else code


def test(arguments: list[str]) -> int:
    """Style, types, import contracts and tests; the first that fails ends it."""
    install("[dev]")
    for step in (
        ("-m", "ruff", "check", "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
        ("-c", "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"),
        ("-m", "pytest", *arguments),
    ):
        if code := run(*step):
            print(f"dev.py: failed: python {' '.join(step)}", file=sys.stderr)
            return code
    return 0


def docs(arguments: list[str]) -> int:
    """Write the generated pages."""
    install("[dev]")
    return run("-m", "docs.generate", *arguments)


def main() -> int:
    """Do what the first argument says."""
    if sys.version_info < (3, 10):
        sys.exit(f"dev.py: Python 3.10 or newer is needed, and this is {sys.version.split()[0]}")
    commands = {"doctor": doctor, "test": test, "docs": docs}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
