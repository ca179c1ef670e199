"""What a check is: a pure function of facts and knowledge that yields findings.

A check says in its parameters what it needs, and the judge gives it that or decides without it:

* ``driver: KernelDriver``: required. Absent: not applicable. Could not be looked at: unknown.
* ``driver: KernelDriver | None``: absent is None. Could not be looked at: unknown.
* ``driver: Fact[KernelDriver]``: always given, with its status; the check decides itself.
* ``kb: Knowledge``: the dated tables.

A fact that was not asked for (``not_run``, as without ``--active``), or that the snapshot lacks, says
nothing of the machine: the check is not applicable, with ``| None`` too, unless it takes a ``Fact``.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.base import FactValue
from trtdoctor.model.report import CheckInfo, CheckKey, Finding, Severity

from .facts import Fact

AREAS = {
    "SYS": "system",
    "CTR": "container",
    "DRV": "driver",
    "GPU": "gpu",
    "CUD": "cuda",
    "TRT": "tensorrt",
    "LIB": "libraries",
    "PYE": "python",
    "FRW": "frameworks",
    "ENG": "engine",
    "PRC": "precision",
    "ONX": "onnx",
    "BLD": "build",
    "LIM": "limits",
}
SECTIONS = ("What it checks", "Why it matters", "How to fix it", "Known limits", "References")
REQUIRED_SECTIONS = SECTIONS[:3]


class CheckDefinitionError(Exception):
    """A check that is not well formed; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Yielded by a check that cannot decide for one subject; why, and what would tell."""

    reason: str
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class Note:
    """Yielded by a check: what it saw when nothing is wrong; shown beside its outcome."""

    text: str


class NotApplicable(Exception):
    """Raised by a check that has nothing to say about this machine."""


Yielded = Finding | Unknown | Note


class Want(str, Enum):
    """How a check wants a fact."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    STATUS = "status"
    KNOWLEDGE = "knowledge"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a check; ``fact`` is None for the knowledge tables."""

    name: str
    want: Want
    fact: type[FactValue] | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check with everything that lists, pages and the judge need to know of it."""

    info: CheckInfo
    parameters: tuple[Parameter, ...]
    explained_by: tuple[str, ...]
    blinded_by: tuple[str, ...]
    since: str
    documentation: dict[str, str]
    judge: Callable[..., Iterable[Yielded]]

    @property
    def key(self) -> CheckKey:
        """What tells it from every other check."""
        return self.info.key

    @property
    def id(self) -> str:
        """The permanent id, as ``DRV001``; unique within a plugin and within trtdoctor's own."""
        return self.info.id

    @property
    def name(self) -> str:
        """The kebab-case name."""
        return self.info.name


def check(
    *,
    id: str,
    name: str,
    severity: Severity,
    since: str,
    explained_by: tuple[str, ...] = (),
    blinded_by: tuple[str, ...] = (),
) -> Callable[[Callable[..., Iterable[Yielded]]], Check]:
    """Make a check of a generator function.

    Args:
        id: three letters of area and three digits, permanent.
        name: kebab-case; states the problem or the subject, never the fix.
        severity: of each of its findings.
        since: the version of trtdoctor (or of the plugin) that first had it.
        explained_by: names of checks; where one of them failed, or was itself explained, this
            problem has its cause there and the check does not apply. A name means the check of the
            same plugin, or else trtdoctor's own.
        blinded_by: names of checks, also ones that this check explains; where one of them failed
            and this one could not decide, it could not for that cause and does not apply. What it
            did find stays.

    Raises:
        CheckDefinitionError: if the id, the name, the docstring or a parameter is malformed.
    """

    def make(function: Callable[..., Iterable[Yielded]]) -> Check:
        if not re.fullmatch(r"[A-Z]{3}\d{3}", id) or id[:3] not in AREAS:
            raise CheckDefinitionError(
                f"{id!r} is not a check id: an area of {', '.join(AREAS)} and three digits"
            )
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name):
            raise CheckDefinitionError(f"{id}: {name!r} is not kebab-case")
        if not inspect.isgeneratorfunction(function):
            raise CheckDefinitionError(f"{id}: a check is a generator; yield its findings")
        title, documentation = _documentation(id, _docstring(function))
        info = CheckInfo(id=id, name=name, area=AREAS[id[:3]], severity=severity, title=title)
        return Check(
            info=info,
            parameters=_parameters(id, function),
            explained_by=explained_by,
            blinded_by=blinded_by,
            since=since,
            documentation=documentation,
            judge=function,
        )

    return make


def _docstring(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function)
    if text is None and sys.flags.optimize > 1:
        # Python was told to drop docstrings (-OO, PYTHONOPTIMIZE=2); the source still has them.
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError):
            return ""
        text = ast.get_docstring(tree.body[0])  # type: ignore[arg-type]  # a function
    return text or ""


def _documentation(id: str, text: str) -> tuple[str, dict[str, str]]:
    parts = re.split(r"^## +(.+?)\s*$", text, flags=re.MULTILINE)
    title = " ".join(parts[0].split()).rstrip(".")
    sections = {head: body.strip() for head, body in zip(parts[1::2], parts[2::2], strict=True)}
    if not title:
        raise CheckDefinitionError(f"{id}: the docstring's first line is the title; it is missing")
    for section in REQUIRED_SECTIONS:
        if not sections.get(section):
            raise CheckDefinitionError(f"{id}: the docstring has no section '## {section}'")
    if unknown := set(sections) - set(SECTIONS):
        raise CheckDefinitionError(f"{id}: unknown docstring section {sorted(unknown)[0]!r}")
    return title, sections


def _parameters(id: str, function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(function)
    return tuple(
        _parameter(id, name, hints.get(name)) for name in inspect.signature(function).parameters
    )


def _parameter(id: str, name: str, hint: Any) -> Parameter:
    if hint is Knowledge:
        return Parameter(name=name, want=Want.KNOWLEDGE)
    if isinstance(hint, type) and issubclass(hint, FactValue):
        return Parameter(name=name, want=Want.REQUIRED, fact=hint)
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is Fact:
        return Parameter(name=name, want=Want.STATUS, fact=arguments[0])
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2:
        kinds = [item for item in arguments if item is not type(None)]
        if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], FactValue):
            return Parameter(name=name, want=Want.OPTIONAL, fact=kinds[0])
    raise CheckDefinitionError(
        f"{id}: parameter {name!r} must be a fact, a fact or None, a Fact[...], or Knowledge"
    )
