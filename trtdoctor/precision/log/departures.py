"""Solutions under a condition on one variable, found from one that is known by what changes.

Messages sent down as well as up tell what each variable would cost with each of its options. The best
allowed one is followed to where it changes nothing any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from math import fsum

from .elimination import Elimination, Step, Upward
from .problem import Floats

_ALL = slice(None)


@dataclass(frozen=True)
class Departure:
    """Another solution by what differs: options by variable, and how much more it costs (ms)."""

    more_ms: float
    options: dict[int, int]


class Base:
    """A solution with all messages, so that others that differ little are found by what changes.

    Attributes:
        total_ms: what it costs.
        options: of each variable.
    """

    @classmethod
    def of(
        cls,
        elimination: Elimination,
        values: Floats,
        *,
        allowed: dict[int, list[bool]] | None = None,
        options: tuple[int, ...] | None = None,
    ) -> Base | None:
        """A solution to depart from; None where nothing is possible.

        Args:
            elimination: of the problem.
            values: milliseconds by term.
            allowed: for some variables, which of their options may be taken.
            options: of all variables, where a cheapest solution is known.
        """
        if any(not any(mask) for mask in (allowed or {}).values()):
            return None
        found = Upward(elimination, values[:, None], allowed=allowed)
        return cls(elimination, found, options) if found.total[0] < float("inf") else None

    def __init__(
        self, elimination: Elimination, upward: Upward, options: tuple[int, ...] | None
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
