"""Times of identical candidates, for those that TensorRT's timing cache held and printed no time of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

from trtdoctor.readers.buildlog import Autotuning, Build, Candidate, Outcome

from .problem import text_of

# The time in milliseconds and its line.
Timed: TypeAlias = "tuple[float, int]"


class Twins:
    """Finds the time of an identical candidate in a build."""

    def __init__(self, build: Build) -> None:
        self._layers = [tuning for attempt in build.attempts for tuning in attempt.layers]

    def same_text(self, tuning: Autotuning, candidate: Candidate, kind: str) -> Timed | None:
        """The time of the same text in the nearest layer before with the very same candidates.

        One that a runner of this kind timed comes first.

        Args:
            tuning: the layer's own candidates.
            candidate: the one of them that has no time.
            kind: the layer's type, such as ``CaskConvolution``.
        """
        key = (self._signatures[id(tuning)], text_of(candidate))
        return self._before(tuning, (*key, kind)) or self._before(tuning, (*key, None))

    def same_layout(self, tuning: Autotuning, candidate: Candidate) -> Timed | None:
        """The time of one that differs in the notes of formats alone, which the cache does not know.

        One of the layer's own counts first, and then that of the most similar layer before it: of
        two equal ones, one that writes a part of a concatenation has candidates beside those of the
        other.
        """
        wanted = _layouts(candidate)
        alike = self._most_alike(tuning)
        for layer, line in ((tuning, candidate.line), (alike, tuning.line)):
            for twin in layer.candidates if layer is not None else ():
                best = twin.best if twin.line < line and _layouts(twin) == wanted else None
                if best is not None and best.time_ms is not None:
                    return best.time_ms, best.line
        return None

    def _before(self, tuning: Autotuning, key: tuple[int, str, str | None]) -> Timed | None:
        """The nearest time before the layer."""
        lines, times = self._timed.get(key, ([], []))
        place = bisect_left(lines, tuning.line)
        return times[place - 1] if place else None

    @cached_property
    def _signatures(self) -> dict[int, int]:
        """A number for each layer, the same for layers with the very same candidates."""
        numbers: dict[tuple[str, ...], int] = {}
        return {
            id(tuning): numbers.setdefault(tuple(map(text_of, tuning.candidates)), len(numbers))
            for tuning in self._layers
        }

    @cached_property
    def _timed(self) -> dict[tuple[int, str, str | None], tuple[list[int], list[Timed]]]:
        """Times by signature, text and runner (and by none), with the lines of their candidates."""
        found: dict[tuple[int, str, str | None], tuple[list[int], list[Timed]]] = {}
        for tuning in sorted(self._layers, key=lambda one: one.line):
            seen: set[tuple[int, str, str | None]] = set()
            for candidate in tuning.candidates:
                best = candidate.best
                if best is None or best.time_ms is None:
                    continue
                kinds = {timing.runner for timing in candidate.timings}
                for kind in (None, *kinds):
                    key = (self._signatures[id(tuning)], text_of(candidate), kind)
                    if key not in seen:
                        seen.add(key)
                        lines, times = found.setdefault(key, ([], []))
                        lines.append(candidate.line)
                        times.append((best.time_ms, best.line))
        return found

    def _most_alike(self, tuning: Autotuning) -> Autotuning | None:
        """The layer before it, most alike, that has all candidates of this one that were cached."""
        own = {_layouts(candidate) for candidate in tuning.candidates}
        cached = {_layouts(c) for c in tuning.candidates if c.outcome is Outcome.UNTIMED}
        best: tuple[int, int, Autotuning] | None = None
        for group in self._with_all(cached):
            layers, theirs = self._groups[group]
            place = bisect_left([layer.line for layer in layers], tuning.line)
            if place:
                other = layers[place - 1]
                like = (len(own & theirs), other.line, other)
                best = like if best is None or like[:2] > best[:2] else best
        return best[2] if best else None

    def _with_all(self, layouts: set[tuple[str, ...]]) -> Iterable[int]:
        """The groups that have all of these layouts."""
        return set.intersection(*(self._having.get(layout, set()) for layout in layouts))

    @cached_property
    def _groups(self) -> list[tuple[list[Autotuning], set[tuple[str, ...]]]]:
        """Layers with the very same candidates, in order, and the layouts of these."""
        found: dict[int, list[Autotuning]] = {}
        for tuning in sorted(self._layers, key=lambda one: one.line):
            found.setdefault(self._signatures[id(tuning)], []).append(tuning)
        return [
            (layers, {_layouts(candidate) for candidate in layers[0].candidates})
            for layers in found.values()
        ]

    @cached_property
    def _having(self) -> dict[tuple[str, ...], set[int]]:
        """By layout the groups that have it."""
        found: dict[tuple[str, ...], set[int]] = {}
        for number, (_, layouts) in enumerate(self._groups):
            for layout in layouts:
                found.setdefault(layout, set()).add(number)
        return found


def _layouts(candidate: Candidate) -> tuple[str, ...]:
    return tuple(form.unmarked for form in (*candidate.inputs, *candidate.outputs))
