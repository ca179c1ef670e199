"""A model's nodes sorted into arithmetic and all else, and arithmetic of one kind joined to regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...model.cause import Cause
from ...model.engine import Precision, Role
from ...model.model_report import OtherNodes, Region, Work
from ...readers.onnxmodel import OnnxFacts
from ..graph import NodeType, node_types, operators
from .work import Workload

MOST_NAMED = 200
"""So many of a region's nodes are named in the report; all of them are counted."""


class Kind(NamedTuple):
    """What sets a compute node apart from its neighbours: the types it may get, and why."""

    precisions: tuple[Precision, ...]
    cause: Cause | None = None

    @property
    def words(self) -> str:
        """The types as shares are told by them."""
        return " or ".join(precision.value for precision in self.precisions)


@dataclass(frozen=True)
class Parts:
    """One model's nodes with their types and their work, each found once."""

    model: OnnxFacts
    nodes: tuple[NodeType, ...]
    others: OtherNodes
    work: Workload
    computing: tuple[int, ...]

    @property
    def compute(self) -> Iterable[tuple[int, NodeType]]:
        """The nodes of floating-point arithmetic, with their places in ``nodes``."""
        return ((place, self.nodes[place]) for place in self.computing)


def parts_of(model: OnnxFacts) -> Parts:
    """Sort a model's nodes; the first thing that every map needs."""
    nodes = tuple(node_types(model))
    sorted_ = [_kind(told, model) for told in nodes]
    counts = Counter(sorted_)
    return Parts(
        model=model,
        nodes=nodes,
        others=OtherNodes(
            movement=counts["movement"],
            constants=counts["constants"],
            integers=counts["integers"],
            conversions=counts["conversions"],
        ),
        work=Workload(model),
        computing=tuple(place for place, kind in enumerate(sorted_) if kind == "compute"),
    )


def regions(
    parts: Parts,
    kinds: dict[int, Kind],
    describe: Callable[[Kind, Sequence[int]], Region],
) -> tuple[Region, ...]:
    """Compute nodes of one kind that hang together, in the order of their first nodes.

    Args:
        parts: the model.
        kinds: for the place of each compute node, what sets it apart from its neighbours.
        describe: makes a region of a kind and the places of its nodes.
    """
    groups: dict[int, list[int]] = {}
    joined = _joined(parts, kinds)
    for place in kinds:
        groups.setdefault(joined.root(place), []).append(place)
    return tuple(describe(kinds[places[0]], places) for places in groups.values())


def described(parts: Parts, places: Sequence[int], kind: Kind) -> Region:
    """A region of these nodes, without what tells more of its cause."""
    nodes = [parts.nodes[place].node for place in places]
    operators_ = Counter(node.op for node in nodes)
    return Region(
        precisions=kind.precisions,
        cause=kind.cause,
        nodes=tuple(node.label for node in nodes[:MOST_NAMED]),
        operators=dict(operators_.most_common()),
        work=parts.work.of(places),
    )


class _Joined:
    """Sets of numbers that grow together."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def root(self, number: int) -> int:
        above = self._above
        root = number
        while (higher := above.get(root, root)) != root:
            root = higher
        while (higher := above.get(number, number)) != root:
            above[number] = root
            number = higher
        return root

    def join(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        if one != other:
            # The earlier stays, so that a region is found by its first node.
            self._above[max(one, other)] = min(one, other)


def _joined(parts: Parts, kinds: dict[int, Kind]) -> _Joined:
    """Neighbours of one kind joined, past what only moves data between them.

    A value carries the place of the compute node that made it, and a node that moves data hands it
    on; a Cast, a Q or a DQ does not. Nodes that read one value that nobody computes are no neighbours.
    """
    joined = _Joined()
    maker: dict[str, int] = {}
    for place, (node, role, _) in enumerate(parts.nodes):
        made = [maker[name] for name in node.inputs if name in maker]
        if place in kinds:
            for other in made:
                if kinds[other] == kinds[place]:
                    joined.join(other, place)
            maker.update(dict.fromkeys(node.outputs, place))
        elif role is Role.DATA_MOVEMENT and made and not _converts(node.op):
            for other in made[1:]:
                if kinds[other] == kinds[made[0]]:
                    joined.join(other, made[0])
            maker.update(dict.fromkeys(node.outputs, made[0]))
    return joined


def _converts(op: str) -> bool:
    return op in operators.CASTS or op in operators.QUANTIZERS or op in operators.DEQUANTIZERS


def _kind(told: NodeType, model: OnnxFacts) -> str:
    node, role, _ = told
    if role is Role.CONSTANT:
        return "constants"
    types = [model.types.get(name) for name in (*node.inputs, *node.outputs) if name]
    floating = any(kind in operators.FLOATING for kind in types)
    if role is Role.DATA_MOVEMENT:
        if _converts(node.op) and floating:
            return "conversions"
        return "movement" if floating or not all(types) else "integers"
    return "integers" if role is Role.SHAPE or _integral(told, model) else "compute"


def _integral(told: NodeType, model: OnnxFacts) -> bool:
    """Whether a node's operands and results are all known to be no floating ones."""
    types = [model.types.get(name) for name in (*told.node.inputs, *told.node.outputs) if name]
    return bool(types) and all(
        kind is not None and kind not in operators.FLOATING for kind in types
    )


def shares(found: Iterable[Region]) -> dict[str, Work]:
    """The work of all regions together, by their types."""
    works: dict[str, list[Work]] = {}
    for region in found:
        works.setdefault(Kind(region.precisions).words, []).append(region.work)
    return {words: total(several) for words, several in works.items()}


def total(works: Iterable[Work]) -> Work:
    """Several pieces of work as one; what is unknown of one is unknown of all."""
    works = tuple(works)
    flops, moved = [work.flops for work in works], [work.bytes for work in works]
    return Work(
        nodes=sum(work.nodes for work in works),
        flops=None if None in flops else sum(flop for flop in flops if flop is not None),
        bytes=None if None in moved else sum(part for part in moved if part is not None),
    )
