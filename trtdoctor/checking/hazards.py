"""A model's hazards as findings, for the checks that ask about one kind of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from trtdoctor.model.facts import OnnxModel, OnnxModels
from trtdoctor.model.finding import Command, to_run
from trtdoctor.model.hazard import Cure, Effect, Hazard
from trtdoctor.model.report import Confidence, Evidence, Finding, Remedy

from .definition import NotApplicable, Note, Unknown, Yielded

_MOST_NAMED = 4
_TYPES = {"FLOAT": "FP32", "FLOAT16": "FP16", "BFLOAT16": "BF16"}


def hazard_findings(
    found: OnnxModels,
    wanted: Callable[[Hazard], bool],
    *,
    none: str,
    missing: Callable[[OnnxModel], str | None] = lambda model: None,
) -> Iterator[Yielded]:
    """One finding for the places of each model that have the same hazard.

    Args:
        found: The models.
        wanted: Whether a hazard is of the kind that the check is about; harmless ones never are.
        none: What to note of a model without any, half a sentence.
        missing: Why a model without any may have some all the same; None where it has none.

    Raises:
        NotApplicable: Of no model hazards were looked for.
    """
    judged = [model for model in found.models if model.hazards is not None]
    if not judged:
        raise NotApplicable("no model's hazards were looked for")
    for model in judged:
        groups: dict[tuple[str, str], list[Hazard]] = {}
        for hazard in model.hazards or ():
            if hazard.effect is not Effect.HARMLESS and wanted(hazard):
                groups.setdefault((hazard.kind.value, _kind(hazard)), []).append(hazard)
        yield from (_finding(model, group) for group in groups.values())
        reason = missing(model)
        if reason is not None:
            yield Unknown(subject=model.path, reason=reason)
        elif not groups:
            yield Note(text=f"{model.path}: {none}")


def _kind(hazard: Hazard) -> str:
    """What alike hazards share: their sentence without the names and numbers of one place."""
    named = hazard.value or ""
    text = hazard.what.replace(named, "") if named else hazard.what
    return "".join(character for character in text if not character.isdigit())


def _finding(model: OnnxModel, group: list[Hazard]) -> Finding:
    order = list(Confidence)
    first = min(group, key=lambda each: order.index(each.confidence))
    nodes = tuple(dict.fromkeys(label for each in group for label in each.nodes))
    named = ", ".join(nodes[:_MOST_NAMED])
    more = f" and {len(nodes) - _MOST_NAMED:,} more" if len(nodes) > _MOST_NAMED else ""
    places = f"{len(group):,} places of {model.path}: " if len(group) > 1 else f"{model.path}: "
    return Finding(
        message=f"{places}{first.what}",
        subject=model.path,
        confidence=first.confidence,
        evidence=(
            Evidence(source="nodes", value=f"{named}{more}"),
            Evidence(source="their type now", value=_TYPES.get(first.type, first.type)),
            *first.evidence[:_MOST_NAMED],
        ),
        remedy=Remedy(text=_advice(first), commands=_commands(model, first)),
    )


def _advice(hazard: Hazard) -> str:
    if hazard.type == "FLOAT" or hazard.cure is not Cure.KEEP:
        return hazard.advice
    now = _TYPES.get(hazard.type, hazard.type)
    return f"It is {now} already: convert the FP32 model again. {hazard.advice}"


def _commands(model: OnnxModel, hazard: Hazard) -> tuple[Command, ...]:
    # What is FP16 in the model already no plan brings back: its FP32 original would.
    if hazard.type != "FLOAT" or hazard.cure not in (Cure.KEEP, Cure.CHANGE_CONSTANT):
        return ()
    return to_run(f"trtdoctor plan {shlex.quote(model.path)} --inputs DATA.npz")
