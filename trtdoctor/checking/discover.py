"""Finding the checks: trtdoctor's own, then plugins. One that does not load is a problem row."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from types import ModuleType

import msgspec

from trtdoctor.model.report import Problem

from .definition import AREAS, Check
from .judge import told

GROUP = "trtdoctor.checks"


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All checks in the order they are told, the plugins they came from, and what did not load."""

    checks: tuple[Check, ...]
    plugins: tuple[str, ...]
    problems: tuple[Problem, ...]

    def only(self, *areas: str) -> Catalogue:
        """The same with the checks of these areas alone, given as three letters."""
        kept = tuple(check for check in self.checks if check.id.startswith(areas))
        return replace(self, checks=kept)

    def find(self, wanted: str) -> Check | None:
        """The check of that id or name, in any capitalisation."""
        wanted = wanted.casefold()
        return next(
            (c for c in self.checks if wanted in (c.id.casefold(), c.name.casefold())), None
        )


def discover() -> Catalogue:
    """Load every check. Never raises for a plugin's sake, and lets none print to stdout."""
    with contextlib.redirect_stdout(sys.stderr):
        return _discover()


def _discover() -> Catalogue:
    checks: dict[str, Check] = {}
    plugins: list[str] = []
    problems: list[Problem] = []
    package = importlib.import_module("trtdoctor.checks")
    for item in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not item.ispkg:
            try:
                _add(importlib.import_module(item.name), None, checks)
            except Exception as error:  # noqa: BLE001  one broken module must not cost the others
                problems.append(_problem(f"module {item.name}", error))
    points: list[EntryPoint] = []
    try:
        points += entry_points(group=GROUP)
    except Exception:  # noqa: BLE001  one distribution's broken metadata must not hide the others
        for distribution in distributions():
            try:
                points += _declared(distribution)
            except Exception as error:  # noqa: BLE001  it might have been a plugin
                problems.append(_problem(f"metadata of {_name(distribution)}", error))
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        plugin = _plugin_name(point)
        try:
            _add(point.load(), plugin, checks)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may do anything
            problems.append(_problem(f"plugin {plugin} ({point.value})", error))
        else:
            plugins.append(plugin)
    areas = list(AREAS)
    ordered = sorted(checks.values(), key=lambda c: (areas.index(c.id[:3]), c.id))
    return Catalogue(checks=tuple(ordered), plugins=tuple(plugins), problems=tuple(problems))


def _declared(distribution: Distribution) -> Iterator[EntryPoint]:
    """A distribution's plugins; what else it declares may be malformed."""
    if GROUP in (distribution.read_text("entry_points.txt") or ""):
        yield from (point for point in distribution.entry_points if point.group == GROUP)


def _name(distribution: Distribution) -> str:
    with contextlib.suppress(Exception):
        return f"{distribution.metadata['Name']} {distribution.version}"
    return "an installed distribution"


def _plugin_name(point: EntryPoint) -> str:
    return point.name if point.dist is None else _name(point.dist)


def _add(module: ModuleType, plugin: str | None, checks: dict[str, Check]) -> None:
    """Add a module's checks, all or none."""
    found = list({id(v): v for v in vars(module).values() if isinstance(v, Check)}.values())
    ids, names = set(checks), {check.name for check in checks.values()}
    for check in found:
        if check.id in ids or check.name in names:
            raise ValueError(f"check {check.id} {check.name} is already defined")
        ids.add(check.id)
        names.add(check.name)
    for check in found:
        info = msgspec.structs.replace(check.info, plugin=plugin)
        checks[check.id] = replace(check, info=info)


def _problem(where: str, error: BaseException) -> Problem:
    return Problem(
        where=where,
        message=f"did not load: {told(error)}",
        detail="".join(traceback.format_exception(error)),
    )
