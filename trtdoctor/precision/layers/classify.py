"""The type a layer computes in, from its tensors, its weights and its tactic together.

The inspector has no field for it. What is visible decides, with a confidence; where the sources
contradict each other that is said, and where only a fused region's edges can be seen the answer is
``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from trtdoctor.model.engine import IOTensor, Layer, LayerTensor, Precision, Role
from trtdoctor.model.report import Confidence

from . import kinds
from .roles import FLOATS, QUANTISED, role_of
from .tactics import TacticReading, read_tactic
from .tensor_types import tensor_types

_P = Precision
_C = Confidence
# Types whose presence explains a cast in a kernel's name without a second type of arithmetic.
_INTEGERS = frozenset({"INT32", "INT64", "BOOL", "UINT8"})
_KNOWN = {p.value for p in Precision} - {"mixed", "unknown"}

Answer = tuple[Precision, Confidence | None]


def classify_layers(
    layers: Iterable[Layer],
    *,
    io: Iterable[IOTensor] = (),
    tf32_possible: bool | None = None,
) -> tuple[Layer, ...]:
    """Sets role, precision, confidence and evidence of every layer.

    Args:
        layers: All layers of one engine: types that one layer does not tell are taken from others.
        io: The network's inputs and outputs, where known.
        tf32_possible: False where the engine cannot hold TF32 kernels (the builder's flag was
            cleared, or the GPU is older than Ampere); None where that is not known.
    """
    layers = tuple(layers)
    known = tensor_types(layers, io)
    return tuple(classify(layer, known=known, tf32_possible=tf32_possible) for layer in layers)


def classify(
    layer: Layer,
    *,
    known: Mapping[tuple[int, str], str] | None = None,
    tf32_possible: bool | None = None,
) -> Layer:
    """One layer with role, precision, confidence and evidence set.

    Args:
        layer: The layer.
        known: Tensor types by profile and name, see `tensor_types`.
        tf32_possible: See `classify_layers`.
    """
    role = role_of(layer)
    look = _Look(layer, known or {})
    if role is not Role.COMPUTE:
        answer = _carried(look)
    elif kinds.is_opaque(layer):
        answer = _opaque(look)
    elif kinds.is_plugin(layer):
        answer = _plugin(look)
    elif kinds.is_matrix(layer):
        answer = _matrix(look, tf32_possible)
    else:
        answer = _elementwise(look)
    precision, confidence = answer
    return msgspec.structs.replace(
        layer,
        role=role,
        precision=precision,
        precision_confidence=confidence,
        precision_evidence=tuple(look.evidence),
    )


class _Look:
    """What one layer shows, and the evidence collected on the way to an answer."""

    def __init__(self, layer: Layer, known: Mapping[tuple[int, str], str]) -> None:
        self.layer = layer
        self.evidence: list[str] = []
        self.inferred = False
        self.inputs = [self._type(t, known) for t in layer.inputs]
        self.outputs = [self._type(t, known) for t in layer.outputs]
        self.constants = [t.dtype for t in layer.constants if t.dtype in _KNOWN and _big(t)]
        weights = layer.weights
        self.weights = (
            _P(weights.dtype) if weights is not None and weights.dtype in _KNOWN else None
        )
        self.tactic: TacticReading = read_tactic(layer.tactic)
        if not layer.tactic:
            # Before TensorRT 8.4 a layer's type was its kernel: Layer(scudnn), Layer(h884cudnn).
            by_type = read_tactic(layer.type)
            if by_type.operand is not None:
                self.tactic = by_type

    def _type(self, tensor: LayerTensor, known: Mapping[tuple[int, str], str]) -> str | None:
        if tensor.dtype in _KNOWN:
            return tensor.dtype
        told = known.get((self.layer.profile, tensor.name))
        if told is not None and told in _KNOWN:
            self.inferred = True
            return told
        return None

    def say(self, *sentences: str) -> None:
        self.evidence.extend(sentences)

    def say_tensors(self) -> None:
        """Adds the types of inputs and outputs, each once."""
        source = " (from the layers around)" if self.inferred else ""
        for word, types in (("input", self.inputs), ("output", self.outputs)):
            if told := list(dict.fromkeys(t for t in types if t)):
                self.say(f"{word} {' and '.join(told)}{source}")
            elif types:
                self.say(f"{word} type unknown")


def _big(tensor: LayerTensor) -> bool:
    return tensor.shape is None or any(extent != 1 for extent in tensor.shape)


def _carried(look: _Look) -> Answer:
    """The type of data that a layer moves; ``mixed`` where it changes it."""
    look.say_tensors()
    types = _data({*look.inputs, *look.constants}) | _data(set(look.outputs))
    sure = _C.LIKELY if look.inferred else _C.CERTAIN
    if len(types) == 1 and None not in look.inputs[:1] + look.outputs[:1]:
        return _P(str(types.pop())), sure
    if len(types) > 1:
        return _P.MIXED, sure
    return _P.UNKNOWN, None


def _data(types: set[str | None]) -> set[str]:
    """Types of data, without those of the indices and extents that a layer reads beside it."""
    told = {t for t in types if t is not None}
    return told & (FLOATS | QUANTISED) or told


def _opaque(look: _Look) -> Answer:
    look.say("a fused region: its own entry shows only its edges")
    look.say_tensors()
    return _P.UNKNOWN, None


def _plugin(look: _Look) -> Answer:
    look.say("a plugin: only its tensors are visible, not what it computes in")
    look.say_tensors()
    types = {t for t in (*look.inputs, *look.outputs) if t is not None}
    floats = types & FLOATS
    if len(floats) == 1 and not types & QUANTISED:
        return _P(floats.pop()), _C.POSSIBLE
    if len(types) == 1:
        return _P(types.pop()), _C.POSSIBLE
    return (_P.MIXED if types else _P.UNKNOWN), (_C.POSSIBLE if types else None)


def _matrix(look: _Look, tf32_possible: bool | None) -> Answer:
    """Layers that multiply matrices: the operands' type is the layer's."""
    tactic, weights = look.tactic, look.weights
    data = next((_P(t) for t in look.inputs[:1] if t), None)
    if look.inferred and tactic.stored is not None:
        # The type was inferred from this very tactic: no second witness.
        data = None
    if weights is not None:
        look.say(f"weights {weights.value}")
    if data is not None or not look.inferred:
        look.say_tensors()
    if tactic.operand is not None:
        look.say(f"tactic {tactic.token}")
    if weights is not None and _widened(weights, data, tactic.operand):
        look.say(f"{weights.value} weights are widened before they are multiplied")
        weights = None
    votes = {
        "tactic": _as_stored(tactic),
        "weights": weights,
        "input": data,
    }
    told = {name: vote for name, vote in votes.items() if vote is not None}
    if not told:
        return _P.UNKNOWN, None
    if len(set(told.values())) > 1:
        return _contradiction(look, told)
    agreed = next(iter(told.values()))
    direct = len(told) - ("input" in told and look.inferred)
    sure = _C.CERTAIN if direct >= 2 else _C.LIKELY if direct else _C.POSSIBLE
    if tactic.operand is not None:
        if tactic.widened:
            look.say("16-bit operands multiplied by FP32 instructions")
            sure = _C.LIKELY
        return tactic.operand, sure
    if agreed is _P.FP32:
        return _P.FP32, _fp32_or_tf32(look, sure, tf32_possible)
    return agreed, sure


def _as_stored(tactic: TacticReading) -> Precision | None:
    """The tactic's claim in terms of tensors and weights: TF32 kernels read FP32."""
    if tactic.operand is _P.TF32:
        return _P.FP32
    return tactic.operand


def _widened(weights: Precision, data: Precision | None, operand: Precision | None) -> bool:
    """Whether narrow weights meet wider data: weight-only quantisation."""
    other = operand or data
    return weights.value in QUANTISED and other is not None and other.value in FLOATS | {"TF32"}


def _contradiction(look: _Look, told: Mapping[str, Precision]) -> Answer:
    names = ", ".join(f"{name} {vote.value}" for name, vote in told.items())
    look.say(f"the sources contradict each other: {names}")
    votes = list(told.values())
    for vote in set(votes):
        if votes.count(vote) == 2:
            operand = look.tactic.operand
            return (operand if operand is not None and told.get("tactic") is vote else vote), (
                _C.POSSIBLE
            )
    return _P.UNKNOWN, None


def _fp32_or_tf32(look: _Look, sure: Confidence, tf32_possible: bool | None) -> Confidence:
    """How sure FP32 is where no tactic's name tells it from TF32."""
    if tf32_possible is False:
        look.say("the engine holds no TF32 kernels")
        return sure
    if kinds.excludes_tf32(look.layer):
        return sure
    look.say("TF32 cannot be told apart: the tactic's name does not say")
    layer = look.layer
    stub = look.tactic.stub and (layer.tactic or kinds.is_generated(layer) or "_myl" in layer.name)
    return _C.LIKELY if stub and sure is not _C.POSSIBLE else _C.POSSIBLE


def _elementwise(look: _Look) -> Answer:
    """Everything else: one pass over the data, in the type of the data."""
    layer, tactic = look.layer, look.tactic
    look.say_tensors()
    if constants := list(dict.fromkeys(look.constants)):
        look.say(f"constants {' and '.join(map(str, constants))}")
    if tactic.operand is not None:
        look.say(f"tactic {tactic.token}")
    if kinds.is_generated(layer):
        return _generated(look)
    tensors = [t for t in (*look.inputs, *look.outputs) if t is not None]
    types = set(tensors)
    if look.weights is not None and not types:
        look.say(f"weights {look.weights.value}")
        types.add(look.weights.value)
    if not types:
        stored = _as_stored(tactic)
        return (stored, _C.LIKELY) if stored is not None else (_P.UNKNOWN, None)
    untold = any(t is None for t in (*look.inputs[:1], *look.outputs[:1]))
    sure = _C.LIKELY if look.inferred or untold else _C.CERTAIN
    answer = _of_types(look, types, sure)
    stored = _as_stored(tactic)
    if stored is not None and answer[0] not in (stored, _P.MIXED):
        look.say(f"the sources contradict each other: tactic {stored.value}")
        return _P.UNKNOWN, None
    return answer


def _of_types(look: _Look, types: set[str], sure: Confidence) -> Answer:
    floats, narrow = types & FLOATS, types & QUANTISED
    if len(floats) == 1:
        if narrow:
            look.say(f"{' and '.join(sorted(narrow))} is read or written through scales")
            return _P(floats.pop()), _C.LIKELY
        return _P(floats.pop()), sure
    if floats:
        return _P.MIXED, sure
    if narrow:
        return (_P(narrow.pop()), sure) if len(narrow) == 1 else (_P.MIXED, sure)
    if len(types) == 1:
        return _P(types.pop()), sure
    first = next((t for t in look.inputs if t), None)
    return (_P(first), _C.LIKELY) if first else (_P.MIXED, sure)


def _generated(look: _Look) -> Answer:
    """A kernel that Myelin generated; its name lists its operations, casts among them."""
    ops = kinds.operations(look.layer)
    before, after, casts = kinds.casts_at(ops)
    floats_in = {t for t in look.inputs if t in FLOATS}
    floats_out = {t for t in look.outputs if t in FLOATS}
    edges = floats_in | floats_out
    constants = {t for t in look.constants if t in FLOATS}
    types = {t for t in (*look.inputs, *look.outputs) if t is not None}
    if not types:
        return _P.UNKNOWN, None
    if not ops:
        look.say("the kernel's name does not name its operations")
        answer = _of_types(look, types, _C.POSSIBLE)
        return answer[0], _C.POSSIBLE
    if len(edges) == 2 and casts == 1 and before != after:
        side = floats_out if before else floats_in
        if len(side) == 1:
            look.say(f"cast {'before' if before else 'after'} the arithmetic")
            return _P(next(iter(side))), _C.LIKELY
    explained = types & (QUANTISED | _INTEGERS) or kinds.ROUNDING_OPS & set(ops)
    # One cast between equal types converts nothing; two can enclose arithmetic in another type.
    enclosing = casts > 1 or (casts == 1 and bool(constants - edges))
    if len(edges) == 1 and enclosing and not explained:
        if before and after and len(constants - edges) == 1:
            look.say("cast before and after the arithmetic")
            return _P((constants - edges).pop()), _C.LIKELY
        look.say("casts inside: part of it is computed in another type")
        return _P.MIXED, _C.LIKELY
    return _of_types(look, types, _C.LIKELY)[0], _C.LIKELY
