"""Makes the problem of one attempt out of the log's facts."""

from __future__ import annotations

from trtdoctor.readers.buildlog import (
    Attempt,
    Autotuning,
    Build,
    Candidate,
    Conversion,
    EngineTensor,
    Outcome,
    TensorFormat,
)

from .conversions import ConversionCosts
from .formats import agrees, linear, same_addresses
from .network import Node, network_of
from .problem import (
    IMPOSSIBLE,
    NOTHING,
    End,
    LayerVariable,
    Link,
    Option,
    Problem,
    TensorVariable,
    Term,
    TermKind,
    Variable,
    holding,
    text_of,
)


def problem_of(build: Build, attempt: Attempt) -> Problem:
    """Build the problem of one attempt."""
    return _Maker(build, attempt).make()


class _Maker:
    def __init__(self, build: Build, attempt: Attempt) -> None:
        self.build = build
        self.attempt = attempt
        self.network = network_of(build, attempt)
        self.terms = [
            Term(TermKind.NONE, 0.0),
            Term(TermKind.NONE, float("inf")),
        ]
        self._by_line: dict[tuple[TermKind, int], int] = {}
        self._unknown = 0
        self._twins: dict[tuple[str, ...], list[Autotuning]] = {}
        self._outputs: set[str] = set()
        self._costs = ConversionCosts(build, attempt)

    def make(self) -> Problem:
        variables: list[Variable] = []
        index: dict[int, int] = {}
        for position, node in enumerate(self.network.nodes):
            variable = self._variable(node)
            if variable is not None:
                index[position] = len(variables)
                variables.append(variable)
        problem = Problem(self.build, self.attempt, self.network, self.terms, variables)
        self._link(problem, index)
        problem.unknown_terms = self._unknown
        return problem

    def _term(self, kind: TermKind, ms: float, line: int | None, *, known: bool = True) -> int:
        if line is not None and known:
            key = (kind, line)
            if key in self._by_line and self.terms[self._by_line[key]].ms == ms:
                return self._by_line[key]
            self._by_line[key] = len(self.terms)
        if not known:
            self._unknown += 1
        self.terms.append(Term(kind, ms, line, known))
        return len(self.terms) - 1

    def _variable(self, node: Node) -> LayerVariable | None:
        tuning = node.tuning
        if tuning is None:
            return self._mover(node)
        shape = (len(node.inputs), len(node.outputs))
        candidates = [c for c in tuning.candidates if (len(c.inputs), len(c.outputs)) == shape]
        options: list[Option] = []
        dropped: list[Candidate] = []
        for candidate in candidates:
            term = self._kernel(node, candidate, alone=len(candidates) == 1)
            if term is None:
                dropped.append(candidate)
            else:
                options.append(Option(candidate, term))
        return LayerVariable(options, node, dropped) if options else None

    def _mover(self, node: Node) -> LayerVariable | None:
        """A layer that only converts: its options are the conversions, free where nothing moves."""
        if node.moves is None:
            return None
        options: list[Option] = []
        dropped: list[Candidate] = []
        dims = node.layer.inputs[0].dims
        for tried in node.moves.conversions:
            candidate = Candidate(
                line=tried.line,
                inputs=(tried.source,),
                outputs=(tried.target,),
                outcome=tried.outcome,
            )
            if same_addresses(tried.source, tried.target, dims):  # noqa: SIM108
                term = NOTHING
            else:
                term = self._timed(tried)
            if term == IMPOSSIBLE:
                dropped.append(candidate)
            else:
                options.append(Option(candidate, term))
        return LayerVariable(options, node, dropped) if options else None

    def _kernel(self, node: Node, candidate: Candidate, *, alone: bool) -> int | None:
        if node.layer.type == "NoOp" and _moves_nothing(candidate):
            return NOTHING
        best = candidate.best
        if candidate.outcome is Outcome.TIMED and best is not None and best.time_ms is not None:
            return self._term(TermKind.KERNEL, best.time_ms, best.line)
        if candidate.outcome is not Outcome.UNTIMED:
            return None
        found = self._same_text(node, candidate)
        if found is not None:
            return self._term(TermKind.KERNEL, *found)
        if alone:
            # The only combination is not timed; whatever it costs changes no choice.
            return NOTHING
        return self._term(TermKind.KERNEL, 0.0, candidate.line, known=False)

    def _same_text(self, node: Node, candidate: Candidate) -> tuple[float, int] | None:
        """The time of an identical candidate: TensorRT 8 prints none for what its cache holds.

        The nearest one before it counts, among layers with the very same candidates; one that the
        layer's own runner timed comes first.
        """
        tuning = node.tuning
        if tuning is None:
            return None
        if not self._twins:
            for attempt in self.build.attempts:
                for other in attempt.layers:
                    self._twins.setdefault(_signature(other), []).append(other)
        wanted = text_of(candidate)
        found: tuple[float, int] | None = None
        for other in reversed(self._twins.get(_signature(tuning), [])):
            if other.line >= tuning.line:
                continue
            for twin in other.candidates:
                best = twin.best
                if best is None or best.time_ms is None or text_of(twin) != wanted:
                    continue
                if node.layer.type in {timing.runner for timing in twin.timings}:
                    return best.time_ms, best.line
                found = found or (best.time_ms, best.line)
        return found

    # Links ---------------------------------------------------------------------------------------

    def _link(self, problem: Problem, index: dict[int, int]) -> None:
        writers: dict[str, list[tuple[int, int]]] = {}
        readers: dict[str, list[tuple[int, int]]] = {}
        dims: dict[str, tuple[int, ...]] = {}
        for position, node in enumerate(self.network.nodes):
            for port, place in enumerate(node.outputs):
                writers.setdefault(place.tensor, []).append((position, port))
                dims[place.tensor] = place.seen.dims
            for port, place in enumerate(node.inputs):
                readers.setdefault(place.tensor, []).append((position, port))
                dims.setdefault(place.tensor, place.seen.dims)
        unread = {t for t in writers.keys() - readers.keys() if not self._costs.free(t)}
        self._outputs = set(self.build.outputs) or unread
        for tensor in dims:
            self._link_tensor(problem, index, tensor, writers, readers, dims[tensor])

    def _link_tensor(
        self,
        problem: Problem,
        index: dict[int, int],
        tensor: str,
        writers: dict[str, list[tuple[int, int]]],
        readers: dict[str, list[tuple[int, int]]],
        dims: tuple[int, ...],
    ) -> None:
        # Several layers may write into one tensor, where the builder took a concatenation away.
        sources = [
            End(index[position], port=-port - 1)
            for position, port in writers.get(tensor, ())
            if position in index
        ]
        if tensor not in writers:
            fixed = self._costs.fixed_source(tensor)
            if fixed is None:
                ends = [End(index[p], port=port) for p, port in readers[tensor] if p in index]
                fixed = self._edge(problem, tensor, ends)
            sources = [End(None, form=fixed, network=True)] if fixed is not None else []
        else:
            fixed = self._costs.fixed_target(tensor)
            if fixed is None and tensor in self._outputs:
                fixed = self._edge(problem, tensor, sources)

            if fixed is not None and sources:
                # A network output is held in one format, and read from it.
                outside = End(None, form=fixed, network=tensor in self._outputs)
                for source in sources:
                    self._add(problem, tensor, source, outside, dims)
                sources = [End(None, form=fixed)]
            elif len(sources) == 1 and len(readers.get(tensor, ())) > 1:
                sources = [self._hold(problem, index, tensor, sources[0], readers[tensor], dims)]
        for source in sources:
            for position, port in readers.get(tensor, ()):
                if position in index:
                    self._add(problem, tensor, source, End(index[position], port=port), dims)

    def _hold(
        self,
        problem: Problem,
        index: dict[int, int],
        tensor: str,
        source: End,
        readers: list[tuple[int, int]],
        dims: tuple[int, ...],
    ) -> End:
        """Give a tensor that several layers read a format of its own.

        TensorRT 8.6 tries the conversions into such a tensor and, for each reader, those out of it;
        of a tensor with one reader it tries only those from its writer's formats to its reader's.
        """
        ends = [source, *(End(index[p], port=port) for p, port in readers if p in index)]
        offered = [form for end in ends for form in problem.formats(end) if form is not None]
        forms = {form.text: form for form in (*offered, *self._costs.held_in(tensor))}
        number = len(problem.variables)
        options = [holding(form) for form in forms.values()]
        problem.variables.append(TensorVariable(options, tensor, self.network.held.get(tensor)))
        self._add(problem, tensor, source, End(number, port=0), dims)
        return End(number, port=-1)

    def _edge(self, problem: Problem, tensor: str, ends: list[End]) -> TensorFormat | None:
        """The format of a network tensor for which the log names no conversion.

        As the engine holds it, row-major unless that shows a vector; None where its layers offer no
        such format, or only one format at all.
        """
        seen = self.network.held.get(tensor)
        forms = {
            form.text: form for end in ends for form in problem.formats(end) if form is not None
        }
        if seen is None or len(forms) < 2:
            return None
        fitting = [
            form
            for form in forms.values()
            if agrees(form, seen.dtype, seen.vector) and (form.vector > 1 or linear(form))
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _add(
        self, problem: Problem, tensor: str, writer: End, reader: End, dims: tuple[int, ...]
    ) -> None:
        into = problem.layer(reader) is None

        def cost(source: TensorFormat, target: TensorFormat) -> int:
            if same_addresses(source, target, dims):
                return NOTHING
            found = self._costs.tried(tensor, source, target, into=into)
            return IMPOSSIBLE if found is None else self._timed(found)

        table = problem.table(writer, reader, cost)
        link = Link(tensor, writer, reader, dims, table)
        if self._possible(problem, link):
            problem.links.append(link)
        else:
            # The engine itself does this, so it is possible, and the log does not hold its price.
            self._unknown += 1

    def _possible(self, problem: Problem, link: Link) -> bool:
        """Whether the table allows what the engine shows at the two ends."""
        rows, columns = (
            [
                place
                for place, form in enumerate(problem.formats(end))
                if form is None or seen is None or agrees(form, seen.dtype, seen.vector)
            ]
            for end, seen in (
                (link.writer, self._seen(problem, link.writer)),
                (link.reader, self._seen(problem, link.reader)),
            )
        )
        return any(link.table[i, j] != IMPOSSIBLE for i in rows for j in columns)

    def _seen(self, problem: Problem, end: End) -> EngineTensor | None:
        if end.variable is None:
            return None
        variable = problem.variables[end.variable]
        if isinstance(variable, TensorVariable):
            return variable.seen
        if not isinstance(variable, LayerVariable):
            return None
        if end.port < 0:
            return variable.node.outputs[-end.port - 1].seen
        return variable.node.inputs[end.port].seen

    def _timed(self, found: Conversion) -> int:
        ms, line = self._costs.time_of(found)
        if ms is None:
            if found.outcome in (Outcome.INFINITE, Outcome.NO_TACTICS):
                return IMPOSSIBLE
            return self._term(TermKind.CONVERSION, self._costs.typical(), found.line, known=False)
        return self._term(TermKind.CONVERSION, ms, line)


def _signature(tuning: Autotuning) -> tuple[str, ...]:
    return tuple(text_of(candidate) for candidate in tuning.candidates)


def _moves_nothing(candidate: Candidate) -> bool:
    """Whether a layer that the engine runs as NoOp can be one in this combination too."""
    forms = (*candidate.inputs, *candidate.outputs)
    return all(linear(form) for form in forms) and len({form.dtype for form in forms}) == 1
