"""Solving again under conditions: conversions free, a layer in FP16, FP16 I/O, noise."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trtdoctor.model.watch import UNHURRIED, OutOfTime, Watch
from trtdoctor.readers.buildlog import Attempt, Build

from .analysis import Analysis, LayerVerdict, decided
from .network_io import NetworkIoSolver
from .noise import measured_again
from .problem import (
    Floats,
    TermKind,
)
from .problem_from_log import problem_of
from .solution import Comparison, choice_of, half_of, solved
from .solver import Solution, Solver

_TOLD_EVERY = 100


def analyse(build: Build, attempt: Attempt, watch: Watch = UNHURRIED) -> Analysis | None:
    """Solve an attempt's problem and everything that follows from it.

    Needs numpy, and highspy for networks whose branches interleave a lot. None where the log does
    not hold enough for any solution. What time did not suffice for is left out and counted.

    Raises:
        OutOfTime: if not even the choice was solved in time.
    """
    watch.tell("making the builder's problem")
    problem = problem_of(build, attempt)
    if not problem.variables:
        return None
    watch.tell("solving the builder's choice again")
    solver = Solver(problem, watch)
    values = problem.values()
    found = solved(solver, values)
    if found is None:
        return None
    solution, logged_ms = found
    verdicts, unreached = _verdicts(solver, values, solution)
    network_io = NetworkIoSolver(solver, values, solution)
    io_linear = io_best = None
    io_unreached = False
    try:
        watch.tell("solving again with FP16 network inputs and outputs")
        io_linear = network_io.solved(linear_only=True)
        io_best = network_io.solved(linear_only=False)
    except OutOfTime:
        io_unreached = True
    return Analysis(
        choice=choice_of(problem, solution, logged_ms),
        verdicts=verdicts,
        io_linear=io_linear,
        io_best=io_best,
        unreached=unreached,
        io_unreached=io_unreached,
    )


def _verdicts(
    solver: Solver, values: Floats, solution: Solution
) -> tuple[tuple[LayerVerdict, ...], int]:
    """Of each layer that can compute in FP16 and another type; and how many time did not reach."""
    problem = solver.problem
    subjects = [
        (index, variable, variable.options[solution.options[index]].half)
        for index, variable in problem.layers
        if half_of(variable, solution.options[index]) is not None
        and len({option.half for option in variable.options}) == 2
    ]
    if not subjects:
        return (), 0
    verdicts: list[LayerVerdict] = []
    try:
        free = conversions_free(solver, values)
        solver.watch.tell("solving again with times as another build would measure them")
        again = decided_again(solver, values, solution)
        comparison = Comparison(problem, solution)
        other_ways = [
            (index, [option.half is not half for option in variable.options])
            for index, variable, half in subjects
        ]
        forced = solver.departures(values, solution, other_ways)
        for (index, variable, half), departure in zip(subjects, forced, strict=True):
            if len(verdicts) % _TOLD_EVERY == 0:
                number = f"{len(verdicts)} of {len(subjects)} layers"
                solver.watch.tell(f"solving again what each layer would cost: {number}")
            alternative = comparison.to(departure) if departure is not None else None
            verdicts.append(
                LayerVerdict(
                    layer=variable.node.layer.name,
                    half=half,
                    known=all(problem.terms[option.term].known for option in variable.options),
                    half_when_free=free is not None and variable.options[free.options[index]].half,
                    forced=alternative,
                    region=_region(alternative.flips) if alternative else None,
                    again=again[index],
                    decided_again=decided(again[index]),
                )
            )
    except OutOfTime:
        pass
    return _together(verdicts), len(subjects) - len(verdicts)


def _together(verdicts: Sequence[LayerVerdict]) -> tuple[LayerVerdict, ...]:
    """What flips together is decided again together: a region is as sure as its least sure layer."""
    least: dict[str, float] = {}
    for verdict in verdicts:
        if verdict.region is not None:
            least[verdict.region] = min(verdict.again, least.get(verdict.region, 1.0))
    return tuple(
        msgspec.structs.replace(
            verdict,
            again=least.get(verdict.region or "", verdict.again),
            decided_again=decided(least.get(verdict.region or "", verdict.again)),
        )
        for verdict in verdicts
    )


def _region(flips: tuple[str, ...]) -> str | None:
    if len(flips) < 2:
        return flips[0] if flips else None
    return f"{flips[0]} ... {flips[-1]} ({len(flips)} layers)"


def conversions_free(solver: Solver, values: Floats) -> Solution | None:
    """The solution if every conversion that is possible cost nothing."""
    free = values.copy()
    for index, term in enumerate(solver.problem.terms):
        if term.kind is TermKind.CONVERSION:
            free[index] = 0.0
    return solver.solve(free)


def decided_again(solver: Solver, values: Floats, solution: Solution) -> dict[int, float]:
    """By a layer's variable, the share of perturbed problems in which it keeps being FP16 or not."""
    import numpy as np

    problem = solver.problem
    layers = dict(problem.layers)
    as_now = {
        index: np.array(
            [
                half_of(variable, option) == half_of(variable, solution.options[index])
                for option in range(len(variable.options))
            ]
        )
        for index, variable in layers.items()
    }
    kept = dict.fromkeys(layers, 0)
    solvable = 0
    for totals, options in solver.minima(measured_again(problem, values)):
        possible = totals < np.inf
        solvable += int(possible.sum())
        for index, same in as_now.items():
            kept[index] += int((same[options[index]] & possible).sum())
    return {index: count / max(1, solvable) for index, count in kept.items()}
