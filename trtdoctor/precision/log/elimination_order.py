"""The order in which variables are eliminated, on which the size of the tables depends."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from math import prod

# Tables of more cells are worth looking for a better order: so often, and for fewer variables in all.
_LARGE = 1 << 14
_TRIES = 8
_MOST_TRIED = 20_000


def elimination_order(
    sizes: list[int], variables: Iterable[int], pairs: Iterable[tuple[int, int]]
) -> list[int]:
    """An order of elimination with small tables, for variables of these sizes.

    Greedily the next variable is the one with the smallest table. Where tables become large, orders
    that make the fewest variables neighbours are tried, with ties broken in several ways, and the
    order given, which for the layers of an engine goes through the network from end to end.
    """
    near: dict[int, set[int]] = {variable: set() for variable in variables}
    for first, second in pairs:
        near[first].add(second)
        near[second].add(first)
    best = _greedy(sizes, near, _Rule.CELLS)
    if best.largest > _LARGE:
        tries = min(_TRIES, 1 + _MOST_TRIED // len(near))
        others = (_greedy(sizes, near, _Rule.FILL, seed) for seed in range(tries))
        best = min([best, *others, _greedy(sizes, near, _Rule.GIVEN)], key=lambda one: one.cells)
    return best.order


class _Rule(Enum):
    """Which variable is next: of the smallest table, of the fewest new neighbours, or as given."""

    CELLS = "cells"
    FILL = "fill"
    GIVEN = "given"


@dataclass
class _Order:
    """An order with the cells of its largest table, and of all."""

    order: list[int] = field(default_factory=list)
    largest: int = 0
    cells: int = 0


def _greedy(
    sizes: list[int], graph: dict[int, set[int]], rule: _Rule, seed: int | None = None
) -> _Order:
    near = {variable: set(others) for variable, others in graph.items()}
    rank = list(range(len(sizes)))
    if seed is not None:
        random.Random(seed).shuffle(rank)

    def cells(variable: int) -> int:
        return prod((sizes[other] for other in near[variable]), start=sizes[variable])

    def missing(variable: int) -> int:
        around = near[variable]
        return sum(len(around - near[other]) - 1 for other in around)

    def first(variable: int) -> int:
        return 0

    score = {_Rule.CELLS: cells, _Rule.FILL: missing, _Rule.GIVEN: first}[rule]
    scores = {variable: score(variable) for variable in near}
    waiting = [(scored, rank[variable], variable) for variable, scored in scores.items()]
    heapq.heapify(waiting)
    found = _Order()
    while scores:
        scored, _, variable = heapq.heappop(waiting)
        if scores.get(variable) != scored:
            continue
        size = cells(variable)
        found.largest, found.cells = max(found.largest, size), found.cells + size
        found.order.append(variable)
        del scores[variable]
        around = near.pop(variable)
        for other in around:
            near[other].discard(variable)
            near[other].update(around - {other})
        fill = rule is _Rule.FILL
        touched = around.union(*(near[other] for other in around)) if fill else around
        for other in touched:
            now = score(other)
            if now != scores[other]:
                scores[other] = now
                heapq.heappush(waiting, (now, rank[other], other))
    return found
