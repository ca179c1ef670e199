"""Explanations as titled tables: the answer, the proof, causes by region, layers by cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from trtdoctor.model.cause import DecidedAgain
from trtdoctor.model.engine import EngineReport, Explanation
from trtdoctor.model.finding import Command, Remedy
from trtdoctor.model.plural import count

from .section import ENGINE_TYPING, Section, brief

_MOST_LISTED = 10
_MOST_NAMED = 200
_MOST_GROUPS = 200
_AGAIN = {
    DecidedAgain.CERTAIN: "another build would decide the same",
    DecidedAgain.LIKELY: "another build would probably decide the same",
    DecidedAgain.UNLIKELY: "another build may decide otherwise: a near tie",
}


def explanation_sections(engine: EngineReport, *, verbose: bool = False) -> Iterator[Section]:
    """Everything there is to show of why an engine is not all FP16, in order."""
    rows: list[tuple[str, ...]] = []
    if engine.answer:
        rows.append(("Answer", engine.answer))
    if engine.choice is not None:
        rows.append(("Proof", _proof(engine)))
    rows.append(("Typing", ENGINE_TYPING.get(engine.typing, engine.typing.value)))
    rows += [("Note", note) for note in engine.notes]
    yield Section(title=f"Why not FP16? {engine.path}", rows=tuple(rows))
    groups = list(_regions(engine.explanations).values())
    for group in groups[:_MOST_GROUPS]:
        yield _group(group, verbose)
    if len(groups) > _MOST_GROUPS:
        yield _other_groups(groups[_MOST_GROUPS:])
    if len(engine.explanations) > 1:
        yield _shortened(_layers(engine), verbose)
    for title, remedies in (
        ("What would make the whole engine faster", engine.advice),
        ("What would tell more", engine.missing),
    ):
        if remedies:
            yield Section(title=title, rows=tuple(remedy_rows(remedies)))


def remedy_rows(remedies: Iterable[Remedy]) -> Iterator[tuple[str, str] | Command]:
    """Remedies as rows of a table without columns: the text, and each command."""
    for item in remedies:
        yield "", item.text
        yield from item.commands


def _shortened(section: Section, verbose: bool) -> Section:
    """A table of at most so many rows, for the screen; its title tells how many there are."""
    if verbose or len(section.rows) <= _MOST_LISTED:
        return section
    title = f"{section.title} ({_MOST_LISTED} of {len(section.rows)}, -v shows all)"
    return replace(section, title=title, rows=section.rows[:_MOST_LISTED])


def _proof(engine: EngineReport) -> str:
    choice = engine.choice
    assert choice is not None
    verb = (
        "Reproduced the builder's plan"
        if choice.reproduced
        else "The builder's plan is NOT reproduced"
    )
    text = (
        f"{verb}: {choice.layers[0]} of {choice.layers[1]} layers, "
        f"{choice.conversions[0]} of {choice.conversions[1]} conversions, "
        f"{choice.plan_ms * 1000:.2f} us"
    )
    return text if choice.reproduced else f"{text}; so no cause below is certain"


def _regions(explanations: tuple[Explanation, ...]) -> dict[str, list[Explanation]]:
    """Layers that share cause and region are told once."""
    groups: dict[str, list[Explanation]] = {}
    for told in explanations:
        key = f"{told.cause.value}\0{told.region or ''}\0{told.remedy.text if told.remedy else ''}"
        groups.setdefault(key, []).append(told)
    return groups


def _other_groups(groups: list[list[Explanation]]) -> Section:
    """How many more there are of each cause, where there are too many to tell the story of each."""
    regions, layers = Counter[str](), Counter[str]()
    for group in groups:
        regions[group[0].cause.value] += 1
        layers[group[0].cause.value] += len(group)
    return Section(
        title=f"{count(len(groups), 'more region')}, each told in full by -o report.json",
        columns=("regions", "layers", "cause"),
        rows=tuple(
            (str(number), str(layers[cause]), cause) for cause, number in regions.most_common()
        ),
    )


def _group(group: list[Explanation], verbose: bool) -> Section:
    first = max(group, key=lambda told: told.cost.margin_ms if told.cost else 0.0)
    number = f"{len(group)} layers" if len(group) > 1 else group[0].layer
    confidence = f", {first.confidence.value}" if first.confidence else ""
    rows: list[tuple[str, ...] | Command] = []
    if len(group) > 1:
        shown_names = group[: _MOST_NAMED if verbose else _MOST_LISTED]
        names = [told.layer if verbose else brief(told.layer) for told in shown_names]
        if len(names) < len(group):
            where = "the table of layers has each" if verbose else "-v"
            names.append(f"and {len(group) - len(names)} more ({where})")
        rows.append(("layers", ", ".join(names)))
    if first.decided_again:
        rows.append(("again", _AGAIN.get(first.decided_again, first.decided_again.value)))
    if first.cost:
        cost = first.cost
        rows.append(
            (
                "cost",
                f"with it in FP16 the plan takes {(cost.plan_ms + cost.margin_ms) * 1000:.2f} us "
                f"instead of {cost.plan_ms * 1000:.2f} us (kernels {cost.kernels_ms * 1000:+.2f}, "
                f"conversions {cost.conversions_ms * 1000:+.2f})",
            )
        )
    for other in first.other_causes:
        rows.append(("also", f"{other.cause.value} ({other.confidence.value})"))
        rows += (("", f"{item.source}: {item.value}") for item in other.evidence if verbose)
    shown = first.evidence if verbose else first.evidence[:3]
    rows += [
        ("evidence" if n == 0 else "", f"{item.source}: {item.value}")
        for n, item in enumerate(shown)
    ]
    if len(shown) < len(first.evidence):
        rows.append(("", f"and {len(first.evidence) - len(shown)} more (-v)"))
    if first.remedy:
        rows.append(("remedy", first.remedy.text))
        rows += first.remedy.commands
    title = f"{first.cause.value}{confidence}: {number}"
    return Section(title=title, rows=tuple(rows), kind="cause", about=first.cost)


def _layers(engine: EngineReport) -> Section:
    """All explained layers, the dearest first, else the slowest; the others keep their order."""
    explanations = engine.explanations
    times = {
        layer.name: layer.time_ms for layer in engine.layers[::-1] if layer.time_ms is not None
    }
    priced = any(told.cost for told in explanations)
    timed = any(told.layer in times for told in explanations)

    def dear(told: Explanation) -> tuple[float, float]:
        return -(told.cost.margin_ms if told.cost else 0.0), -times.get(told.layer, 0.0)

    rows = []
    for told in sorted(explanations, key=dear):
        confidence = told.confidence.value if told.confidence else ""
        price = f"{told.cost.margin_ms * 1000:+.2f}" if told.cost else ""
        took = f"{times[told.layer]:.4f}" if told.layer in times else ""
        row = (told.precision.value, told.cause.value, confidence, told.layer)
        rows.append(((price,) if priced else ()) + ((took,) if timed else ()) + row)
    columns = ("precision", "cause", "confidence", "layer")
    head = (("us in FP16",) if priced else ()) + (("ms",) if timed else ())
    order = "by cost" if priced else "by time" if timed else ""
    return Section(
        title=f"Layers {order}".rstrip(),
        columns=head + columns,
        rows=tuple(rows),
        kind="layers",
    )
