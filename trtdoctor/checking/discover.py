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

from trtdoctor.model.report import CheckKey, Problem, ProblemKind, plugin_name

from .definition import AREAS, Check, CheckDefinitionError
from .judge import told

GROUP = "trtdoctor.checks"
# Ids from here on are left to plugins, so that no id of theirs is ever trtdoctor's too.
_FIRST_OF_PLUGINS = 901


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

    def named(self, word: str) -> tuple[Check, ...]:
        """The checks of that id or name, in any capitalisation.

        Several where plugins share it; ``PLUGIN:ID`` means the one of that plugin, by the name of
        its distribution, or ``trtdoctor:ID`` trtdoctor's own.
        """
        plugin, colon, wanted = word.casefold().rpartition(":")
        return tuple(
            check
            for check in self.checks
            if wanted in (check.id.casefold(), check.name)
            and (not colon or check.key.plugin == plugin_name(plugin))
        )


def discover() -> Catalogue:
    """Load every check. Never raises for a plugin's sake, and lets none print to stdout."""
    with contextlib.redirect_stdout(sys.stderr):
        return _discover()


def _discover() -> Catalogue:
    checks: dict[CheckKey, Check] = {}
    plugins: list[str] = []
    problems: list[Problem] = []
    package = importlib.import_module("trtdoctor.checks")
    for item in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not item.ispkg:
            try:
                _add(importlib.import_module(item.name), None, checks)
            except Exception as error:  # noqa: BLE001  one broken module must not cost the others
                problems.append(_problem(f"module {item.name}", error))
    if not checks:
        # Or a machine that nobody looked at would be called healthy.
        where = "trtdoctor's own checks"
        message = "none are there: the installation is incomplete; install trtdoctor again"
        problems.append(Problem(kind=ProblemKind.NOT_LOADED, where=where, message=message))
    points: list[EntryPoint] = []
    try:
        points += entry_points(group=GROUP)
    except Exception:  # noqa: BLE001  one distribution's broken metadata must not hide the others
        for distribution in distributions():
            try:
                points += _declared(distribution)
            except Exception as error:  # noqa: BLE001  it might have been a plugin
                whose = _name(distribution) or "an installed distribution"
                problems.append(_problem(f"metadata of {whose}", error))
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        plugin = _plugin_name(point)
        try:
            _add(point.load(), plugin, checks)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may do anything
            problems.append(_problem(f"plugin {plugin} ({point.value})", error))
        else:
            plugins.append(plugin)
    areas = list(AREAS)
    ordered = sorted(checks.values(), key=lambda c: (areas.index(c.id[:3]), c.id, c.key.plugin))
    return Catalogue(
        checks=tuple(ordered), plugins=tuple(dict.fromkeys(plugins)), problems=tuple(problems)
    )


def _declared(distribution: Distribution) -> Iterator[EntryPoint]:
    """A distribution's plugins; what else it declares may be malformed."""
    if GROUP in (distribution.read_text("entry_points.txt") or ""):
        yield from (point for point in distribution.entry_points if point.group == GROUP)


def _name(distribution: Distribution) -> str | None:
    """Its name and version; null where its metadata do not tell."""
    with contextlib.suppress(Exception):
        if name := distribution.metadata["Name"]:
            return f"{name} {distribution.version}"
    return None


def _plugin_name(point: EntryPoint) -> str:
    return (_name(point.dist) if point.dist else None) or point.name


def _add(module: ModuleType, plugin: str | None, checks: dict[CheckKey, Check]) -> None:
    """Add a module's checks, all or none.

    Raises:
        CheckDefinitionError: if an id or a name is not theirs to take.
    """
    added: dict[CheckKey, Check] = {}
    for found in {id(v): v for v in vars(module).values() if isinstance(v, Check)}.values():
        check = replace(found, info=msgspec.structs.replace(found.info, plugin=plugin))
        named = f"check {check.id} {check.name}"
        if (int(check.id[3:]) >= _FIRST_OF_PLUGINS) != (plugin is not None):
            raise CheckDefinitionError(
                f"{named}: the ids of plugins end in {_FIRST_OF_PLUGINS} to 999, "
                "and trtdoctor's own never do"
            )
        key = check.key
        if (
            key in checks
            or key in added
            or any(
                check.name == other.name and key.plugin == other.key.plugin
                for other in (*checks.values(), *added.values())
            )
        ):
            raise CheckDefinitionError(f"{named} is already defined")
        added[key] = check
    checks.update(added)


def _problem(where: str, error: BaseException) -> Problem:
    # What is wrong with a check is a sentence already.
    reason = str(error) if isinstance(error, CheckDefinitionError) else told(error)
    return Problem(
        kind=ProblemKind.NOT_LOADED,
        where=where,
        message=f"did not load: {reason}",
        detail="".join(traceback.format_exception(error)),
    )
