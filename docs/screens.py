"""Runs the commands that a page shows, and puts what they print under them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"```console(?: head=(\d+))?\n(.*?)```", re.DOTALL)
_MARK = "\x1e"
_SECONDS = 120


def with_screens(template: str) -> str:
    """A page, with the output of each ``$ command`` of its console blocks put below the command.

    The commands run in an empty folder in which ``tests`` leads to this repository's tests; all
    commands of a page share it, so that one may read what an earlier one wrote. A block that begins
    with ``console head=N`` shows the first N lines of each output, and ``...`` where more follow.

    Raises:
        RuntimeError: if a command cannot be found or does not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tests").symlink_to(ROOT / "tests")
        return _BLOCK.sub(lambda block: _screen(block, Path(folder)), template)


def neutral(text: str) -> str:
    """Text without what changes from release to release: versions and the tables' date."""
    text = re.sub(r"(trtdoctor|onnxruntime) \d[\w.]*", r"\1 VERSION", text)
    return re.sub(r"((?:knowledge|table) of )\d{4}-\d\d-\d\d", r"\1DATE", text)


def _screen(block: re.Match[str], folder: Path) -> str:
    typed = re.findall(r"^\$ (.+(?:\n(?!\$ ).+)*)", block[2], re.MULTILINE)
    limit = int(block[1]) if block[1] else None
    printed = _run(typed, folder)
    shown = [
        f"$ {command}\n{_first(out, limit)}" for command, out in zip(typed, printed, strict=True)
    ]
    return "```console\n" + "\n".join(shown) + "```"


def _run(typed: list[str], folder: Path) -> list[str]:
    # The mark ends each output; the status stays for a command that asks for it.
    script = "\n".join(f"{command}\ns=$?; printf '{_MARK}'; (exit $s)" for command in typed)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        check=False,
    )
    outputs = done.stdout.decode("utf-8").split(_MARK)
    missing = [out for out in outputs if "command not found" in out]
    if len(outputs) != len(typed) + 1 or missing:
        raise RuntimeError(f"a page's commands did not run: {(missing or outputs)[-1][-500:]}")
    return outputs[:-1]


def _first(output: str, limit: int | None) -> str:
    lines = [line.rstrip() for line in output.splitlines()]
    if limit is not None and len(lines) > limit:
        lines = [*lines[:limit], "..."]
    return "".join(f"{line}\n" for line in lines)
