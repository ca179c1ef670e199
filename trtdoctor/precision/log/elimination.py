"""Exact minima of one structure by variable elimination, for many values of its terms at a time.

What elimination does at each step depends on the structure alone and is found once. Messages go up,
from each variable to one that is eliminated later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import chain
from typing import cast

from .costs import Costs
from .elimination_order import elimination_order
from .problem import Floats, Indices

# So many numbers are held at most of all messages, or of one table, for the draws of one batch.
_MOST_AT_ONCE = 1 << 22
# A table of so many numbers stays in the caches of a processor.
_PIECE = 1 << 17

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
        return Upward(self, values, keep=False).total

    def minima(self, values: Floats) -> tuple[Floats, Indices]:
        """The least totals of each draw, and the options (variables by draws) that cost them."""
        upward = Upward(self, values)
        return upward.total, upward.options()


class Upward:
    """One pass up, for all draws at once.

    Attributes:
        messages: by the place of the step.
        total: the least total of each draw in milliseconds, infinite where nothing is possible.
    """

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
