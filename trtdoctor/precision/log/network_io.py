"""What FP16 network inputs and outputs would give: an estimate, for this log timed none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from trtdoctor.readers.buildlog import TensorFormat

from .analysis import Gain, NetworkFormat, NetworkIo
from .conversions import ConversionCosts
from .formats import linear, same_addresses
from .noise import measured_again
from .problem import (
    IMPOSSIBLE,
    NOTHING,
    End,
    Floats,
    Link,
    Problem,
    TensorVariable,
    Term,
    TermKind,
    holding,
)
from .renamed import renamed
from .solution import half_of
from .solver import Solution, Solver

# Nineteen in twenty builds lie between this share and the same from above.
_LOW = 0.025


class NetworkIoSolver:
    """Solves a problem again with FP16 network inputs and outputs.

    Args:
        solver: solves the problem as logged.
        values: milliseconds by term of that problem.
        solution: how it is solved.
    """

    def __init__(self, solver: Solver, values: Floats, solution: Solution) -> None:
        self._solver = solver
        self._values = values
        self._solution = solution

    def solved(self, *, linear_only: bool) -> NetworkIo | None:
        """The solution with FP16 network tensors, or None where no FP32 one is known.

        Args:
            linear_only: every such tensor is row-major FP16; else each takes the cheapest of its
                present format and the FP16 formats that TensorRT accepts for network tensors.

        Raises:
            OutOfTime: if time was over before.
        """
        problem = self._solver.problem
        edges = _float_edges(problem)
        if not edges:
            return None
        maker = _IoProblem(problem, self._costs)
        for tensor, output, present in edges:
            maker.open(tensor, output, present, linear_only=linear_only)
        changed = maker.problem
        other = Solver(changed, self._solver.watch)
        values = changed.values()
        found = other.solve(values)
        if found is None:
            return None
        formats = []
        for index, (tensor, output) in maker.opened.items():
            form = changed.variables[index].options[found.options[index]].candidate.outputs[0]
            layout = layout_of(form, maker.dims[tensor]) or "chw"
            formats.append(
                NetworkFormat(tensor=tensor, output=output, dtype=form.dtype, layout=layout)
            )
        if all(form.dtype != "Half" for form in formats):
            return None
        return NetworkIo(
            formats=tuple(formats),
            total_ms=found.total_ms,
            saved_ms=self._solution.total_ms - found.total_ms,
            half=tuple(
                variable.node.layer.name
                for index, variable in problem.layers
                if half_of(variable, found.options[index])
            ),
            sure=_falls_again(self._solver, other, values),
            gain=_gain(self._totals_again, other, values),
        )

    @cached_property
    def _costs(self) -> ConversionCosts:
        problem = self._solver.problem
        names = renamed(problem.network, problem.attempt)
        return ConversionCosts(problem.build, problem.attempt, names)

    @cached_property
    def _totals_again(self) -> list[float]:
        """The totals of other builds with the network tensors as they are."""
        problem = self._solver.problem
        return list(self._solver.totals(measured_again(problem, self._values, seed=1)))


def _float_edges(problem: Problem) -> list[tuple[str, bool, TensorFormat]]:
    """The FP32 network tensors: name, whether it is an output, and format; each once."""
    edges: dict[tuple[str, bool], TensorFormat] = {}
    for link in problem.links:
        for end, output in ((link.writer, False), (link.reader, True)):
            if end.network and end.form is not None and end.form.dtype == "Float":
                edges.setdefault((link.tensor, output), end.form)
    return [(tensor, output, form) for (tensor, output), form in edges.items()]


def _gain(before: list[float], after: Solver, values: Floats) -> Gain | None:
    """How far the total falls from one build to another, each with times of its own."""
    import numpy as np

    new = after.totals(measured_again(after.problem, values, seed=2))
    infinite = float("inf")
    saved = [a - b for a, b in zip(before, new, strict=True) if a < infinite and b < infinite]
    if not saved:
        return None
    low, high = np.quantile(saved, [_LOW, 1.0 - _LOW])
    return Gain(low_ms=float(low), high_ms=float(high))


def _falls_again(before: Solver, after: Solver, values: Floats) -> float:
    """The share of perturbed problems in which the second is cheaper; they share terms."""
    shared = len(before.problem.terms)
    old = before.totals(noisy[:shared] for noisy in measured_again(after.problem, values))
    new = after.totals(measured_again(after.problem, values))
    cheaper = [b < a < float("inf") for a, b in zip(old, new, strict=True)]
    return sum(cheaper) / len(cheaper)


def layout_of(form: TensorFormat, dims: tuple[int, ...]) -> str | None:
    """The name of a format that TensorRT accepts for network tensors, or None."""
    if form.note:
        return None
    if form.vector == 1:
        return "chw" if linear(form) else None
    if form.vector_axis != 1 or len(form.strides) not in (4, 5) or len(dims) != len(form.strides):
        return None
    last = form.strides[1] == 1
    if form.vector in (8, 16) and last:
        depth = "d" if len(form.strides) == 5 else ""
        return f"{depth}hwc{form.vector}" if (depth, form.vector) != ("d", 16) else None
    inner = 1
    for extent in dims[2:]:
        inner *= extent
    if form.vector in (2, 4, 16) and len(form.strides) == 4 and form.strides[1] == inner:
        return f"chw{form.vector}"
    return None


class _IoProblem:
    """The problem with network tensors as variables of their own."""

    def __init__(self, problem: Problem, costs: ConversionCosts) -> None:
        self._costs = costs
        self.opened: dict[int, tuple[str, bool]] = {}
        self.dims: dict[str, tuple[int, ...]] = {}
        self.problem = replace(
            problem,
            terms=list(problem.terms),
            variables=list(problem.variables),
            links=list(problem.links),
        )

    def open(self, tensor: str, output: bool, present: TensorFormat, *, linear_only: bool) -> None:
        """Let a network tensor, held in ``present``, take other formats."""
        problem = self.problem
        links = [index for index, link in enumerate(problem.links) if link.tensor == tensor]
        self.dims[tensor] = problem.links[links[0]].dims
        half = TensorFormat(
            text="Half" + present.text[len(present.dtype) :],
            dtype="Half",
            strides=present.strides,
            note=present.note,
        )
        forms = {half.text: half}
        if not linear_only:
            forms[present.text] = present
            for form in self._wanted(links, output=output):
                forms.setdefault(form.text, form)
        number = len(problem.variables)
        problem.variables.append(TensorVariable([holding(form) for form in forms.values()], None))
        self.opened[number] = (tensor, output)
        for index in links:
            link = problem.links[index]
            if link.writer.variable is None:
                self._relink(index, End(number, port=-1), link.reader, present)
            elif output and link.reader.variable is None:
                self._relink(index, link.writer, End(number, port=0), present)

    def _wanted(self, links: list[int], *, output: bool) -> Iterator[TensorFormat]:
        """The FP16 formats that layers at a network tensor offer and TensorRT accepts for it."""
        for index in links:
            link = self.problem.links[index]
            edge, layer = (link.reader, link.writer) if output else (link.writer, link.reader)
            if not edge.network:
                continue
            for form in self.problem.formats(layer):
                if form.dtype == "Half" and layout_of(form, link.dims):
                    yield form

    def _relink(self, index: int, writer: End, reader: End, present: TensorFormat) -> None:
        link = self.problem.links[index]
        into = self.problem.layer(reader) is None

        def cost(source: TensorFormat, target: TensorFormat) -> int:
            return self._cost(link, present, source, target, into=into)

        table = self.problem.table(writer, reader, cost)
        self.problem.links[index] = Link(link.tensor, writer, reader, link.dims, table, link.part)

    def _cost(
        self,
        link: Link,
        present: TensorFormat,
        source: TensorFormat,
        target: TensorFormat,
        *,
        into: bool,
    ) -> int:
        costs = self._costs
        if same_addresses(source, target, link.dims):
            return NOTHING
        tried = costs.tried(link.tensor, source, target, into=into)
        if tried is not None:
            ms, line = costs.time_of(tried, into=into)
            return IMPOSSIBLE if ms is None else self._term(ms, line, known=True)
        # What this log did not try: the same text for another tensor, else this tensor's nearest
        # one.
        near = (
            costs.timed(source, target, into=into)
            or costs.tried(link.tensor, present, target, into=into)
            or costs.tried(link.tensor, source, present, into=into)
        )
        if near is None:
            return self._term(costs.typical, None, known=False)
        ms, line = costs.time_of(near, into=into)
        return self._term(costs.typical if ms is None else ms, line, known=False)

    def _term(self, ms: float, line: int | None, *, known: bool) -> int:
        self.problem.terms.append(Term(TermKind.CONVERSION, ms, line, known))
        return len(self.problem.terms) - 1
