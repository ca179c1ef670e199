"""A comparison as titled tables: the verdict, both engines side by side, outputs, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from trtdoctor.model.build import Spread
from trtdoctor.model.comparison import AlignedLayer, Comparison, OutputDifference, SideBySide
from trtdoctor.model.engine import Precision
from trtdoctor.model.finding import Command

from .section import Section

_MOST_LISTED = 10
_MOST_NAMED = 3
_CLOCKS = {
    "graph_ms": "replayed as a CUDA graph",
    "events_ms": "between two CUDA events",
    "wall_ms": "by the wall clock, one behind the other",
    "single_ms": "by the wall clock, one at a time",
    "profile": "the layers' own times, added up",
}


def comparison_sections(
    comparison: Comparison, *, verbose: bool = False, brief: bool = False
) -> Iterator[Section]:
    """Everything there is to show of one comparison, the verdict first.

    With ``brief`` only the properties that differ, for a comparison beside others.
    """
    yield Section(title=_title(comparison), rows=tuple(_answer(comparison)))
    facts = [each for each in comparison.facts if verbose or not brief or not each.same]
    if facts:
        title = "Side by side" if len(facts) == len(comparison.facts) else "What differs"
        yield Section(title=title, columns=("", "A", "B"), rows=tuple(map(_beside, facts)))
    if comparison.outputs:
        yield _outputs(comparison, verbose=verbose)
    if comparison.layers or comparison.alike:
        yield _layers(comparison, verbose=verbose)
    for title, listed in (
        ("Conversions that B has and A has not", comparison.conversions_added),
        ("Conversions that A has and B has not", comparison.conversions_removed),
    ):
        if listed:
            shown = listed if verbose else listed[:_MOST_LISTED]
            yield Section(
                title=f"{title} ({_counted(shown, listed)})",
                columns=("Conversion",),
                rows=tuple((each,) for each in shown),
            )


def _title(comparison: Comparison) -> str:
    a, b = PurePath(comparison.a).name, PurePath(comparison.b).name
    return "B in place of A" if a == b else f"{b} (B) in place of {a} (A)"


def _answer(comparison: Comparison) -> Iterator[tuple[str, str] | Command]:
    yield "Verdict", comparison.verdict
    yield from comparison.commands
    yield "A", comparison.a
    yield "B", comparison.b
    if comparison.a_ms is not None and comparison.b_ms is not None:
        clock = _CLOCKS.get(comparison.clock or "", comparison.clock or "")
        yield "Time", f"{_time(comparison.a_ms)} → {_time(comparison.b_ms)} ms, {clock}"
    if comparison.gain is not None:
        middle, low, high = comparison.gain
        yield "Faster", f"{middle:.3f} times, 19 of 20 times between {low:.3f} and {high:.3f}"
    if comparison.outputs and comparison.inputs is not None:
        yield "Inputs", comparison.inputs
    if comparison.reference is not None:
        yield "Reference", comparison.reference
    for number, suspect in enumerate(comparison.suspects):
        yield ("" if number else "Suspected"), suspect
    for note in comparison.notes:
        yield "Note", note


def _time(spread: Spread) -> str:
    if spread.low == spread.high:
        return f"{spread.median:.4f}"
    return f"{spread.median:.4f} [{spread.low:.4f}, {spread.high:.4f}]"


def _beside(each: SideBySide) -> tuple[str, str, str]:
    if each.same:
        return each.what, each.a or "", "the same"
    return each.what, each.a or "unknown", each.b or "unknown"


# Outputs -----------------------------------------------------------------------------------------


def _outputs(comparison: Comparison, *, verbose: bool) -> Section:
    """One row an output and pair; those that say most first, where not all are shown."""
    differences = comparison.outputs
    listed: Sequence[OutputDifference] = differences
    if not verbose and len(differences) > 2 * _MOST_LISTED:
        listed = sorted(differences, key=_badness)[: 2 * _MOST_LISTED]
    rows = [
        (
            each.name,
            f"{each.of} to {each.to}",
            _number(each.absolute),
            _number(each.relative),
            _signal(each),
            _sick(each),
        )
        for each in listed
    ]
    return Section(
        title=f"Outputs ({_counted(listed, differences)})",
        columns=("Output", "Of what", "Absolute", "Relative", "SQNR", "What else"),
        rows=tuple(rows),
    )


def _badness(each: OutputDifference) -> tuple[bool, float]:
    sick = bool(each.nan or each.inf or each.differing or (each.note and not each.elements))
    return not sick, float("inf") if each.sqnr is None else each.sqnr


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _signal(each: OutputDifference) -> str:
    if each.equal:
        return "equal"
    return "" if each.sqnr is None else f"{each.sqnr:.1f} dB"


def _sick(each: OutputDifference) -> str:
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (each.nan, "NaN"),
            (each.inf, "infinite"),
            (each.differing or 0, f"of {each.elements:,} differ"),
        )
        if count
    ]
    if each.note:
        parts.append(each.note)
    return "; ".join(parts)


# Layers ------------------------------------------------------------------------------------------


def _layers(comparison: Comparison, *, verbose: bool) -> Section:
    changed = comparison.layers
    listed = changed if verbose else changed[:_MOST_LISTED]
    alike = f"{comparison.alike:,} {'is' if comparison.alike == 1 else 'are'} alike"
    if not changed:
        return Section(title="Layers", rows=(("", f"all are alike ({comparison.alike:,})"),))
    timed = any(each.a_ms is not None or each.b_ms is not None for each in changed)
    rows = [
        (
            *((_ms(each.a_ms), _ms(each.b_ms)) if timed else ()),
            _change(each),
            _named(each),
        )
        for each in listed
    ]
    times = ("A ms", "B ms") if timed else ()
    return Section(
        title=f"Layers that changed ({_counted(listed, changed)}; {alike})",
        columns=(*times, "Precision", "Layers"),
        rows=tuple(rows),
    )


def _ms(time: float | None) -> str:
    return "" if time is None else f"{time:.4f}"


def _change(each: AlignedLayer) -> str:
    before = _precisions(each.a, each.a_precision)
    after = _precisions(each.b, each.b_precision)
    return before if before == after else f"{before} → {after}"


def _precisions(layers: Sequence[str], precisions: Iterable[Precision]) -> str:
    if not layers:
        return "none"
    return ", ".join(precision.value for precision in precisions) or "moves data"


def _named(each: AlignedLayer) -> str:
    if not each.a:
        return f"only in B: {_few(each.b)}"
    if not each.b:
        return f"only in A: {_few(each.a)}"
    told = _few(each.a) if each.a == each.b else f"{_few(each.a)} → {_few(each.b)}"
    # Kernels that were put together of many operations are called after these, not after nodes.
    names = "\n".join((*each.a, *each.b))
    hidden = [node for node in each.nodes if node not in names]
    return f"{told} ({_few(hidden)})" if hidden else told


def _few(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more"


def _counted(shown: Sequence[object], whole: Sequence[object]) -> str:
    if len(shown) == len(whole):
        return f"{len(whole):,}"
    return f"{len(shown)} of {len(whole):,}, -v shows all"
