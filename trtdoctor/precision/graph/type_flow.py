"""Where a floating type enters an ONNX graph and where it leaves, for every value that has it.

One look along the graph's order tells of each value through which places its type came in (graph
inputs, Casts, constants), one look back through which it goes out. Constants that meet data of the
type are operands, no places of entry: they had to be of that type.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag

from ...model.base import Frozen
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from ..reasons import Place, PlaceKind
from . import operators

_MOST_PLACES = 8


class Way(IntFlag):
    """How a type enters or leaves."""

    NONE = 0
    CAST = 1
    """Through a Cast from or to another floating type of fewer bits."""
    CAST_BESIDE_ARITHMETIC = 2
    """The same, with arithmetic in that other type on its far side."""
    OTHER = 4
    """Through a graph input or output, a constant, or from another type."""
    FROM_THE_START = 8
    """Through a Cast of data that did not begin in the wide type."""
    SCALE = 16
    """Through a DequantizeLinear whose scale has the wide type, of data that need not have it."""


class Reach(Frozen, frozen=True, kw_only=True):
    """The places that a value's type comes from or goes to; ``more`` when not all are listed."""

    places: tuple[Place, ...] = ()
    more: bool = False
    ways: Way = Way.NONE


NOWHERE = Reach()


class Flow:
    """The ways of one type, or several that TensorRT computes alike, through a model."""

    def __init__(
        self, model: OnnxFacts, wide: frozenset[TensorType], narrow: frozenset[TensorType]
    ) -> None:
        self._model = model
        self._types = model.types
        self.wide = wide
        self._narrow = narrow
        self._given = {value.name for value in model.inputs}
        self._elements = {stored.name: stored.elements for stored in model.initializers}
        self._constants: dict[str, Place | None] = {}
        self._made: set[str] = set()
        self._scales: dict[Place, str] = {}
        self._native: set[str] = set()
        self._cast_up: set[str] = set()
        self._read: set[str] = set()
        self._entries: dict[str, Reach] = {}
        self._exits: dict[str, Reach] = {}
        self._along()
        self._back()

    def entries(self, node: OnnxNode) -> Reach:
        """Where the type comes from in which a node computes."""
        outputs = [self._entries[name] for name in node.outputs if name in self._entries]
        return _merged(outputs or [self._entries.get(name, NOWHERE) for name in node.inputs])

    def exits(self, node: OnnxNode) -> Reach:
        """Where it goes to; nowhere for a node whose result is no float."""
        return _merged(self._exits.get(name, NOWHERE) for name in node.outputs)

    def operands(self, node: OnnxNode) -> tuple[Place, ...]:
        """A node's own constants of the type that are more than one number, the largest first."""
        found = {
            name: place
            for name in node.inputs
            if (place := self._constants.get(name)) is not None and self._size(place) > 1
        }
        return tuple(sorted(found.values(), key=lambda place: -self._size(place)))

    def lifting(self, node: OnnxNode) -> tuple[Place, ...]:
        """A node's single numbers of the type, where all its data were cast up right before it."""
        numbers = {
            name: place
            for name in node.inputs
            if (place := self._constants.get(name)) is not None and self._elements.get(name) == 1
        }
        data = [name for name in node.inputs if name and name not in numbers]
        return tuple(numbers.values()) if data and self._cast_up.issuperset(data) else ()

    def is_constant(self, name: str) -> bool:
        """Whether a value is stored in the model, or follows from what is stored alone."""
        return name in self._constants

    def scale(self, place: Place) -> str | None:
        """The scale that gives a DequantizeLinear's result the type, where it alone does."""
        return self._scales.get(place)

    def _size(self, place: Place) -> int:
        # Of a constant node's tensor the number of elements is not known.
        return self._elements.get(place.name) or 0

    # Along the graph ------------------------------------------------------------------------------

    def _along(self) -> None:
        for stored in self._model.initializers:
            wide = stored.type in self.wide
            self._constants[stored.name] = (
                self._place(PlaceKind.INITIALIZER, stored.name, stored.type) if wide else None
            )
        for value in self._model.inputs:
            if value.type in self.wide:
                place = self._place(PlaceKind.INPUT, value.name, value.type)
                self._entries[value.name] = Reach(places=(place,), ways=Way.OTHER)
            elif value.type in self._narrow:
                self._native.add(value.name)
        for node in self._model.nodes:
            if operators.folds(node) and all(
                name in self._constants for name in node.inputs if name
            ):
                self._fold(node)
            else:
                self._follow(node)

    def _fold(self, node: OnnxNode) -> None:
        from_before = next(
            (p for name in node.inputs if (p := self._constants.get(name)) is not None), None
        )
        for name in node.outputs:
            kind = self._types.get(name)
            made_here = node.op in operators.CASTS or from_before is None
            what = PlaceKind.CAST if node.op in operators.CASTS else PlaceKind.NODE
            place = self._place(what, node.label, kind) if made_here else from_before
            self._constants[name] = place if kind in self.wide else None

    def _follow(self, node: OnnxNode) -> None:
        arithmetic = not operators.moves(node)
        passed = any(name in self._made for name in node.inputs)
        for name in node.outputs:
            kind = self._types.get(name)
            if kind in self._narrow:
                if arithmetic or passed:
                    self._made.add(name)
                if self._begins(node):
                    self._native.add(name)
            if kind in self.wide:
                self._entries[name] = self._entry(node, kind)
            elif node.op in operators.QUANTIZERS and name == node.outputs[0]:
                self._entries[name] = self._carried(node)

    def _begins(self, node: OnnxNode) -> bool:
        """Whether a node's narrow result owes nothing to arithmetic in the wide type."""
        data = [
            name
            for name in node.inputs
            if name not in self._constants
            and (name in self._entries or self._types.get(name) in self._narrow)
        ]
        if not data or any(name in self._native for name in data):
            return True
        return node.op in operators.CASTS and data[0] in self._given

    def _scaled(self, node: OnnxNode, kind: TensorType | None) -> Reach | None:
        """The result has its scale's type, unless data that began in the type are quantised."""
        if node.op not in operators.DEQUANTIZERS or len(node.inputs) < 2:
            return None
        if self._types.get(node.inputs[1]) not in self.wide:
            return None
        if Way.OTHER in self._entries.get(node.inputs[0], NOWHERE).ways:
            return None
        place = self._place(PlaceKind.NODE, node.label, kind)
        self._scales[place] = node.inputs[1]
        return Reach(places=(place,), ways=Way.SCALE)

    def _carried(self, node: OnnxNode) -> Reach:
        return _merged(self._entries.get(name, NOWHERE) for name in node.inputs)

    def _entry(self, node: OnnxNode, kind: TensorType | None) -> Reach:
        if node.op in operators.CASTS:
            before = self._types.get(node.inputs[0]) if node.inputs else None
            if before not in self.wide:
                ways = Way.OTHER
                if before in self._narrow:
                    ways = Way.CAST
                    self._cast_up.update(node.outputs)
                    if node.inputs[0] in self._made:
                        ways |= Way.CAST_BESIDE_ARITHMETIC
                    if node.inputs[0] in self._native:
                        ways |= Way.FROM_THE_START
                place = self._place(PlaceKind.CAST, node.label, kind)
                return Reach(places=(place,), ways=ways)
        scaled = self._scaled(node, kind)
        if scaled is not None:
            return scaled
        carried = self._carried(node)
        if carried.places:
            return carried
        stored = [p for name in node.inputs if (p := self._constants.get(name)) is not None]
        places = stored[:1] or [self._place(PlaceKind.NODE, node.label, kind)]
        return Reach(places=tuple(places), ways=Way.OTHER)

    # Back from the end ----------------------------------------------------------------------------

    def _back(self) -> None:
        given = {
            value.name: Reach(
                places=(self._place(PlaceKind.OUTPUT, value.name, value.type),), ways=Way.OTHER
            )
            for value in self._model.outputs
            if value.type in self.wide
        }
        self._exits.update(given)
        for node in reversed(self._model.nodes):
            arithmetic = not operators.moves(node)
            passed = any(name in self._read for name in node.outputs)
            after = self._leaving(node)
            for name in node.inputs:
                kind = self._types.get(name)
                if kind in self._narrow and (arithmetic or passed):
                    self._read.add(name)
                if name in self._entries and after is not NOWHERE:
                    self._exits[name] = _merged((self._exits.get(name, NOWHERE), after))

    def _leaving(self, node: OnnxNode) -> Reach:
        if node.op in operators.CASTS and node.outputs:
            kind = self._types.get(node.outputs[0])
            if kind in self._narrow:
                ways = Way.CAST
                if node.outputs[0] in self._read:
                    ways |= Way.CAST_BESIDE_ARITHMETIC
                place = self._place(PlaceKind.CAST, node.label, kind)
                return Reach(places=(place,), ways=ways)
        return _merged(self._exits.get(name, NOWHERE) for name in node.outputs)

    def _place(self, kind: PlaceKind, name: str, type_: TensorType | None) -> Place:
        return Place(kind=kind, name=name, type=type_.value if type_ else "unknown")


def surrounded(flow: Flow, node: OnnxNode) -> bool:
    """Whether a Cast up leads to a node and everything from it leads to a Cast down.

    Casts right at the network's inputs and outputs, with no arithmetic in the other type beyond
    them, surround the whole network: that is no island. Nor is arithmetic on data that began in
    FP32: there the FP16 parts that they pass through are the islands.
    """
    before, after = flow.entries(node), flow.exits(node)
    if Way.CAST not in before.ways or Way.CAST not in after.ways or Way.OTHER in after.ways:
        return False
    if Way.OTHER in before.ways and Way.FROM_THE_START not in before.ways:
        return False
    return Way.CAST_BESIDE_ARITHMETIC in before.ways | after.ways


def _merged(reaches: Iterable[Reach]) -> Reach:
    """All places together, each once; the very same object where there is one to merge."""
    several = list({id(reach): reach for reach in reaches if reach.ways}.values())
    if len(several) <= 1:
        return several[0] if several else NOWHERE
    places = dict.fromkeys(place for reach in several for place in reach.places)
    ways = Way.NONE
    for reach in several:
        ways |= reach.ways
    return Reach(
        places=tuple(places)[:_MOST_PLACES],
        more=len(places) > _MOST_PLACES or any(reach.more for reach in several),
        ways=ways,
    )
