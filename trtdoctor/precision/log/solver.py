"""The exact minimum of a problem, by variable elimination; by an integer program where tables grow.

Elimination takes time and memory exponential in how far branches of the network interleave, which
is little for networks; past a limit HiGHS takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

from .problem import Floats, Indices, Problem

LARGEST_TABLE = 1 << 22


@dataclass(frozen=True)
class Solution:
    """One choice of an option for each variable, and what it costs in milliseconds."""

    total_ms: float
    options: tuple[int, ...]


@dataclass
class Tables:
    """Costs as arrays: one for each variable, and one for each pair that shares tensors."""

    single: list[Floats]
    pair: dict[tuple[int, int], Floats]
    constant: float = 0.0

    def total(self, chosen: tuple[int, ...]) -> float:
        """What choosing these options costs."""
        singles = sum(float(self.single[v][option]) for v, option in enumerate(chosen))
        pairs = sum(float(costs[chosen[a], chosen[b]]) for (a, b), costs in self.pair.items())
        return self.constant + singles + pairs


def tables_of(problem: Problem, values: Floats) -> Tables:
    """The tables for these values of the terms."""
    import numpy as np

    single = [
        values[np.array([option.term for option in variable.options], dtype=np.int64)]
        for variable in problem.variables
    ]
    pair: dict[tuple[int, int], Floats] = {}
    constant = 0.0
    for link in problem.links:
        costs = values[link.table]
        writer, reader = link.writer.variable, link.reader.variable
        if writer is None and reader is None:
            constant += float(costs[0, 0])
        elif writer is None and reader is not None:
            single[reader] = single[reader] + costs[0]
        elif reader is None and writer is not None:
            single[writer] = single[writer] + costs[:, 0]
        elif writer is not None and reader is not None and writer != reader:
            key = (min(writer, reader), max(writer, reader))
            costs = costs if key[0] == writer else costs.T
            pair[key] = pair[key] + costs if key in pair else costs
        elif writer is not None:
            single[writer] = single[writer] + np.diagonal(costs)
    return Tables(single, pair, constant)


class Solver:
    """Solves problems of one structure; the order of elimination is found once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        sizes = [len(variable.options) for variable in problem.variables]
        pairs = {
            (link.writer.variable, link.reader.variable)
            for link in problem.links
            if link.writer.variable is not None and link.reader.variable is not None
        }
        self._order, self._cells = elimination_order(sizes, pairs)

    def solve(
        self, values: Floats, *, allowed: dict[int, list[bool]] | None = None
    ) -> Solution | None:
        """The cheapest solution for these values of the terms, or None where none is possible.

        Args:
            values: milliseconds by term.
            allowed: for some variables, which of their options may be taken.
        """
        import numpy as np

        tables = tables_of(self.problem, values)
        for variable, mask in (allowed or {}).items():
            tables.single[variable] = np.where(mask, tables.single[variable], np.inf)
        if self._cells > LARGEST_TABLE:
            return integer_program(tables)
        return eliminate(tables, self._order)


def elimination_order(sizes: list[int], pairs: set[tuple[int, int]]) -> tuple[list[int], int]:
    """An order of elimination with small tables (greedy), and the cells of its largest one."""
    near: dict[int, set[int]] = {variable: set() for variable in range(len(sizes))}
    for first, second in pairs:
        if first != second:
            near[first].add(second)
            near[second].add(first)

    def cells(variable: int) -> int:
        product = sizes[variable]
        for other in near[variable]:
            product *= sizes[other]
        return product

    cost = {variable: cells(variable) for variable in near}
    order: list[int] = []
    largest = 0
    while cost:
        variable = min(cost, key=lambda v: (cost[v], v))
        largest = max(largest, cost.pop(variable))
        order.append(variable)
        around = near.pop(variable)
        for other in around:
            near[other].discard(variable)
            near[other].update(around - {other})
        for other in around:
            cost[other] = cells(other)
    return order, largest


def eliminate(tables: Tables, order: list[int]) -> Solution | None:
    """The cheapest solution by eliminating the variables in this order."""
    touching: dict[int, list[tuple[tuple[int, ...], Floats]]] = {v: [] for v in order}
    position = {variable: place for place, variable in enumerate(order)}
    constant = tables.constant

    def put(scope: tuple[int, ...], table: Floats) -> None:
        # A factor waits at the variable of its scope that goes first.
        touching[min(scope, key=position.__getitem__)].append((scope, table))

    for variable, table in enumerate(tables.single):
        put((variable,), table)
    for pair, table in tables.pair.items():
        put(pair, table)
    steps: list[tuple[int, tuple[int, ...], Floats]] = []
    for variable in order:
        factors = touching.pop(variable)
        scope = tuple(sorted({other for variables, _ in factors for other in variables}))
        joint = _join(scope, factors)
        axis = scope.index(variable)
        rest = scope[:axis] + scope[axis + 1 :]
        steps.append((variable, rest, joint.argmin(axis=axis)))
        least = joint.min(axis=axis)
        if rest:
            put(rest, least)
        else:
            constant += float(least)
    if constant == float("inf"):
        return None
    chosen = [0] * len(order)
    for variable, rest, best in reversed(steps):
        chosen[variable] = int(best[tuple(chosen[other] for other in rest)])
    return Solution(constant, tuple(chosen))


def _join(scope: tuple[int, ...], factors: list[tuple[tuple[int, ...], Floats]]) -> Floats:
    """The sum of factors over a common scope; every factor's scope is sorted."""
    import numpy as np

    total: Floats = np.zeros(())
    for variables, table in factors:
        shape = []
        position = 0
        for variable in scope:
            if variable in variables:
                shape.append(table.shape[position])
                position += 1
            else:
                shape.append(1)
        # A time that is none can overflow; the solution with it is then as bad as it gets.
        with np.errstate(over="ignore"):
            total = total + table.reshape(shape)
    return total


def integer_program(tables: Tables) -> Solution | None:
    """The same minimum as an integer program: one binary for each option, flows along each pair."""
    import numpy as np

    # The public class `Highs` cannot be made quiet: in 1.16 making one already prints a banner to
    # standard output, where a report may be on its way. `_Highs`, its base, says nothing.
    from highspy import HighsModelStatus, MatrixFormat, ObjSense, _Highs

    offsets = np.concatenate([[0], np.cumsum([len(table) for table in tables.single])])
    binaries = int(offsets[-1])
    objective = np.concatenate([*tables.single, *(t.reshape(-1) for t in tables.pair.values())])
    size = len(objective)
    columns, weights = _equations(tables, offsets)
    right = (np.arange(len(columns)) < len(tables.single)).astype(np.float64)
    possible = np.isfinite(objective)
    program = _Highs()
    program.setOptionValue("output_flag", False)
    # It finds little to remove here, and most programs are solved sooner without it.
    program.setOptionValue("presolve", "off")
    program.setOptionValue("mip_rel_gap", 0.0)
    program.setOptionValue("mip_abs_gap", 0.0)
    program.passModel(
        size,
        len(columns),
        sum(map(len, columns)),
        int(MatrixFormat.kRowwise),
        int(ObjSense.kMinimize),
        0.0,
        # In microseconds: HiGHS's tolerances are absolute, and too coarse for milliseconds.
        np.where(possible, objective * 1000.0, 0.0),
        np.zeros(size),
        possible.astype(np.float64),
        right,
        right,
        np.concatenate([[0], np.cumsum([len(row) for row in columns])]).astype(np.int32),
        np.concatenate(columns).astype(np.int32),
        np.concatenate(weights),
        (np.arange(size) < binaries).astype(np.int32),
    )
    program.run()
    if program.getModelStatus() != HighsModelStatus.kOptimal:
        return None
    taken = np.array(program.getSolution().col_value[:binaries])
    chosen = tuple(int(part.argmax()) for part in np.split(taken, offsets[1:-1]))
    return Solution(tables.total(chosen), chosen)


def _equations(tables: Tables, offsets: Indices) -> tuple[list[Indices], list[Floats]]:
    """The columns and weights of each equation, of all variables and then of all pairs.

    A variable's binaries sum to 1; the flows from an option, to every option of the variable that
    it is paired with, sum to its binary.
    """
    import numpy as np

    columns = np.split(np.arange(offsets[-1]), offsets[1:-1])
    weights = [np.ones(len(row)) for row in columns]
    start = int(offsets[-1])
    for (first, second), table in tables.pair.items():
        flows = start + np.arange(table.size).reshape(table.shape)
        start += table.size
        for along, variable in ((flows, first), (flows.T, second)):
            own = np.arange(offsets[variable], offsets[variable + 1])
            columns.extend(np.append(row, one) for row, one in zip(along, own, strict=True))
            weights.extend(np.append(np.ones(len(row)), -1.0) for row in along)
    return columns, weights
