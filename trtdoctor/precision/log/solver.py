"""The exact minimum of a problem, and how it moves under conditions and with other times.

Elimination takes time and memory exponential in how far branches of the network interleave, which
is little for networks; past a limit HiGHS takes over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from trtdoctor.model.watch import UNHURRIED, Watch

from .costs import costs_of
from .departures import Base, Departure
from .elimination import Elimination
from .integer_program import IntegerProgram
from .problem import Floats, Indices, Problem

LARGEST_TABLE = 1 << 20


@dataclass(frozen=True)
class Solution:
    """One choice of an option for each variable, and what it costs in milliseconds."""

    total_ms: float
    options: tuple[int, ...]


class Solver:
    """Solves problems of one structure; what depends on the structure alone is found once.

    Every method raises `OutOfTime` once the watch's time is over.
    """

    def __init__(self, problem: Problem, watch: Watch = UNHURRIED) -> None:
        self.problem = problem
        self.watch = watch
        self._costs = costs_of(problem)
        self._elimination = Elimination(self._costs)
        self._program = IntegerProgram(self._costs)

    @property
    def _eliminates(self) -> bool:
        return self._elimination.cells <= LARGEST_TABLE

    def solve(
        self, values: Floats, *, allowed: dict[int, list[bool]] | None = None
    ) -> Solution | None:
        """The cheapest solution for these values of the terms, or None where none is possible.

        Args:
            values: milliseconds by term.
            allowed: for some variables, which of their options may be taken.
        """
        self.watch.check()
        if self._eliminates:
            base = Base.of(self._elimination, values, allowed=allowed)
            return Solution(base.total_ms, base.options) if base is not None else None
        found = self._program.minimum(values, allowed or {}, seconds=self.watch.left())
        return None if found is None else Solution(*found)

    def departures(
        self, values: Floats, solution: Solution, forced: Iterable[tuple[int, list[bool]]]
    ) -> Iterator[Departure | None]:
        """The cheapest solutions where one variable may take only some of its options.

        Args:
            values: milliseconds by term.
            solution: the cheapest without a condition; what does not have to change stays so.
            forced: each variable with the options that it may take.
        """
        if self._eliminates:
            base = Base.of(self._elimination, values, options=solution.options)
            for variable, mask in forced:
                self.watch.check()
                yield None if base is None else base.departure(variable, mask)
            return
        for variable, mask in forced:
            found = self.solve(values, allowed={variable: mask})
            if found is None:
                yield None
                continue
            pairs = enumerate(zip(solution.options, found.options, strict=True))
            options = {index: new for index, (old, new) in pairs if old != new}
            yield Departure(found.total_ms - solution.total_ms, options)

    def totals(self, draws: Iterable[Floats]) -> Iterator[float]:
        """The least total (ms) for each set of values, infinite where none is possible."""
        if self._eliminates:
            for batch in self._batches(draws, totals=True):
                yield from self._elimination.totals(batch).tolist()
            return
        for values in draws:
            found = self.solve(values)
            yield float("inf") if found is None else found.total_ms

    def minima(self, draws: Iterable[Floats]) -> Iterator[tuple[Floats, Indices]]:
        """The least totals (ms, by draw) and their options (variables by draws), batch by batch."""
        import numpy as np

        if self._eliminates:
            for batch in self._batches(draws, totals=False):
                yield self._elimination.minima(batch)
            return
        for values in draws:
            found = self.solve(values)
            none = (0,) * len(self.problem.variables)
            total, options = (found.total_ms, found.options) if found else (np.inf, none)
            yield np.array([total]), np.array(options, dtype=np.int64)[:, None]

    def _batches(self, draws: Iterable[Floats], *, totals: bool) -> Iterator[Floats]:
        import numpy as np

        size = self._elimination.batch(len(self.problem.terms), totals=totals)
        waiting = iter(draws)
        while batch := list(islice(waiting, size)):
            self.watch.check()
            yield np.stack(batch, axis=1)
