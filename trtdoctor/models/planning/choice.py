"""The cheapest nodes to keep in FP32, by an integer program.

    minimise   sum of what keeping node i loses, and of a Cast for each value between two types
    subject to sum of the noise of nodes that are not kept <= what the budget allows
               nodes whose values break or die are kept

Errors add up as a first model: they are independent roundings. The choice is verified afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SECONDS = 10.0


@dataclass(frozen=True)
class Candidate:
    """A node that may be 16-bit.

    Attributes:
        index: The step's.
        noise: What it adds at the outputs, relative to the signal there.
        saved: What 16 bits save there.
        must: Whether it has to be kept.
    """

    index: int
    noise: float
    saved: float
    must: bool


def choose(
    candidates: Sequence[Candidate],
    edges: Mapping[tuple[int, int], float],
    allowed: float,
) -> frozenset[int]:
    """The indices of the nodes to keep in FP32.

    Args:
        candidates: All nodes that may be 16-bit.
        edges: For pairs of them that share a value: what a Cast between them costs.
        allowed: The noise that the outputs may have, relative to the signal.
    """
    must = frozenset(c.index for c in candidates if c.must)
    open_ = [c for c in candidates if not c.must]
    noise = sum(c.noise for c in open_)
    if not must and noise <= allowed:
        return must
    return must | _solved(candidates, edges, allowed)


def _solved(
    candidates: Sequence[Candidate], edges: Mapping[tuple[int, int], float], allowed: float
) -> frozenset[int]:
    import numpy as np

    # The public class `Highs` prints a banner when it is made; `_Highs`, its base, says nothing.
    from highspy import HighsVarType, _Highs

    model = _Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("time_limit", _SECONDS)
    largest = max((c.saved for c in candidates), default=0.0) or 1.0
    place: dict[int, int] = {}
    for candidate in candidates:
        place[candidate.index] = model.getNumCol()
        model.addVar(1.0 if candidate.must else 0.0, 1.0)
        column = place[candidate.index]
        model.changeColCost(column, (candidate.saved + 1e-6 * largest) / largest)
        model.changeColIntegrality(column, HighsVarType.kInteger)
    for (first, second), cost in edges.items():
        if first not in place or second not in place:
            continue
        cast = model.getNumCol()
        model.addVar(0.0, 1.0)
        model.changeColCost(cast, cost / largest)
        for a, b in ((first, second), (second, first)):
            # cast >= kept[a] - kept[b]
            columns = np.array([cast, place[a], place[b]], np.int32)
            model.addRow(0.0, 2.0, 3, columns, np.array([1.0, -1.0, 1.0]))
    total = sum(c.noise for c in candidates)
    scale = max(allowed, 1e-300)
    # Of what is louder than all that is allowed, no more matters: it has to go.
    noises = [min(c.noise / scale, 1e6) for c in candidates]
    if total > allowed:
        model.addRow(
            sum(noises) - 1.0,
            float("inf"),
            len(candidates),
            np.array([place[c.index] for c in candidates], np.int32),
            np.array(noises),
        )
    model.run()
    solution = model.getSolution().col_value
    if len(solution) < len(place):
        # No time: the loudest go, which is never wrong, only dearer.
        return _loudest(candidates, allowed)
    return frozenset(index for index, column in place.items() if solution[column] > 0.5)


def _loudest(candidates: Sequence[Candidate], allowed: float) -> frozenset[int]:
    kept: set[int] = set()
    left = sum(c.noise for c in candidates)
    for candidate in sorted(candidates, key=lambda c: -c.noise):
        if left <= allowed:
            break
        kept.add(candidate.index)
        left -= candidate.noise
    return frozenset(kept)
