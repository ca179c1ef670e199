"""Exact minima of one structure by variable elimination, for many values of its terms at a time.

What elimination does at each step depends on the structure alone and is found once. Messages go up,
from each variable to one that is eliminated later. Sent down as well, they tell what each variable
would cost with each of its options, so that a solution under a condition on one variable is found
by looking at what changes.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, reduce
from itertools import chain
from math import fsum, prod
from typing import cast

from .costs import Costs
from .problem import Floats, Indices

# So many numbers are held at most of all messages, or of one table, for the draws of one batch.
_MOST_AT_ONCE = 1 << 22
# A table of so many numbers stays in the caches of a processor.
_PIECE = 1 << 17
# Tables of more cells are worth looking for a better order: so often, and for fewer variables in all.
_LARGE = 1 << 14
_TRIES = 8
_MOST_TRIED = 20_000

_ALL = slice(None)


@dataclass(frozen=True)
class Factor:
    """Costs of some variables of a step's scope.

    ``axes`` are the places of those variables in the scope, ascending and from 0; ``shape`` lays a
    table along the whole scope, with the draws behind. ``terms`` hold the costs as terms, to be
    summed, each with an axis for each of those variables. A message from another step has none:
    ``step`` says from which one it is (else -1).
    """

    axes: tuple[int, ...]
    shape: tuple[int, ...]
    terms: tuple[Indices, ...] = ()
    step: int = -1


@dataclass(frozen=True)
class Step:
    """The elimination of one variable.

    ``scope`` is the variable and those that it still shares costs with, in the order of their
    elimination, ``cells`` the size of a table over it. The message of the step goes to ``parent``;
    -1 where it shares nothing.
    """

    variable: int
    scope: tuple[int, ...]
    factors: tuple[Factor, ...]
    parent: int
    cells: int


@dataclass(frozen=True)
class Departure:
    """Another solution by what differs: options by variable, and how much more it costs (ms)."""

    more_ms: float
    options: dict[int, int]


class Elimination:
    """The steps that eliminate all variables that have a choice.

    Attributes:
        steps: in order; the message of each goes to a later one.
        cells: the size of the largest table of a step.
        place: the step of each variable.
        schedule: the steps' places in an order that keeps few messages waiting.
        sizes: how many options each variable has.
    """

    def __init__(self, costs: Costs) -> None:
        self.sizes = [len(found[0]) for found in costs.single]
        free = [variable for variable, size in enumerate(self.sizes) if size > 1]
        fixed = [costs.single[variable] for variable, size in enumerate(self.sizes) if size == 1]
        self.constant = [*costs.constant, *(int(terms[0]) for found in fixed for terms in found)]
        order = elimination_order(self.sizes, free, costs.pair)
        self.place = {variable: place for place, variable in enumerate(order)}
        self.steps: list[Step] = []
        waiting: list[list[tuple[int, int]]] = [[] for _ in order]
        for pair in costs.pair:
            waiting[min(map(self.place.__getitem__, pair))].append(pair)
        children: list[list[int]] = [[] for _ in order]
        for place, variable in enumerate(order):
            shared = chain(
                *waiting[place], *(self.steps[child].scope[1:] for child in children[place])
            )
            scope = tuple(sorted({variable, *shared}, key=self.place.__getitem__))
            factors = [self._factor(scope, (variable,), terms=costs.single[variable])]
            for pair in waiting[place]:
                ahead = pair[0] == variable
                tables = costs.pair[pair] if ahead else [t.T for t in costs.pair[pair]]
                factors.append(self._factor(scope, pair if ahead else pair[::-1], terms=tables))
            # Small ones first: a sum then has few terms of the full size.
            for child in sorted(children[place], key=self._size):
                factors.append(self._factor(scope, self.steps[child].scope[1:], step=child))
            parent = self.place[scope[1]] if len(scope) > 1 else -1
            if parent >= 0:
                children[parent].append(place)
            self.steps.append(
                Step(variable, scope, tuple(factors), parent, cells=self._cells(scope))
            )
        self.cells = max((step.cells for step in self.steps), default=0)
        self._messages = sum(map(self._size, range(len(self.steps))))
        self.schedule = _children_first(children, [step.parent for step in self.steps])

    def _size(self, place: int) -> int:
        """Of the message of a step."""
        return self._cells(self.steps[place].scope[1:])

    def _cells(self, variables: Iterable[int]) -> int:
        return reduce(lambda cells, variable: cells * self.sizes[variable], variables, 1)

    def _factor(
        self,
        scope: tuple[int, ...],
        variables: tuple[int, ...],
        *,
        terms: list[Indices] | None = None,
        step: int = -1,
    ) -> Factor:
        there = set(variables)
        return Factor(
            axes=tuple(axis for axis, variable in enumerate(scope) if variable in there),
            shape=(*(self.sizes[v] if v in there else 1 for v in scope), -1),
            terms=tuple(terms or ()),
            step=step,
        )

    def batch(self, terms: int, *, totals: bool) -> int:
        """How many draws of so many terms are worked on together, so that memory is bounded.

        Where only totals are asked for, messages are kept no longer than they are needed.
        """
        return max(1, _MOST_AT_ONCE // max(terms, self.cells, 0 if totals else self._messages))

    @cached_property
    def used_by(self) -> dict[int, list[int]]:
        """For each variable the steps before its own that share costs with it."""
        found: dict[int, list[int]] = {}
        for place, step in enumerate(self.steps):
            for variable in step.scope[1:]:
                found.setdefault(variable, []).append(place)
        return found

    def totals(self, values: Floats) -> Floats:
        """The least total in milliseconds of each draw, infinite where nothing is possible.

        Args:
            values: milliseconds, terms by draws.
        """
        return _Upward(self, values, keep=False).total

    def minima(self, values: Floats) -> tuple[Floats, Indices]:
        """The least totals of each draw, and the options (variables by draws) that cost them."""
        upward = _Upward(self, values)
        return upward.total, upward.options()

    def base(
        self,
        values: Floats,
        *,
        allowed: dict[int, list[bool]] | None = None,
        options: tuple[int, ...] | None = None,
    ) -> Base | None:
        """A solution to depart from; None where nothing is possible.

        Args:
            values: milliseconds by term.
            allowed: for some variables, which of their options may be taken.
            options: of all variables, where a cheapest solution is known.
        """
        if any(not any(mask) for mask in (allowed or {}).values()):
            return None
        found = _Upward(self, values[:, None], allowed=allowed)
        return Base(self, found, options) if found.total[0] < float("inf") else None


class _Upward:
    """One pass up, for all draws at once; ``messages`` are by step."""

    def __init__(
        self,
        elimination: Elimination,
        values: Floats,
        *,
        allowed: dict[int, list[bool]] | None = None,
        keep: bool = True,
    ) -> None:
        import numpy as np

        self._elimination = elimination
        self._values = values
        self._draws = values.shape[1]
        self._allowed = {
            variable: np.where(mask, 0.0, np.inf)[:, None]
            for variable, mask in (allowed or {}).items()
        }
        self.messages: dict[int, Floats] = {}
        total = np.zeros(self._draws)
        for term in elimination.constant:
            total = total + values[term]
        # A time that is none can overflow; the solution with it is then as bad as it gets.
        with np.errstate(over="ignore"):
            for place in elimination.schedule:
                step = elimination.steps[place]
                tables = [self.table(step, factor) for factor in step.factors]
                least = _least(tables, step.cells * self._draws)
                if not keep:
                    for factor in step.factors:
                        self.messages.pop(factor.step, None)
                if step.parent < 0:
                    total = total + least
                else:
                    self.messages[place] = least
        self.total: Floats = total

    def value(self, term: int) -> float:
        """A term's milliseconds in the first draw."""
        return float(self._values[term, 0])

    def table(self, step: Step, factor: Factor) -> Floats:
        """A factor's costs, with one axis for each variable of the step's scope, and draws."""
        if factor.step >= 0:
            return self.messages[factor.step].reshape(factor.shape)
        first, *others = factor.terms
        table = self._values[first]
        for terms in others:
            table = table + self._values[terms]
        if self._allowed and factor.axes == (0,) and step.variable in self._allowed:
            table = table + self._allowed[step.variable]
        return table.reshape(factor.shape)

    def options(self) -> Indices:
        """The options of least total, variables by draws."""
        import numpy as np

        steps = self._elimination.steps
        chosen = np.zeros((len(self._elimination.sizes), self._draws), dtype=np.int64)
        for step in reversed(steps):
            chosen[step.variable] = self.given(step, chosen).argmin(axis=0)
        return chosen

    def given(self, step: Step, chosen: Indices) -> Floats:
        """What each option of the step's variable costs (options by draws) with the others chosen."""
        import numpy as np

        draws = np.arange(self._draws)

        def costs(factor: Factor) -> Floats:
            others = tuple(chosen[step.scope[axis]] for axis in factor.axes[1:])
            each = (_ALL, *others)
            if factor.step >= 0:
                each = (_ALL, *others, draws)
                return cast("Floats", self.messages[factor.step][each])
            found = [
                self._values[terms[each], draws] if others else self._values[terms]
                for terms in factor.terms
            ]
            total: Floats = reduce(np.add, found)
            if factor.axes == (0,) and step.variable in self._allowed:
                total = total + self._allowed[step.variable]
            return total

        with np.errstate(over="ignore"):
            given: Floats = reduce(np.add, map(costs, step.factors))
        return given


class Base:
    """A solution with all messages, so that others that differ little are found by what changes.

    Attributes:
        total_ms: what it costs.
        options: of each variable.
    """

    def __init__(
        self, elimination: Elimination, upward: _Upward, options: tuple[int, ...] | None
    ) -> None:
        self._elimination = elimination
        self._upward = upward
        self.total_ms = float(upward.total[0])
        self.options = tuple(upward.options()[:, 0].tolist()) if options is None else options

    def departure(self, variable: int, mask: list[bool]) -> Departure | None:
        """The solution where a variable may take only some of its options; None where there is none."""
        import numpy as np

        elimination, base = self._elimination, self.options
        place = elimination.place[variable]
        step = elimination.steps[place]
        with np.errstate(over="ignore"):
            belief = self._belief(place, {})
            belief = np.where(
                np.array(mask).reshape((-1, *[1] * (belief.ndim - 1))), belief, np.inf
            )
            decided: dict[int, int] = {}
            if not self._decide(step, belief, decided):
                return None
            while step.parent >= 0 and any(decided[v] != base[v] for v in step.scope[1:]):
                place = step.parent
                step = elimination.steps[place]
                self._decide(step, self._belief(place, decided), decided)
            self._spread(decided)
        changed = {v: option for v, option in decided.items() if option != base[v]}
        return Departure(self._more(changed), changed)

    def _decide(self, step: Step, belief: Floats, decided: dict[int, int]) -> bool:
        """Adds the best options of a step's scope; what is decided already has an extent of 1."""
        import numpy as np

        best = belief.argmin()
        if belief.flat[best] == np.inf:
            return False
        for variable, option in zip(step.scope, np.unravel_index(best, belief.shape), strict=True):
            decided.setdefault(variable, int(option))
        return True

    def _spread(self, decided: dict[int, int]) -> None:
        """Decides again, from the last step to the first, where something shared has changed."""
        elimination, base = self._elimination, self.options
        waiting = [
            -place
            for variable, option in decided.items()
            if option != base[variable]
            for place in elimination.used_by.get(variable, ())
        ]
        heapq.heapify(waiting)
        done = -1
        while waiting:
            place = -heapq.heappop(waiting)
            step = elimination.steps[place]
            if place == done or step.variable in decided:
                continue
            done = place
            given = {v: decided.get(v, base[v]) for v in step.scope[1:]}
            option = int(self._joint(step, given).argmin())
            if option != base[step.variable]:
                decided[step.variable] = option
                for earlier in elimination.used_by.get(step.variable, ()):
                    heapq.heappush(waiting, -earlier)

    def _more(self, changed: dict[int, int]) -> float:
        """How much more the changed options cost (ms)."""
        elimination, base = self._elimination, self.options
        places = {elimination.place[variable] for variable in changed}
        places.update(place for v in changed for place in elimination.used_by.get(v, ()))
        costs: list[float] = []
        for place in sorted(places):
            step = elimination.steps[place]
            for factor in step.factors:
                variables = [step.scope[axis] for axis in factor.axes]
                if factor.step < 0 and not changed.keys().isdisjoint(variables):
                    before = tuple(base[v] for v in variables)
                    after = tuple(changed.get(v, base[v]) for v in variables)
                    for terms in factor.terms:
                        costs.append(self._upward.value(int(terms[after])))
                        costs.append(-self._upward.value(int(terms[before])))
        return fsum(costs)

    def _belief(self, place: int, decided: dict[int, int]) -> Floats:
        """What a step's scope costs with all other variables at their best."""
        step = self._elimination.steps[place]
        joint = self._joint(step, decided)
        down = self._downward[place]
        return joint if down is None else joint + _sliced(down[None], step.scope, decided)

    def _joint(self, step: Step, decided: dict[int, int]) -> Floats:
        tables = [self._upward.table(step, factor)[..., 0] for factor in step.factors]
        return reduce(
            lambda total, table: total + table,
            (_sliced(table, step.scope, decided) for table in tables),
        )

    @cached_property
    def _downward(self) -> list[Floats | None]:
        """For each step what all that it does not hold costs at best, over ``scope[1:]``."""
        import numpy as np

        upward, steps = self._upward, self._elimination.steps
        found: list[Floats | None] = [None] * len(steps)
        with np.errstate(over="ignore"):
            for place in range(len(steps) - 1, -1, -1):
                step = steps[place]
                children = [factor for factor in step.factors if factor.step >= 0]
                if not children:
                    continue
                own = [upward.table(step, f)[..., 0] for f in step.factors if f.step < 0]
                down = found[place]
                if down is not None:
                    own.append(down[None])
                tables = [upward.table(step, child)[..., 0] for child in children]
                for child, others in zip(children, _without_each(own, tables), strict=True):
                    gone = tuple(a for a in range(len(step.scope)) if a not in child.axes)
                    least = others.min(axis=gone) if gone else others
                    shape = steps[child.step].scope[1:]
                    found[child.step] = np.broadcast_to(
                        least, [self._elimination.sizes[variable] for variable in shape]
                    )
        return found


def _children_first(children: list[list[int]], parents: list[int]) -> list[int]:
    """All places, each soon after those whose messages it takes."""
    order: list[int] = []
    waiting = [place for place, parent in enumerate(parents) if parent < 0]
    while waiting:
        place = waiting.pop()
        order.append(place)
        waiting.extend(children[place])
    return order[::-1]


def _least(tables: list[Floats], numbers: int) -> Floats:
    """The minimum along the first axis of a sum of tables that broadcast to so many numbers.

    A large sum is never there as a whole, but piece by piece, which processors are far faster with.
    """
    import numpy as np

    if numbers <= _PIECE or tables[0].ndim < 3:
        total = tables[0]
        for table in tables[1:]:
            total = total + table
        least: Floats = total.min(axis=0)
        return least
    shape = np.broadcast_shapes(*(table.shape for table in tables))
    least = np.empty(shape[1:])
    for index in range(shape[1]):
        pieces = [table[:, min(index, table.shape[1] - 1)] for table in tables]
        least[index] = _least(pieces, numbers // shape[1])
    return least


def _without_each(own: list[Floats], tables: list[Floats]) -> Iterator[Floats]:
    """For each table the sum of all others."""
    before = [reduce(lambda a, b: a + b, own)]
    for table in tables[:-1]:
        before.append(before[-1] + table)
    after: Floats | None = None
    found: list[Floats] = []
    for table in reversed(tables):
        others = before.pop()
        found.append(others if after is None else others + after)
        after = table if after is None else after + table
    return reversed(found)


def _sliced(table: Floats, scope: tuple[int, ...], decided: dict[int, int]) -> Floats:
    """A table along a scope with an extent of 1 for the variables that are decided."""
    if not decided:
        return table
    return table[
        tuple(
            slice(decided[variable], decided[variable] + 1)
            if extent > 1 and variable in decided
            else _ALL
            for variable, extent in zip(scope, table.shape, strict=True)
        )
    ]


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
