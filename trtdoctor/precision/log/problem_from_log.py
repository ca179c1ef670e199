"""Makes the problem of one attempt out of the log's facts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from trtdoctor.readers.buildlog import Attempt, Autotuning, Build, Candidate, Outcome

from .conversions import ConversionCosts
from .formats import linear, same_addresses, same_permuted
from .links_from_log import link
from .network import Node, network_of
from .problem import IMPOSSIBLE, NOTHING, LayerVariable, Option, Problem, Variable, text_of
from .renamed import renamed
from .terms import Terms


def problem_of(build: Build, attempt: Attempt) -> Problem:
    """Build the problem of one attempt."""
    network = network_of(build, attempt)
    costs = ConversionCosts(build, attempt, renamed(network, attempt))
    terms = Terms(costs)
    layers = _Layers(build, terms)
    variables: list[Variable] = []
    index: dict[int, int] = {}
    for position, node in enumerate(network.nodes):
        options = layers.options(node)
        if options:
            index[position] = len(variables)
            variables.append(LayerVariable(options, node))
    problem = Problem(build, attempt, network, terms.all, variables)
    link(problem, index, costs, terms)
    problem.unknown_terms = terms.unknown
    return problem


class _Layers:
    """What each layer can choose from, and what that costs."""

    def __init__(self, build: Build, terms: Terms) -> None:
        self._build = build
        self._terms = terms

    def options(self, node: Node) -> list[Option]:
        """The options of a layer that have a time; none where the log tells nothing of it."""
        if node.tuning is None:
            return self._moves(node)
        shape = (len(node.inputs), len(node.outputs))
        candidates = [c for c in node.tuning.candidates if (len(c.inputs), len(c.outputs)) == shape]
        alone = len(candidates) == 1
        priced = [(c, self._kernel(node, node.tuning, c, alone=alone)) for c in candidates]
        return [Option(candidate, term) for candidate, term in priced if term is not None]

    def _moves(self, node: Node) -> list[Option]:
        """Those of a layer that only converts: the conversions, free where nothing moves."""
        if node.moves is None:
            return []
        dims = node.layer.inputs[0].dims
        # What the engine runs moves its data in any format: copies into a concatenation, of a
        # network input that several layers read, and others.
        idle = node.layer.type == "NoOp"
        options: list[Option] = []
        for tried in node.moves.conversions:
            free = idle and same_addresses(tried.source, tried.target, dims)
            term = NOTHING if free else self._terms.conversion(tried)
            if term != IMPOSSIBLE:
                candidate = Candidate(
                    line=tried.line,
                    inputs=(tried.source,),
                    outputs=(tried.target,),
                    outcome=tried.outcome,
                )
                options.append(Option(candidate, term))
        return options

    def _kernel(
        self, node: Node, tuning: Autotuning, candidate: Candidate, *, alone: bool
    ) -> int | None:
        if node.layer.type == "Constant":
            # Its values lie in the engine in whatever format is wanted; running it takes no time.
            return NOTHING
        if node.layer.type == "NoOp" and _moves_nothing(node, candidate):
            return NOTHING
        best = candidate.best
        if candidate.outcome is Outcome.TIMED and best is not None and best.time_ms is not None:
            return self._terms.kernel(best.time_ms, best.line)
        if candidate.outcome is not Outcome.UNTIMED:
            return None
        found = self._same_text(node, tuning, candidate)
        if found is not None:
            return self._terms.kernel(*found)
        if alone:
            # The only combination is not timed; whatever it costs changes no choice.
            return NOTHING
        return self._terms.kernel(0.0, candidate.line, known=False)

    def _same_text(
        self, node: Node, tuning: Autotuning, candidate: Candidate
    ) -> tuple[float, int] | None:
        """The time of an identical candidate: TensorRT 8 prints none for what its cache holds.

        The nearest one before it counts, among layers with the very same candidates; one that the
        layer's own runner timed comes first. TensorRT's cache does not know the notes of formats,
        so one of the layer's own that differs in them alone counts next, and then that of the most
        similar layer before it: of two equal ones, one that writes a part of a concatenation has
        candidates beside those of the other.
        """
        text = text_of(candidate)
        nearest: tuple[float, int] | None = None
        for twin, ms, line in _timed(self._alike.get(_signature(tuning), []), tuning.line):
            if text_of(twin) != text:
                continue
            if node.layer.type in {timing.runner for timing in twin.timings}:
                return ms, line
            nearest = nearest or (ms, line)
        return nearest or self._same_layout(tuning, candidate)

    def _same_layout(self, tuning: Autotuning, candidate: Candidate) -> tuple[float, int] | None:
        wanted = _layouts(candidate)
        own = _timed([tuning], candidate.line)
        for twin, ms, line in (*own, *_timed(self._most_alike(tuning), tuning.line)):
            if _layouts(twin) == wanted:
                return ms, line
        return None

    def _most_alike(self, tuning: Autotuning) -> list[Autotuning]:
        """The layer before it, most alike, that has all candidates of this one that were cached."""
        own = {_layouts(candidate) for candidate in tuning.candidates}
        cached = {_layouts(c) for c in tuning.candidates if c.outcome is Outcome.UNTIMED}
        found = [
            (len(own & theirs), other.line, other)
            for others in self._alike.values()
            if cached <= (theirs := {_layouts(c) for c in others[0].candidates})
            for other in others
            if other.line < tuning.line
        ]
        return [max(found, key=lambda one: one[:2])[2]] if found else []

    @cached_property
    def _alike(self) -> dict[tuple[str, ...], list[Autotuning]]:
        found: dict[tuple[str, ...], list[Autotuning]] = {}
        for attempt in self._build.attempts:
            for tuning in attempt.layers:
                found.setdefault(_signature(tuning), []).append(tuning)
        return found


def _timed(layers: list[Autotuning], line: int) -> Iterator[tuple[Candidate, float, int]]:
    """The candidates before this line with their time and its line, nearest layer first."""
    for layer in sorted(layers, key=lambda one: -one.line):
        for candidate in layer.candidates:
            best = candidate.best
            if candidate.line < line and best is not None and best.time_ms is not None:
                yield candidate, best.time_ms, best.line


def _layouts(candidate: Candidate) -> tuple[str, ...]:
    return tuple(form.unmarked for form in (*candidate.inputs, *candidate.outputs))


def _signature(tuning: Autotuning) -> tuple[str, ...]:
    return tuple(text_of(candidate) for candidate in tuning.candidates)


def _moves_nothing(node: Node, candidate: Candidate) -> bool:
    """Whether a layer that the engine runs as NoOp can be one in this combination too.

    A reshape can in row-major formats; a permutation in any that keep each extent's stride.
    """
    forms = (*candidate.inputs, *candidate.outputs)
    if all(linear(form) for form in forms) and len({form.dtype for form in forms}) == 1:
        return True
    if len(candidate.inputs) != 1 or len(candidate.outputs) != 1:
        return False
    (before,), (after,) = node.layer.inputs, node.layer.outputs
    return same_permuted(candidate.inputs[0], before.dims, candidate.outputs[0], after.dims)
