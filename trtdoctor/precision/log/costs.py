"""A problem's costs by what they depend on: the option of one variable, of two, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .problem import Floats, Indices, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDS = 8


@dataclass
class Costs:
    """The terms of each variable, of each pair of variables (ascending), and of neither.

    Terms that are listed together are to be summed. A variable with one option is in no
    pair.
    """

    single: list[list[Indices]]
    pair: dict[tuple[int, int], list[Indices]] = field(default_factory=dict)
    constant: list[int] = field(default_factory=list)

    def only(self, kept: list[Indices]) -> Costs:
        """The costs where each variable has only these of its options."""
        import numpy as np

        costs = Costs(
            [[terms[own] for terms in found] for own, found in zip(kept, self.single, strict=True)],
            constant=list(self.constant),
        )
        for (first, second), found in self.pair.items():
            for terms in found:
                costs.add(first, second, terms[np.ix_(kept[first], kept[second])])
        return costs

    def add(self, first: int, second: int, terms: Indices) -> None:
        """Adds costs of two different variables, options of the first by those of the second."""
        if first > second:
            first, second, terms = second, first, terms.T
        if terms.size == 1:
            self.constant.append(int(terms[0, 0]))
        elif terms.shape[0] == 1:
            self.single[second].append(terms[0])
        elif terms.shape[1] == 1:
            self.single[first].append(terms[:, 0])
        else:
            self.pair.setdefault((first, second), []).append(terms)


def costs_of(problem: Problem) -> Costs:
    """The costs of a problem."""
    import numpy as np

    costs = Costs(
        [
            [np.array([option.term for option in variable.options], dtype=np.int64)]
            for variable in problem.variables
        ]
    )
    for link in problem.links:
        writer, reader, table = link.writer.variable, link.reader.variable, link.table
        if writer is None and reader is None:
            costs.constant.append(int(table[0, 0]))
        elif writer is None and reader is not None:
            costs.single[reader].append(table[0])
        elif reader is None and writer is not None:
            costs.single[writer].append(table[:, 0])
        elif writer is not None and reader is not None and writer != reader:
            costs.add(writer, reader, table)
        elif writer is not None:
            costs.single[writer].append(np.diagonal(table))
    return costs


@dataclass(frozen=True)
class Tables:
    """The costs in milliseconds, for one set of values of the terms."""

    single: list[Floats]
    pair: dict[tuple[int, int], Floats]
    constant: float = 0.0

    def total(self, chosen: tuple[int, ...]) -> float:
        """What choosing these options costs."""
        singles = sum(float(self.single[v][option]) for v, option in enumerate(chosen))
        pairs = sum(float(costs[chosen[a], chosen[b]]) for (a, b), costs in self.pair.items())
        return self.constant + singles + pairs

    def improved(self, chosen: tuple[int, ...], possible: Sequence[NDArray[np.bool_]]) -> float:
        """What a choice costs after one variable at a time took its best option (`possible` ones)."""
        import numpy as np

        near: dict[int, list[tuple[int, Floats]]] = {}
        for (first, second), costs in self.pair.items():
            near.setdefault(first, []).append((second, costs))
            near.setdefault(second, []).append((first, costs.T))
        now = list(chosen)
        for _ in range(_ROUNDS):
            before = list(now)
            for variable, others in near.items():
                costs = self.single[variable] + sum(table[:, now[other]] for other, table in others)
                now[variable] = int(np.where(possible[variable], costs, np.inf).argmin())
            if now == before:
                break
        return self.total(tuple(now))


def tables_of(costs: Costs, values: Floats) -> Tables:
    """The tables for these values (ms) of the terms."""

    def summed(found: list[Indices]) -> Floats:
        total = values[found[0]]
        for terms in found[1:]:
            total = total + values[terms]
        return total

    return Tables(
        [summed(found) for found in costs.single],
        {pair: summed(found) for pair, found in costs.pair.items()},
        sum(float(values[term]) for term in costs.constant),
    )
