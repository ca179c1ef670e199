"""The exact minimum of a problem, by variable elimination; by an integer program where tables grow.

Elimination takes time and memory exponential in how far branches of the network interleave, which is
little for networks; past a limit scipy's ``milp`` (HiGHS) takes over.
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
    """Costs as arrays: one for each variable, and one for each pair of variables that share tensors."""

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


def solve(tables: Tables) -> Plan | None:
    """The cheapest plan, or None where no plan is possible."""
    factors: list[tuple[tuple[int, ...], Floats]] = [
        ((variable,), table) for variable, table in enumerate(tables.single)
    ]
    factors.extend(tables.pair.items())
    sizes = [len(table) for table in tables.single]
    steps: list[tuple[int, tuple[int, ...], Floats]] = []
    remaining = set(range(len(sizes)))
    while remaining:
        variable, scope, cells = _next(remaining, factors, sizes)
        if cells > LARGEST_TABLE:
            return _integer_program(tables)
        remaining.discard(variable)
        joint = _join(scope, [f for f in factors if variable in f[0]])
        factors = [f for f in factors if variable not in f[0]]
        rest = tuple(other for other in scope if other != variable)
        axis = scope.index(variable)
        steps.append((variable, rest, joint.argmin(axis=axis)))
        factors.append((rest, joint.min(axis=axis)))
    total = tables.constant + float(sum(float(table) for _, table in factors))
    if total == float("inf"):
        return None
    chosen = [0] * len(sizes)
    for variable, rest, best in reversed(steps):
        chosen[variable] = int(best[tuple(chosen[other] for other in rest)])
    return Plan(total, tuple(chosen))


def _next(
    remaining: set[int], factors: list[tuple[tuple[int, ...], Floats]], sizes: list[int]
) -> tuple[int, tuple[int, ...], int]:
    """The variable whose elimination makes the smallest table, its scope, and that table's cells."""
    neighbours: dict[int, set[int]] = {variable: {variable} for variable in remaining}
    for scope, _ in factors:
        for variable in scope:
            neighbours[variable].update(scope)
    best: tuple[int, int] | None = None
    for variable in remaining:
        cells = 1
        for other in neighbours[variable]:
            cells *= sizes[other]
        if best is None or (cells, variable) < best:
            best = (cells, variable)
    assert best is not None
    return best[1], tuple(sorted(neighbours[best[1]])), best[0]


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
        total = total + table.reshape(shape)
    return total


def _integer_program(tables: Tables) -> Plan | None:
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
