"""Makes the problem of one attempt out of the log's facts."""

from __future__ import annotations

from trtdoctor.readers.buildlog import Attempt, Autotuning, Build, Candidate, Outcome

from .conversions import ConversionCosts
from .formats import linear, same_addresses, same_permuted
from .links_from_log import link
from .network import Node, network_of
from .problem import IMPOSSIBLE, NOTHING, LayerVariable, Option, Problem, Variable
from .renamed import renamed
from .terms import Terms
from .twins import Twins


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
        self._twins = Twins(build)
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
        # TensorRT 8 prints no time for what its cache holds.
        twins, kind = self._twins, node.layer.type
        found = twins.same_text(tuning, candidate, kind) or twins.same_layout(tuning, candidate)
        if found is not None:
            return self._terms.kernel(*found)
        if alone:
            # The only combination is not timed; whatever it costs changes no choice.
            return NOTHING
        return self._terms.kernel(0.0, candidate.line, known=False)


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
