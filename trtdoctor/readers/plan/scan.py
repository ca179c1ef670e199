"""Meaning in the order of a stream's items: tensors, layers, profiles, flags.

Classes are recognised by the shapes of their members, which have stayed while their numbers
changed. What a release does not write is simply not found. Observed in files of TensorRT 6.0 to
10.9 and TensorRT-RTX 1.4 to 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .stream import Item, Kind, TaggedStream

_KEPT = 32
_MOST_TENSORS = 100_000
_MOST_LAYERS = 100_000
_MOST_PROFILE_SHAPES = 100_000
_MOST_REFERENCES = 200_000
_MOST_DIMENSIONS = 16
_INTEGER_ARRAYS = (7, 9)

# Looked up for every item, which through the class would take as long as all else that is done.
_I32, _STRING, _ARRAY, _U32, _BLOB = Kind.I32, Kind.STRING, Kind.ARRAY, Kind.U32, Kind.BLOB
_CLOSE, _OPEN, _U64, _I64, _I8 = Kind.CLOSE, Kind.OPEN, Kind.U64, Kind.I64, Kind.I8

Triple = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_PLAIN_ELEMENTS = (1, 2, 3, 6, 7, 8, 9, 10, 11, 12)


@dataclass
class TensorRecord:
    """A tensor of the tensor table.

    Attributes:
        dtype: TensorRT's number of the data type.
        external: Whether it is an input or output of the network.
        output: For an external tensor whether it is an output.
        binding: For an external tensor its binding index.
    """

    name: str
    dtype: int
    external: bool
    shape: tuple[int, ...] | None = None
    output: bool | None = None
    binding: int | None = None


@dataclass
class Reference:
    """A layer's use of a tensor."""

    name: str
    extents: list[tuple[int, ...]] = field(default_factory=list)


@dataclass
class LayerRecord:
    """A layer, in the order of execution.

    Attributes:
        code: The number of its implementation; the numbers shift between releases.
        metadata: The ONNX nodes, as TensorRT 8.6 and later write them.
    """

    name: str
    code: int
    metadata: str | None
    inputs: list[Reference]
    outputs: list[Reference]


@dataclass
class MyelinPart:
    """A Myelin program: where it lies and after which layer's record it was found."""

    offset: int
    length: int
    layer: int


@dataclass
class NetworkFlags:
    """The class before the network's name: its leading number, its booleans, and how it began.

    Attributes:
        opened: Whether the class starts with the number. It does from 10.0 on, where the number is
            a refit mask; up to 8.6 the number is the largest batch size.
    """

    number: int
    booleans: tuple[bool, ...]
    opened: bool
    name: str


@dataclass
class _Group:
    expected: int
    references: list[Reference] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.references) >= self.expected


class EngineScan:
    """Takes the items of a stream one by one and keeps what it recognises.

    Attributes:
        head: The first scalar items, up to the end of the device record.
        weights: The blob of weights, where the stream has one of its own.
        verbosity: TensorRT's number of the profiling verbosity.
        pool: The arrays of characters and offsets of the key-value pool.
        overflow: Whether `run` stopped because there are too many layers or tensors.
    """

    def __init__(self, stream: TaggedStream) -> None:
        self._stream = stream
        self._recent: list[Item] = []
        self._tensor: TensorRecord | None = None
        self._groups: list[_Group] = []
        self._references = 0
        self._shapes: _ProfileTable | None = None
        self._profile_count = 0
        self._profiles: list[list[Triple | None]] = []
        self.overflow = False
        self.head: list[Item] = []
        self.weights: Item | None = None
        self.flags: NetworkFlags | None = None
        self.tensors: list[TensorRecord] = []
        self.layers: list[LayerRecord] = []
        self.myelin: list[MyelinPart] = []
        self.verbosity: int | None = None
        self.pool: tuple[Item, Item] | None = None

    @property
    def profiles(self) -> list[list[Triple | None]] | None:
        """For each profile, for each binding, its minimum, optimum and maximum.

        None for a binding that has none, and in place of all where their table was not seen whole.
        """
        whole = len(self._profiles) == self._profile_count > 0
        return self._profiles if whole else None

    def run(self) -> EngineScan:
        """Take every item of the stream."""
        take = self.take
        for item in self._stream:
            take(item)
            if self.overflow:
                break
        return self

    def take(self, item: Item) -> None:
        """Take the next item."""
        kind, recent = item.kind, self._recent
        if self.flags is None and len(self.head) < 48:
            self.head.append(item)
        if self._shapes is not None:
            self._profile_item(self._shapes, item)
        if kind is _I32:
            self._integer(item)
        elif kind is _STRING:
            self._string(item)
            self._stream.skim = self._skims()
        elif kind is _ARRAY:
            self._array(item)
            self._stream.skim = self._skims()
        elif kind is _U32:
            self._binding(item)
            self._stream.skim = self._skims()
        elif kind is _BLOB:
            self._blob(item)
        recent.append(item)
        if len(recent) > 8 * _KEPT:
            del recent[:-_KEPT]

    def _skims(self) -> bool:
        """Whether no item in the midst of scalars could be told anything by."""
        tensor = self._tensor
        return (
            self.flags is not None
            and self._shapes is None
            and (tensor is None or not tensor.external or tensor.binding is not None)
        )

    def _string(self, item: Item) -> None:
        recent = self._recent
        if self.flags is None:
            self.flags = _network_flags(recent, item.text)
        last = recent[-1] if recent else None
        if last is None:
            return
        if self._groups and not self._groups[-1].full:
            if last.kind in (_CLOSE, _ARRAY):
                self._groups[-1].references.append(Reference(item.text))
                self._references += 1
                self.overflow = self.overflow or self._references > _MOST_REFERENCES
        elif (
            last.kind is _ARRAY
            and last.element not in _PLAIN_ELEMENTS
            and last.value
            and len(recent) > 1
            and recent[-2].kind in (_U64, _I64)
            and recent[-2].value == last.value
        ):
            self._groups.append(_Group(int(last.value), [Reference(item.text)]))
            del self._groups[:-4]

    def _integer(self, item: Item) -> None:
        recent = self._recent
        if len(recent) < 3:
            return
        if recent[-1].kind is _OPEN:
            before = recent[-2]
            if (
                before.kind is _ARRAY
                and before.element == 7
                and before.value > 0
                and recent[-3].kind is _ARRAY
                and recent[-3].element == 7
                and recent[-3].value == before.value + 1
            ):
                self.verbosity = int(item.value)
        elif (
            len(recent) > 4
            and recent[-1].kind in (_U64, _I64)
            and recent[-2].kind is _I32
            and recent[-3].kind is _OPEN
            and recent[-4].kind is _STRING
        ):
            self._layer(int(recent[-2].value) & 0x7FFF_FFFF)

    def _layer(self, code: int) -> None:
        recent = self._recent
        groups, self._groups = self._groups[-2:], []
        if len(groups) != 2 or not all(group.full for group in groups):
            return
        name, metadata = recent[-4].text, None
        if recent[-5].kind is _STRING:
            name, metadata = recent[-5].text, name
        inputs, outputs = (group.references for group in groups)
        self.layers.append(LayerRecord(name, code, metadata, inputs, outputs))
        self.overflow = self.overflow or len(self.layers) > _MOST_LAYERS

    def _array(self, item: Item) -> None:
        recent = self._recent
        if not recent:
            return
        last = recent[-1]
        if item.element in _INTEGER_ARRAYS:
            if item.value == 8 and self._is_tensor(recent):
                self._new_tensor(recent)
            elif last.kind is _I32 and last.value == item.value <= _MOST_DIMENSIONS:
                self._extents(self._stream.integers(item))
            elif last.kind is _ARRAY and last.element in (12, 13):
                self.pool = (last, item)
        elif item.element in (2, 3):
            self._payload(item)
        elif item.element == 8 and last.kind is _ARRAY and last.element in (12, 13):
            self.pool = (last, item)
        elif item.element not in _PLAIN_ELEMENTS:
            if last.kind in (_U64, _I64) and last.value == item.value == 0:
                self._groups.append(_Group(0))
                del self._groups[:-4]
            elif item.value == 3 and len(recent) > 1:
                self._maybe_profile(recent)

    @staticmethod
    def _is_tensor(recent: list[Item]) -> bool:
        kinds = (_STRING, _OPEN, _I8, _OPEN, _I32, _I8)
        return tuple(item.kind for item in recent[-6:]) == kinds

    def _new_tensor(self, recent: list[Item]) -> None:
        if len(recent) < 8:
            return
        kind = recent[-8]
        external = kind.kind is _I32 and kind.value == 0
        self._tensor = TensorRecord(recent[-6].text, int(recent[-2].value), external)
        self.tensors.append(self._tensor)
        self.overflow = self.overflow or len(self.tensors) > _MOST_TENSORS

    def _extents(self, extents: tuple[int, ...]) -> None:
        if self._groups and self._groups[-1].references:
            reference = self._groups[-1].references[-1]
            if len(reference.extents) < 2:
                reference.extents.append(extents)
        elif self._tensor is not None and self._tensor.shape is None:
            self._tensor.shape = extents

    def _binding(self, item: Item) -> None:
        tensor, recent = self._tensor, self._recent
        if tensor is None or not tensor.external or tensor.binding is not None or not recent:
            return
        if tensor.shape is not None and recent[-1].kind is _I32 and recent[-1].value in (0, 1):
            tensor.binding = int(item.value)
            tensor.output = recent[-1].value == 1

    def _blob(self, item: Item) -> None:
        recent = self._recent
        if self.weights is None and self.flags is None and recent and recent[-1].kind is _OPEN:
            self.weights = item
        self._payload(item)

    def _payload(self, item: Item) -> None:
        if item.value >= 16 and len(self.myelin) < 4096:
            self.myelin.append(MyelinPart(item.data, int(item.value), len(self.layers) - 1))

    def _maybe_profile(self, recent: list[Item]) -> None:
        """Start a profile's table: an array of profiles, one of bindings, three shapes each."""
        before, bindings = recent[-2], recent[-1]
        if not _is_class_array(bindings):
            return
        if not self._profile_count and _is_class_array(before):
            self._profile_count = int(before.value)
        elif before.kind is not _CLOSE or len(self._profiles) >= self._profile_count:
            return
        if (len(self._profiles) + 1) * bindings.value * 3 <= _MOST_PROFILE_SHAPES:
            self._shapes = _ProfileTable(int(bindings.value))

    def _profile_item(self, table: _ProfileTable, item: Item) -> None:
        if item.kind is _I32:
            table.rank = int(item.value)
            if table.rank < 0:
                table.shapes.append(None)
        elif item.kind is _ARRAY and item.element in _INTEGER_ARRAYS:
            if item.value != table.rank or table.rank > _MOST_DIMENSIONS:
                self._drop_profiles()
                return
            table.shapes.append(self._stream.integers(item))
        elif item.kind not in (_CLOSE, _ARRAY):
            self._drop_profiles()
            return
        if len(table.shapes) >= 3 * table.binding_count:
            self._profiles.append(table.triples())
            self._shapes = None

    def _drop_profiles(self) -> None:
        self._shapes = None
        self._profiles.clear()
        self._profile_count = 0


@dataclass
class _ProfileTable:
    binding_count: int
    rank: int = -1
    shapes: list[tuple[int, ...] | None] = field(default_factory=list)

    def triples(self) -> list[Triple | None]:
        triples: list[Triple | None] = []
        for start in range(0, len(self.shapes) - 2, 3):
            low, best, high = self.shapes[start : start + 3]
            whole = low is not None and best is not None and high is not None
            triples.append((low or (), best or (), high or ()) if whole else None)
        return triples


def _is_class_array(item: Item) -> bool:
    return item.kind is _ARRAY and item.element not in _PLAIN_ELEMENTS and item.value > 0


def _network_flags(recent: list[Item], name: str) -> NetworkFlags | None:
    """Return the flags before the first string, which is the network's name."""
    at = len(recent) - 1
    while at >= 0 and recent[at].kind in (_I64, _U64, _I8):
        at -= 1
    if at >= 1 and recent[at].kind is _I32 and recent[at - 1].kind is _OPEN:
        at -= 2
    booleans: list[bool] = []
    while at >= 0 and recent[at].kind is Kind.BOOL:
        booleans.append(bool(recent[at].value))
        at -= 1
    if at < 1 or not booleans or recent[at].kind is not _I32:
        return None
    opened = recent[at - 1].kind is _OPEN
    return NetworkFlags(int(recent[at].value), tuple(reversed(booleans)), opened, name)
