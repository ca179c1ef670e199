"""The builder's optimisation problem, as its log prints it.

One variable for each layer (which format combination), a kernel's time for each value, and a
conversion's time wherever a tensor's writer and reader disagree. A tensor with several readers is
held in a format of its own, a variable too: one conversion into it serves them all. Every cost is a
*term* with the line that it was read from; tables hold indices of terms, so that "what if" means
other values of the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trtdoctor.readers.buildlog import (
    Attempt,
    Build,
    Candidate,
    EngineTensor,
    Outcome,
    TensorFormat,
)

from ..candidates import is_half
from .network import Network, Node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.int64]
else:
    Floats = Indices = Any

NOTHING = 0
IMPOSSIBLE = 1


class TermKind(str, Enum):
    """What a term is the time of."""

    NONE = "none"
    KERNEL = "kernel"
    CONVERSION = "conversion"


@dataclass(frozen=True)
class Term:
    """One cost in milliseconds and the line it stands on.

    ``known`` is false where the log prints no time for it and none of an identical text exists.
    """

    kind: TermKind
    ms: float
    line: int | None = None
    known: bool = True


@dataclass(frozen=True)
class Option:
    """One value of a layer's variable."""

    candidate: Candidate
    term: int

    @cached_property
    def half(self) -> bool:
        """Whether it computes on FP16 tensors."""
        return is_half(self.candidate)

    @cached_property
    def text(self) -> str:
        """Its formats in the log's own words."""
        return text_of(self.candidate)


def text_of(candidate: Candidate) -> str:
    """A combination in the log's own words."""
    inputs = ", ".join(form.text for form in candidate.inputs)
    return f"{inputs} -> {', '.join(form.text for form in candidate.outputs)}"


@dataclass(frozen=True)
class LayerVariable:
    """A layer and those of its candidates that can be chosen."""

    options: list[Option]
    node: Node


@dataclass(frozen=True)
class TensorVariable:
    """The formats that a tensor can be held in; ``seen`` is how the engine holds it."""

    options: list[Option]
    seen: EngineTensor | None


Variable = LayerVariable | TensorVariable


def holding(form: TensorFormat) -> Option:
    """The option of a tensor to be held in this format, which costs nothing by itself."""
    untimed = Candidate(line=0, inputs=(form,), outputs=(form,), outcome=Outcome.UNTIMED)
    return Option(untimed, NOTHING)


@dataclass(frozen=True)
class End:
    """One end of a link: a variable's port, or a fixed format (``variable`` is null).

    Ports of a layer are its inputs from 0 and its outputs from -1; a tensor is read at -1 and
    written at 0.
    """

    variable: int | None
    port: int = 0
    form: TensorFormat | None = None
    network: bool = False


@dataclass
class Link:
    """One conversion of a tensor, if need be. ``table`` holds terms, writer by reader.

    ``part`` means that the writer makes a part of a concatenation: the conversion is its own.
    """

    tensor: str
    writer: End
    reader: End
    dims: tuple[int, ...]
    table: Indices
    part: bool = False


@dataclass
class Problem:
    """Everything that is needed to solve, and to say where each number comes from."""

    build: Build
    attempt: Attempt
    network: Network
    terms: list[Term]
    variables: list[Variable]
    links: list[Link] = field(default_factory=list)
    unknown_terms: int = 0

    @property
    def layers(self) -> Iterator[tuple[int, LayerVariable]]:
        """The variables that are layers, each with its index, in engine order."""
        for index, variable in enumerate(self.variables):
            if isinstance(variable, LayerVariable):
                yield index, variable

    def layer(self, end: End) -> LayerVariable | None:
        """The layer at this end, or None where a tensor or a fixed format is."""
        variable = self.variables[end.variable] if end.variable is not None else None
        return variable if isinstance(variable, LayerVariable) else None

    def form(self, end: End, index: int) -> TensorFormat:
        """The format that an end takes with one option of its variable."""
        if end.variable is None:
            assert end.form is not None
            return end.form
        candidate = self.variables[end.variable].options[index].candidate
        return candidate.outputs[-end.port - 1] if end.port < 0 else candidate.inputs[end.port]

    def formats(self, end: End) -> list[TensorFormat]:
        """The formats that an end can take, in the order of its options."""
        count = 1 if end.variable is None else len(self.variables[end.variable].options)
        return [self.form(end, index) for index in range(count)]

    def table(
        self, writer: End, reader: End, cost: Callable[[TensorFormat, TensorFormat], int]
    ) -> Indices:
        """The terms of converting from each of the writer's formats to each of the reader's.

        Args:
            writer: where the tensor comes from.
            reader: where it goes.
            cost: the term of one conversion, asked once for each pair of formats.
        """
        import numpy as np

        rows, columns = self.formats(writer), self.formats(reader)
        known: dict[tuple[str, str], int] = {}
        table = np.empty((len(rows), len(columns)), dtype=np.int64)
        for i, source in enumerate(rows):
            for j, target in enumerate(columns):
                key = (source.text, target.text)
                if key not in known:
                    known[key] = cost(source, target)
                table[i, j] = known[key]
        return table

    def values(self) -> Floats:
        """The terms' times as an array."""
        import numpy as np

        return np.array([term.ms for term in self.terms])
