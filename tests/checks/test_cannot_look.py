"""Checks judge facts and cannot look at a machine: the API and pure modules are all they import.

The contracts in ``pyproject.toml`` do not see ``checks/``, which is no part of the package's folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "checks").rglob("*.py"))

API = frozenset({"trtdoctor.api", "trtdoctor.api.facts"})
PURE = frozenset(
    {
        "__future__",
        "collections",
        "collections.abc",
        "dataclasses",
        "enum",
        "functools",
        "itertools",
        "math",
        "re",
        "shlex",
        "string",
        "textwrap",
        "typing",
    }
)
# Of modules that can look, the parts that cannot.
PURE_PARTS = {"pathlib": frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"})}
# Built-in functions that look, or that import or run what does.
REACHING = frozenset(
    {"open", "eval", "exec", "compile", "input", "breakpoint", "globals", "locals", "vars"}
)


def ways_out(source: str) -> list[str]:
    """Each import and each name by which a check's source could reach the machine."""
    return [
        f"line {getattr(node, 'lineno', 0)}: {what}"
        for node in ast.walk(ast.parse(source))
        for what in _ways_out(node)
    ]


def _ways_out(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        # "import trtdoctor.api" would bind all of trtdoctor.
        yield from (f"import {a.name}" for a in node.names if a.name not in PURE)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        parts = PURE_PARTS.get(module, frozenset())
        if module not in API | PURE:
            yield from (f"from {module} import {a.name}" for a in node.names if a.name not in parts)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        # __import__, __builtins__, __globals__ and their like lead everywhere.
        if name.startswith("__") or (isinstance(node, ast.Name) and name in REACHING):
            yield name


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT / "checks")))
def test_a_check_cannot_look(module: Path) -> None:
    assert ways_out(module.read_text("utf-8")) == []


def test_all_checks_are_read() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize(
    "source",
    [
        "from trtdoctor.host.live import LiveHost",
        "from trtdoctor.model.report import Finding",
        "from trtdoctor import host",
        "from trtdoctor.api.facts.nvidia import Gpus",
        "import trtdoctor.api",
        "import trtdoctor.host.live as api",
        "from . import gpu001_no_gpu_visible",
        "from ..gpu.gpu001_no_gpu_visible import no_gpu_visible",
        "import os",
        "import re, subprocess",
        "import os.path",
        "from pathlib import Path",
        "from pathlib import PurePath, Path",
        "import pathlib",
        "import time",
        "import msgspec",
        "from importlib import import_module",
        "def check():\n    from subprocess import run",
        "if TYPE_CHECKING:\n    from trtdoctor.host import Host",
        "open('/proc/version')",
        "read = open",
        "__import__('os')",
        "eval('1')",
        "exec('import os')",
        "__builtins__['open']",
        "check.__globals__['os']",
        "().__class__.__base__.__subclasses__()",
    ],
)
def test_the_guard_sees_a_way_out(source: str) -> None:
    assert ways_out(source)


@pytest.mark.parametrize(
    "source",
    [
        "from trtdoctor.api import Finding, check, facts",
        "from trtdoctor.api.facts import Gpus",
        "from collections.abc import Iterator\nimport re, shlex",
        "from pathlib import PurePath",
        "file.open",
        "'open(path) and import os are words here'",
    ],
)
def test_the_guard_lets_a_check_judge(source: str) -> None:
    assert ways_out(source) == []
