"""Putting a report together: redact, judge, summarise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from trtdoctor.checking.definition import AREAS
from trtdoctor.checking.discover import Catalogue
from trtdoctor.checking.judge import judge, verdict
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import UsageError
from trtdoctor.model.model_report import ModelReport
from trtdoctor.model.near import did_you_mean, shown
from trtdoctor.model.report import CheckKey, Outcome, Problem, Report, Snapshot, Status, Tool
from trtdoctor.version import __version__

from .collect import utc_now
from .machine_card import machine_card

# Commands that look at engines alone, and the areas of checks that have anything to say there.
OF_ENGINES = ("inspect", "explain", "compare")
OF_MODELS = ("audit", "plan")
ENGINE_AREAS = ("ENG", "PRC", "BLD")
MODEL_AREAS = ("PRC", "ONX")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which checks count: ids, ``PLUGIN:ID``, names or areas; an empty ``select`` means all."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def ignored(self, catalogue: Catalogue) -> frozenset[CheckKey]:
        """The keys of the checks that are not to be told.

        Raises:
            UsageError: for a word that names no check and no area.
        """
        return frozenset(self._keys(catalogue, self.ignore))

    def unselected(self, catalogue: Catalogue) -> frozenset[CheckKey]:
        """The keys of the checks that were not asked for, where some were.

        Raises:
            UsageError: for a word that names no check and no area.
        """
        if not self.select:
            return frozenset()
        everything = {check.key for check in catalogue.checks}
        return frozenset(everything - self._keys(catalogue, self.select))

    @staticmethod
    def _keys(catalogue: Catalogue, words: Sequence[str]) -> set[CheckKey]:
        found: set[CheckKey] = set()
        for word in words:
            area = [c for c in catalogue.checks if word.casefold() in _areas(c.id)]
            meant = area or catalogue.named(word)
            if not meant:
                raise UsageError(_unknown(word, catalogue))
            found |= {check.key for check in meant}
        return found


def _unknown(word: str, catalogue: Catalogue) -> str:
    """Why a word selects nothing, and what may have been meant."""
    everything = "'trtdoctor list checks' shows all of them"
    if word.casefold() in {name for id in AREAS for name in _areas(id)}:
        return f"no check of the area {word} is judged here; {everything}"
    checks = catalogue.checks
    names = [name for check in checks for name in (check.name, check.id)]
    names += [name for check in checks for name in (check.id[:3], AREAS[check.id[:3]])]
    hint = did_you_mean(word, names, otherwise=everything)
    return f"there is no check or area {shown(word)}; {hint}"


def _areas(id: str) -> tuple[str, str]:
    return id[:3].casefold(), AREAS[id[:3]]


def examine(
    snapshot: Snapshot,
    catalogue: Catalogue,
    knowledge: Knowledge,
    *,
    command: str,
    share: bool,
    selection: Selection,
    engines: tuple[EngineReport, ...] = (),
    models: tuple[ModelReport, ...] = (),
    comparisons: tuple[Comparison, ...] = (),
    problems: tuple[Problem, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Report:
    """Judge a snapshot and put the report together; with ``share``, of pseudonyms only.

    ``environment`` has the variables of the machine that was looked at, for the secrets in them.

    Raises:
        UsageError: if the selection names something that does not exist.
    """
    ignored, unselected = selection.ignored(catalogue), selection.unselected(catalogue)
    redactor = None
    if share:
        from .redact import Redactor, is_redacted

        if not is_redacted(snapshot):
            redactor = Redactor(snapshot, environment)
            snapshot = redactor.snapshot(snapshot)
    outcomes, crashes = judge(
        snapshot, catalogue.checks, knowledge, ignored=ignored, unselected=unselected
    )
    told = (*problems, *catalogue.problems, *crashes)
    if redactor:
        told = tuple(redactor.document(problem) for problem in told)
        engines = tuple(redactor.document(engine) for engine in engines)
        models = tuple(redactor.document(model) for model in models)
        comparisons = tuple(redactor.document(comparison) for comparison in comparisons)
        # The others say what the facts say, which are pseudonyms already.
        outcomes = tuple(
            _with_reason(outcome, redactor.text(outcome.reason))
            if outcome.status is Status.CRASHED and outcome.reason
            else outcome
            for outcome in outcomes
        )
    if redactor:
        redaction = msgspec.structs.replace(snapshot.redaction, count=redactor.count)
        snapshot = msgspec.structs.replace(snapshot, redaction=redaction)
    return Report(
        created=utc_now(),
        tool=Tool(version=__version__, knowledge=knowledge.as_of, plugins=catalogue.plugins),
        command=command,
        verdict=verdict(outcomes, told),
        machine=machine_card(snapshot, knowledge)
        if command not in (*OF_ENGINES, *OF_MODELS)
        else None,
        outcomes=outcomes,
        engines=engines,
        models=models,
        comparisons=comparisons,
        snapshot=snapshot,
        problems=told,
    )


def _with_reason(outcome: Outcome, reason: str) -> Outcome:
    return msgspec.structs.replace(outcome, reason=reason)
