"""A solution in the log's own words, and the difference between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..candidates import touches_floats
from .analysis import Alternative, Change, Choice, SolvedConversion, SolvedLayer
from .departures import Departure
from .formats import agrees, same_addresses
from .network import plain
from .problem import (
    Floats,
    LayerVariable,
    Link,
    Option,
    Problem,
    TensorVariable,
)
from .solver import Solution, Solver

# The place of a conversion: tensor, layer, whether it goes into the layer, and its port.
_Place = tuple[str, str, bool, int]

# Sums of the same numbers in another order differ by less.
ROUNDING_MS = 1e-9


def half_of(variable: LayerVariable, option: int) -> bool | None:
    """Whether the layer computes in FP16 with this option; None where it has no floating tensor."""
    candidate = variable.options[option].candidate
    if not touches_floats(candidate):
        return None
    return variable.options[option].half


def follows_engine(variable: LayerVariable, option: Option) -> tuple[bool, bool]:
    """Whether an option has the types, and the vector widths, that the engine shows."""
    candidate, layer = option.candidate, variable.node.layer
    pairs = [
        *zip(candidate.inputs, layer.inputs, strict=True),
        *zip(candidate.outputs, layer.outputs, strict=True),
    ]
    return (
        all(form.dtype == tensor.dtype for form, tensor in pairs),
        all(agrees(form, tensor.dtype, tensor.vector) for form, tensor in pairs),
    )


def solved(solver: Solver, values: Floats) -> tuple[Solution, float | None] | None:
    """The solution, the log's own where that is one of the cheapest, and what the log's own costs."""
    problem = solver.problem
    best = solver.solve(values)
    if best is None:
        return None
    own = {
        index: [follows_engine(variable, option)[1] for option in variable.options]
        for index, variable in problem.layers
    }
    possible = all(any(mask) for mask in own.values())
    logged = solver.solve(values, allowed=own | _held(problem)) if possible else None
    if logged is None:
        return best, None
    if logged.total_ms > best.total_ms + ROUNDING_MS:
        return best, logged.total_ms
    return logged, logged.total_ms


def _held(problem: Problem) -> dict[int, list[bool]]:
    """For each tensor with a format of its own, which of its options the engine shows."""
    masks: dict[int, list[bool]] = {}
    for index, variable in enumerate(problem.variables):
        if isinstance(variable, TensorVariable) and variable.seen is not None:
            seen = variable.seen
            forms = [option.candidate.outputs[0] for option in variable.options]
            masks[index] = [agrees(form, seen.dtype, seen.vector) for form in forms]
    return {index: mask for index, mask in masks.items() if any(mask)}


def layers_of(problem: Problem, solution: Solution) -> tuple[SolvedLayer, ...]:
    """The solution's layers in engine order."""
    found: list[SolvedLayer] = []
    for place, variable in problem.layers:
        index = solution.options[place]
        option = variable.options[index]
        term = problem.terms[option.term]
        best = option.candidate.best
        same_type, same_vector = follows_engine(variable, option)
        found.append(
            SolvedLayer(
                name=variable.node.layer.name,
                half=half_of(variable, index),
                kernel=best.kernel if best else None,
                time_ms=term.ms,
                line=term.line,
                candidate_line=option.candidate.line,
                same_type=same_type,
                same_vector=same_vector,
            )
        )
    return tuple(found)


def conversions_of(
    problem: Problem,
    options: Mapping[int, int] | tuple[int, ...],
    links: Iterable[Link] | None = None,
) -> tuple[SolvedConversion, ...]:
    """The conversions that options of the variables make, those that copy nothing included.

    Args:
        problem: the problem.
        options: by variable; of all of them, or of those that the links connect.
        links: only those of these links; without it, of all.
    """
    found: list[SolvedConversion] = []
    for link in problem.links if links is None else links:
        row, column = (
            0 if end.variable is None else options[end.variable]
            for end in (link.writer, link.reader)
        )
        source = problem.form(link.writer, row)
        target = problem.form(link.reader, column)
        if source.text == target.text:
            continue
        place = _place_of(problem, link)
        if place is None:
            continue
        term = problem.terms[int(link.table[row, column])]
        tensor, layer, into, port = place
        found.append(
            SolvedConversion(
                tensor=tensor,
                layer=layer,
                into=into,
                port=port,
                source=source.text,
                target=target.text,
                time_ms=term.ms,
                line=term.line,
                moves=not same_addresses(source, target, link.dims),
                known=term.known,
            )
        )
    return tuple(found)


def _place_of(problem: Problem, link: Link) -> _Place | None:
    """Where a link's conversion stands: tensor, layer, whether it goes into it, and its port."""
    reader = None if link.part else problem.layer(link.reader)
    layer, end = (
        (problem.layer(link.writer), link.writer) if reader is None else (reader, link.reader)
    )
    if layer is None:
        return None
    into = reader is not None
    return link.tensor, layer.node.layer.name, into, end.port if into else -end.port - 1


def choice_of(problem: Problem, solution: Solution, logged_ms: float | None) -> Choice:
    """The comparison with the log."""
    layers = layers_of(problem, solution)
    converted = conversions_of(problem, solution.options)
    idle = {
        plain(layer.name).replace("Reformatting CopyNode for ", "Reformatted ")
        for layer in problem.build.layers
        if layer.type == "NoOp"
    }
    wanted = {(added.name, added.source.text, added.target.text) for added in problem.attempt.added}
    mine = {
        (
            f"Reformatted {'Input' if c.into else 'Output'} Tensor {c.port} to {c.layer}",
            c.source,
            c.target,
        ): c
        for c in converted
    }
    # What the engine runs as NoOp copies nothing, so a plan without it is the same plan.
    matched = sum(1 for key in wanted if key in mine or key[0] in idle)
    # The builder lists no conversion that it could do without, and one that moves nothing, though
    # it has a price, is left out of the engine: neither is a difference.
    extra = sum(1 for key, c in mine.items() if key not in wanted and c.time_ms > 0.0 and c.moves)
    typed = sum(layer.same_type for layer in layers)
    there = {layer.name for layer in layers}
    untimed = tuple(
        node.layer.name
        for node in problem.network.nodes
        if node.layer.inputs and node.layer.name not in there
    )

    return Choice(
        profile=problem.attempt.profile,
        reproduced=bool(layers) and typed == len(layers) and matched == len(wanted) and not extra,
        layers=(typed, len(layers)),
        vectors=(sum(layer.same_vector for layer in layers), len(layers)),
        conversions=(matched, len(wanted)),
        extra_conversions=extra,
        plan_ms=solution.total_ms,
        logged_ms=logged_ms,
        unknown_terms=problem.unknown_terms,
        untimed_layers=untimed,
        solved_layers=layers,
        converted=converted,
    )


class Comparison:
    """What other solutions cost more than one, and where; looks only at what differs."""

    def __init__(self, problem: Problem, before: Solution) -> None:
        self._problem = problem
        self._before = before
        self._layers = dict(problem.layers)
        self._of_variable: dict[int, set[_Place]] = {}
        self._links: dict[_Place, list[int]] = {}
        for number, link in enumerate(problem.links):
            place = _place_of(problem, link)
            if place is None:
                continue
            self._links.setdefault(place, []).append(number)
            for end in (link.writer, link.reader):
                if end.variable is not None:
                    self._of_variable.setdefault(end.variable, set()).add(place)
        self._doubtful = {_key(c) for c in conversions_of(problem, before.options) if not c.known}

    def to(self, departure: Departure) -> Alternative:
        """The comparison with a solution that differs so."""
        problem, options = self._problem, self._before.options
        changes: list[Change] = []
        flips: list[str] = []
        known = True
        kernels = conversions = 0.0
        for index in sorted(departure.options.keys() & self._layers.keys()):
            variable = self._layers[index]
            first, second = options[index], departure.options[index]
            old, new = variable.options[first], variable.options[second]
            if half_of(variable, first) != half_of(variable, second):
                flips.append(variable.node.layer.name)
            terms = problem.terms[old.term], problem.terms[new.term]
            known = known and terms[0].known and terms[1].known
            moves = variable.node.tuning is None
            if moves:
                conversions += terms[1].ms - terms[0].ms
            else:
                kernels += terms[1].ms - terms[0].ms
            changes.append(
                Change(
                    what=variable.node.layer.name,
                    before=old.text,
                    before_ms=terms[0].ms,
                    before_line=terms[0].line,
                    after=new.text,
                    after_ms=terms[1].ms,
                    after_line=terms[1].line,
                    conversion=moves,
                )
            )
        touched = {p for index in departure.options for p in self._of_variable.get(index, ())}
        links = [problem.links[n] for n in sorted(n for p in touched for n in self._links[p])]
        ends = {end.variable for link in links for end in (link.writer, link.reader)}
        after = {v: departure.options.get(v, options[v]) for v in ends if v is not None}
        old_conversions = {_key(c): c for c in conversions_of(problem, options, links)}
        new_conversions = {_key(c): c for c in conversions_of(problem, after, links)}
        for key in {**old_conversions, **new_conversions}:
            was, now = old_conversions.get(key), new_conversions.get(key)
            pair = (
                (was.source, was.target) if was else None,
                (now.source, now.target) if now else None,
            )
            if pair[0] == pair[1] or not ((was and was.time_ms) or (now and now.time_ms)):
                continue
            conversions += (now.time_ms if now else 0.0) - (was.time_ms if was else 0.0)
            changes.append(
                Change(
                    what=key[0],
                    before=f"{was.source} -> {was.target}" if was else None,
                    before_ms=was.time_ms if was else None,
                    before_line=was.line if was else None,
                    after=f"{now.source} -> {now.target}" if now else None,
                    after_ms=now.time_ms if now else None,
                    after_line=now.line if now else None,
                    conversion=True,
                )
            )
        return Alternative(
            total_ms=self._before.total_ms + departure.more_ms,
            margin_ms=departure.more_ms,
            kernels_ms=kernels,
            conversions_ms=conversions,
            flips=tuple(flips),
            changes=tuple(changes),
            known=known
            and self._doubtful <= touched
            and all(c.known for c in new_conversions.values()),
        )


def _key(conversion: SolvedConversion) -> _Place:
    return conversion.tensor, conversion.layer, conversion.into, conversion.port
