"""Exact minima by linear programming, for problems whose tables of elimination grow too large.

There is one column for each option of a variable, and one for each pair of options of variables
that share costs. The minimum is mostly whole numbers, so a solution. Where it is not, its reduced
costs rule out most options, and what they leave is eliminated, or searched for whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trtdoctor.model.watch import OutOfTime

from .costs import Costs, tables_of
from .departures import Base
from .elimination import Elimination
from .problem import Floats, Indices

if TYPE_CHECKING:
    import numpy as np
    from highspy import _Highs
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Array = NDArray[Any]
else:
    Flags = Array = Any

# In microseconds: HiGHS's tolerances are absolute, and too coarse for milliseconds.
_MICROSECONDS = 1000.0
_WHOLE = 1e-6
# More than HiGHS's tolerances and the rounding of sums.
_ROUNDING_MS = 1e-7
_FEW_CELLS = 1 << 22


class IntegerProgram:
    """Minima of one structure; each starts from the end of the one before."""

    def __init__(self, costs: Costs) -> None:
        import numpy as np

        self._costs = costs
        sizes = [len(found[0]) for found in costs.single]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)])
        self._pairs = [(pair, found[0].shape) for pair, found in costs.pair.items()]
        self._program: _Highs | None = None
        self._possible: Flags | None = None

    def minimum(
        self, values: Floats, allowed: Mapping[int, Sequence[bool]], *, seconds: float
    ) -> tuple[float, tuple[int, ...]] | None:
        """The least total in milliseconds, and the option of each variable that cost it.

        None where nothing is possible.

        Args:
            values: milliseconds by term.
            allowed: for some variables, which of their options may be taken.
            seconds: how long to try.

        Raises:
            OutOfTime: if that was not long enough.
        """
        import numpy as np

        tables = tables_of(self._costs, values)
        objective = np.concatenate([*tables.single, *(t.reshape(-1) for t in tables.pair.values())])
        possible = np.isfinite(objective)
        for variable, mask in allowed.items():
            possible[self._offsets[variable] : self._offsets[variable + 1]] &= np.array(mask)
        program = self._adapted(np.where(possible, objective * _MICROSECONDS, 0.0), possible)
        if not _run(program, seconds):
            return None
        taken = self._taken(program)
        chosen = tuple(int(part.argmax()) for part in self._by_variable(taken))
        if np.abs(taken - taken.round()).max(initial=0.0) > _WHOLE:
            known_ms = tables.improved(chosen, self._by_variable(possible))
            left = self._left(program, known_ms)
            chosen = self._eliminated(values, left) or self._searched(program, left, seconds)
        total = tables.total(chosen)
        return (total, chosen) if total < float("inf") else None

    def _by_variable(self, columns: Array) -> list[Array]:
        import numpy as np

        return np.split(columns[: self._offsets[-1]], self._offsets[1:-1])

    def _taken(self, program: _Highs) -> Floats:
        """How much of each option is taken: of each variable's, 1 in all."""
        import numpy as np

        return np.array(program.getSolution().col_value[: self._offsets[-1]])

    def _left(self, program: _Highs, known_ms: float) -> list[Flags]:
        """Which options of each variable a solution can have that is as cheap as a known one."""
        import numpy as np

        assert self._possible is not None
        least = program.getInfo().objective_function_value / _MICROSECONDS
        reduced = np.array(program.getSolution().col_dual) / _MICROSECONDS
        reduced = np.where(self._possible, np.maximum(reduced, 0.0), np.inf)
        more = [part.copy() for part in self._by_variable(reduced)]
        start = int(self._offsets[-1])
        for (first, second), shape in self._pairs:
            both = reduced[start : start + shape[0] * shape[1]].reshape(shape)
            start += both.size
            more[first] += both.min(axis=1)
            more[second] += both.min(axis=0)
        return [least + excess <= known_ms + _ROUNDING_MS for excess in more]

    def _eliminated(self, values: Floats, left: list[Flags]) -> tuple[int, ...] | None:
        """The best of the options that are left, where they are few enough for elimination."""
        import numpy as np

        kept = [np.flatnonzero(flags) for flags in left]
        elimination = Elimination(self._costs.only(kept))
        if elimination.cells > _FEW_CELLS:
            return None
        base = Base.of(elimination, values)
        assert base is not None
        return tuple(int(own[option]) for own, option in zip(kept, base.options, strict=True))

    def _searched(self, program: _Highs, left: list[Flags], seconds: float) -> tuple[int, ...]:
        """The same by searching for whole numbers."""
        import numpy as np

        assert self._possible is not None
        possible = self._possible.copy()
        possible[: self._offsets[-1]] &= np.concatenate(left)
        self._bound(program, possible)
        self._demand_whole(program, whole=True)
        try:
            found = _run(program, seconds)
            assert found, "what is left holds the known solution"
            return tuple(int(part.argmax()) for part in self._by_variable(self._taken(program)))
        finally:
            self._demand_whole(program, whole=False)

    def _demand_whole(self, program: _Highs, *, whole: bool) -> None:
        import numpy as np

        options = int(self._offsets[-1])
        columns = np.arange(options, dtype=np.int32)
        program.changeColsIntegrality(options, columns, np.full(options, whole, dtype=np.uint8))

    def _bound(self, program: _Highs, possible: Flags) -> None:
        import numpy as np

        size = len(possible)
        columns = np.arange(size, dtype=np.int32)
        program.changeColsBounds(size, columns, np.zeros(size), possible.astype(np.float64))
        self._possible = possible

    def _adapted(self, objective: Floats, possible: Flags) -> _Highs:
        """The program with these costs, and only these columns."""
        import numpy as np

        if self._program is None:
            self._program = self._new(objective, possible)
            self._possible = possible
            return self._program
        size = len(objective)
        self._program.changeColsCost(size, np.arange(size, dtype=np.int32), objective)
        if self._possible is None or not np.array_equal(possible, self._possible):
            self._bound(self._program, possible)
        return self._program

    def _new(self, objective: Floats, possible: Flags) -> _Highs:
        import numpy as np

        # The public class `Highs` cannot be made quiet: in 1.16 making one already prints a banner
        # to standard output, where a report may be on its way. `_Highs`, its base, says nothing.
        from highspy import MatrixFormat, ObjSense, _Highs

        columns, weights = self._equations()
        right = (np.arange(len(columns)) < len(self._offsets) - 1).astype(np.float64)
        program = _Highs()
        program.setOptionValue("output_flag", False)
        # It finds little to remove here, and most programs are solved sooner without it.
        program.setOptionValue("presolve", "off")
        program.setOptionValue("mip_rel_gap", 0.0)
        program.setOptionValue("mip_abs_gap", 0.0)
        size = len(objective)
        program.passModel(
            size,
            len(columns),
            sum(map(len, columns)),
            int(MatrixFormat.kRowwise),
            int(ObjSense.kMinimize),
            0.0,
            objective,
            np.zeros(size),
            possible.astype(np.float64),
            right,
            right,
            np.concatenate([[0], np.cumsum([len(row) for row in columns])]).astype(np.int32),
            np.concatenate(columns).astype(np.int32),
            np.concatenate(weights),
            np.zeros(size, dtype=np.int32),
        )
        return program

    def _equations(self) -> tuple[list[Indices], list[Floats]]:
        """The columns and weights of each equation, of all variables and then of all pairs.

        A variable's columns sum to 1; those of one of its options with every option of a variable
        that it is paired with sum to the column of that option.
        """
        import numpy as np

        offsets = self._offsets
        columns = np.split(np.arange(offsets[-1]), offsets[1:-1])
        weights = [np.ones(len(row)) for row in columns]
        start = int(offsets[-1])
        for (first, second), shape in self._pairs:
            both = start + np.arange(shape[0] * shape[1]).reshape(shape)
            start += both.size
            for along, variable in ((both, first), (both.T, second)):
                own = np.arange(offsets[variable], offsets[variable + 1])
                columns.extend(np.append(row, one) for row, one in zip(along, own, strict=True))
                weights.extend(np.append(np.ones(len(row)), -1.0) for row in along)
        return columns, weights


def _run(program: _Highs, seconds: float) -> bool:
    """Whether there is a minimum.

    Raises:
        OutOfTime: if the time was not enough to find it.
    """
    from highspy import HighsModelStatus

    program.setOptionValue("time_limit", max(0.0, program.getRunTime() + seconds))
    program.run()
    status = program.getModelStatus()
    if status == HighsModelStatus.kTimeLimit:
        raise OutOfTime
    return bool(status == HighsModelStatus.kOptimal)
