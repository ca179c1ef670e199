"""Links the layers of a problem by their tensors: which conversions each tensor may need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trtdoctor.readers.buildlog import EngineTensor, TensorFormat

from .conversions import ConversionCosts
from .formats import agrees, linear, same_addresses
from .problem import IMPOSSIBLE, NOTHING, End, Link, Problem, TensorVariable, holding
from .terms import Terms


def link(problem: Problem, index: dict[int, int], costs: ConversionCosts, terms: Terms) -> None:
    """Add the links, and a variable for each tensor with a format of its own, to a problem.

    Args:
        problem: has its layers; links and tensors are added to it.
        index: the variable of each layer that has one, by its position in the network.
        costs: what conversions cost.
        terms: the problem's terms, which are added to.
    """
    linker = _Linker(problem, costs, terms)
    for tensor in _tensors(problem, index):
        linker.link(tensor)


@dataclass
class _Tensor:
    """A tensor with the ends of links at the layers that have a variable.

    ``written`` and ``read`` count all layers, those without a variable included.
    """

    name: str
    dims: tuple[int, ...]
    writers: list[End] = field(default_factory=list)
    readers: list[End] = field(default_factory=list)
    written: int = 0
    read: int = 0


def _tensors(problem: Problem, index: dict[int, int]) -> list[_Tensor]:
    found: dict[str, _Tensor] = {}
    for position, node in enumerate(problem.network.nodes):
        variable = index.get(position)
        for port, place in enumerate(node.outputs):
            tensor = found.setdefault(place.tensor, _Tensor(place.tensor, place.seen.dims))
            tensor.dims = place.seen.dims
            tensor.written += 1
            if variable is not None:
                tensor.writers.append(End(variable, port=-port - 1))
        for port, place in enumerate(node.inputs):
            tensor = found.setdefault(place.tensor, _Tensor(place.tensor, place.seen.dims))
            tensor.read += 1
            if variable is not None:
                tensor.readers.append(End(variable, port=port))
    return list(found.values())


class _Linker:
    def __init__(self, problem: Problem, costs: ConversionCosts, terms: Terms) -> None:
        self._problem = problem
        self._costs = costs
        self._terms = terms

    def link(self, tensor: _Tensor) -> None:
        sources = self._made(tensor) if tensor.written else self._given(tensor)
        for source in sources:
            for reader in tensor.readers:
                self._add(tensor, source, reader)

    def _given(self, tensor: _Tensor) -> list[End]:
        """Where readers get a network input from: the one format that it is held in."""
        fixed = self._costs.fixed_source(tensor.name)
        if fixed is None:
            fixed = self._edge(tensor, tensor.readers)
        return [] if fixed is None else [End(None, form=fixed, network=True)]

    def _made(self, tensor: _Tensor) -> list[End]:
        """Where readers get a tensor from that layers write.

        Several may write into one, where the builder took a concatenation away.
        """
        output = self._is_output(tensor)
        fixed = self._costs.fixed_target(tensor.name)
        if fixed is None and output:
            fixed = self._edge(tensor, tensor.writers)
        if fixed is not None and tensor.writers:
            # A network output is held in one format, and read from it.
            for writer in tensor.writers:
                self._add(tensor, writer, End(None, form=fixed, network=output))
            return [End(None, form=fixed)]
        several = tensor.read > 1 or (tensor.written > 1 and tensor.read > 0)
        if tensor.writers and (several or (tensor.read and self._costs.both_sides(tensor.name))):
            return [self._hold(tensor)]
        return tensor.writers

    def _is_output(self, tensor: _Tensor) -> bool:
        named = self._problem.build.outputs
        if named:
            return tensor.name in named
        return not tensor.read and not self._costs.free(tensor.name)

    def _hold(self, tensor: _Tensor) -> End:
        """Give a tensor that several layers read a format of its own.

        TensorRT 8.6 tries the conversions into such a tensor and, for each reader, those out of it;
        of a tensor with one reader it tries only those from its writer's formats to its reader's.
        """
        problem = self._problem
        ends = (*tensor.writers, *tensor.readers)
        offered = [form for end in ends for form in problem.formats(end)]
        forms = {form.text: form for form in (*offered, *self._costs.held_in(tensor.name))}
        number = len(problem.variables)
        options = [holding(form) for form in forms.values()]
        problem.variables.append(TensorVariable(options, problem.network.held.get(tensor.name)))
        for source in tensor.writers:
            self._add(tensor, source, End(number, port=0))
        return End(number, port=-1)

    def _edge(self, tensor: _Tensor, ends: list[End]) -> TensorFormat | None:
        """The format of a network tensor for which the log names no conversion.

        As the engine holds it, row-major unless that shows a vector. Where its layers offer no format
        of that type, it is row-major in that type; None where they offer only one format at all, of
        that type, or none that fits.
        """
        seen = self._problem.network.held.get(tensor.name)
        forms = {form.text: form for end in ends for form in self._problem.formats(end)}
        if seen is None or not forms:
            return None
        if seen.vector == 1 and all(form.dtype != seen.dtype for form in forms.values()):
            return _row_major(seen.dtype, forms.values())
        if len(forms) < 2:
            return None
        fitting = [
            form
            for form in forms.values()
            if agrees(form, seen.dtype, seen.vector) and (form.vector > 1 or linear(form))
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _add(self, tensor: _Tensor, writer: End, reader: End) -> None:
        into = self._problem.layer(reader) is None
        part = len(tensor.writers) > 1 and self._problem.layer(writer) is not None
        # A writer of several shows the extents of its part, a reader those of the whole.
        seen = self._seen(writer) if into else self._seen(reader)
        dims = tensor.dims if seen is None else seen.dims
        alone = self._converts(reader) or (into and self._converts(writer))
        unpriced: list[int] = []

        def cost(source: TensorFormat, target: TensorFormat) -> int:
            if alone and source.text != target.text:
                return untried()
            if same_addresses(source, target, dims) and not (
                part and source.text != target.text and not source.note
            ):
                return NOTHING
            found = self._costs.tried(tensor.name, source, target, into=into)
            return self._terms.conversion(found, into=into) if found else untried()

        def untried() -> int:
            return unpriced[0] if unpriced else IMPOSSIBLE

        table = self._problem.table(writer, reader, cost)
        added = Link(tensor.name, writer, reader, dims, table, part)
        if not self._possible(added):
            # The engine itself does this, so it can be done, for a price that the log does not hold.
            unpriced.append(self._terms.unpriced())
            added.table = self._problem.table(writer, reader, cost)
        self._problem.links.append(added)

    def _converts(self, end: End) -> bool:
        """Whether the layer at this end does nothing but convert.

        TensorRT puts no conversion before it, and tries none into the tensor that it writes: it
        has a time of its own for every pair of formats. Its readers may still convert.
        """
        layer = self._problem.layer(end)
        return layer is not None and layer.node.tuning is None

    def _possible(self, added: Link) -> bool:
        """Whether the table allows what the engine shows at the two ends."""
        rows, columns = self._as_seen(added.writer), self._as_seen(added.reader)
        return any(added.table[i, j] != IMPOSSIBLE for i in rows for j in columns)

    def _as_seen(self, end: End) -> list[int]:
        """The options of an end that agree with the engine."""
        seen = self._seen(end)
        return [
            place
            for place, form in enumerate(self._problem.formats(end))
            if seen is None or agrees(form, seen.dtype, seen.vector)
        ]

    def _seen(self, end: End) -> EngineTensor | None:
        if end.variable is None:
            return None
        variable = self._problem.variables[end.variable]
        if isinstance(variable, TensorVariable):
            return variable.seen
        if end.port < 0:
            return variable.node.outputs[-end.port - 1].seen
        return variable.node.inputs[end.port].seen


def _row_major(dtype: str, forms: Iterable[TensorFormat]) -> TensorFormat | None:
    """The row-major format of another type, laid as one of these is."""
    for form in forms:
        if linear(form) and not form.note:
            text = dtype + form.text.removeprefix(form.dtype)
            return TensorFormat(text=text, dtype=dtype, strides=form.strides)
    return None
