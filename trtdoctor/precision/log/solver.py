"""The exact minimum of a problem, by variable elimination; by an integer program where tables grow.

Elimination takes time and memory exponential in how far branches of the network interleave, which
is little for networks; past a limit scipy's ``milp`` (HiGHS) takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .problem import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
else:
    Floats = Any

LARGEST_TABLE = 1 << 22


@dataclass(frozen=True)
class Plan:
    """One choice of an option for each variable, and what it costs in milliseconds."""

    total_ms: float
    options: tuple[int, ...]


@dataclass
class Tables:
    """Costs as arrays: one for each variable, and one for each pair that shares tensors."""

    single: list[Floats]
    pair: dict[tuple[int, int], Floats]
    constant: float = 0.0


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

    def plan(self, values: Floats, *, allowed: dict[int, list[bool]] | None = None) -> Plan | None:
        """The cheapest plan for these values of the terms, or None where no plan is possible.

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


def eliminate(tables: Tables, order: list[int]) -> Plan | None:
    """The cheapest plan by eliminating the variables in this order."""
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
    return Plan(constant, tuple(chosen))


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
        # A time that is none can overflow; the plan with it is then as bad as it gets.
        with np.errstate(over="ignore"):
            total = total + table.reshape(shape)
    return total


def integer_program(tables: Tables) -> Plan | None:
    """The same minimum as an integer program: one binary for each option, flows along each pair."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    offsets = np.concatenate([[0], np.cumsum([len(table) for table in tables.single])])
    costs = [*tables.single]
    size = int(offsets[-1])
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    right: list[float] = []

    def equation(entries: list[tuple[int, float]], value: float) -> None:
        for column, weight in entries:
            rows.append(len(right))
            columns.append(column)
            weights.append(weight)
        right.append(value)

    for variable, table in enumerate(tables.single):
        equation([(int(offsets[variable]) + i, 1.0) for i in range(len(table))], 1.0)
    for (first, second), table in tables.pair.items():
        height, width = table.shape
        for i in range(height):
            entries = [(size + i * width + j, 1.0) for j in range(width)]
            equation([*entries, (int(offsets[first]) + i, -1.0)], 0.0)
        for j in range(width):
            entries = [(size + i * width + j, 1.0) for i in range(height)]
            equation([*entries, (int(offsets[second]) + j, -1.0)], 0.0)
        costs.append(table.reshape(-1))
        size += height * width
    objective = np.concatenate(costs)
    possible = np.isfinite(objective)
    integrality = np.zeros(size)
    integrality[: int(offsets[-1])] = 1
    matrix = coo_array((weights, (rows, columns)), shape=(len(right), size)).tocsr()
    result = milp(
        np.where(possible, objective, 0.0),
        integrality=integrality,
        bounds=Bounds(np.zeros(size), possible.astype(float)),
        constraints=LinearConstraint(matrix, right, right),
        options={"mip_rel_gap": 0.0},
    )
    if result.x is None:
        return None
    chosen = tuple(
        int(result.x[int(offsets[v]) : int(offsets[v + 1])].argmax())
        for v in range(len(tables.single))
    )
    return Plan(tables.constant + float(result.fun), chosen)
