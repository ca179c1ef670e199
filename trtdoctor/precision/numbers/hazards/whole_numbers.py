"""Floats that stand for whole numbers, times or places, of which FP16 loses digits."""

from __future__ import annotations

from collections.abc import Iterator

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence
from ....readers.onnxmodel import OnnxNode, TensorType
from ...graph import operators
from .functions import Found
from .net import WHOLE, Net, constant

_T = TensorType
_INTEGERS = frozenset(
    {_T.INT8, _T.INT16, _T.INT32, _T.INT64, _T.UINT8, _T.UINT16, _T.UINT32, _T.UINT64}
)
# 8-bit numbers fit FP16 whatever they are.
_LARGE_INTEGERS = _INTEGERS - {_T.INT8, _T.UINT8}
_SCALES = frozenset({"Add", "Sub", "Mul", "Div", "Min", "Max", "Clip", "Neg", "Abs"})
_ROUNDS = frozenset({"Floor", "Ceil", "Round", "Mod", "Equal", "ArgMax", "ArgMin"})
_WAVES = frozenset({"Sin", "Cos"})
_MOST_STEPS = 48
# The distance of two FP16 numbers here is a thirty-second: a wave's argument is off by 1 %.
_WAVE = 32.0


def whole_numbers(net: Net) -> Iterator[Found]:
    """Where integers become floats and, past arithmetic, integers or a wave's argument again."""
    for node in net.nodes:
        if not _begins(net, node):
            continue
        name = node.outputs[0]
        largest = net.largest(name)
        limit = largest if largest is not None else _limit(net, node)
        between, ends = _followed(net, name)
        if not ends:
            continue
        end = next((each for each in ends if each.op in _WAVES), ends[0])
        wave = end.op in _WAVES
        argument = net.largest(end.inputs[0]) if wave else None
        bounded = argument is not None and argument <= _WAVE
        if bounded or (not wave and limit is not None and limit <= WHOLE):
            continue
        nodes = [node, *between, *ends]
        yield _hazard(net, nodes, end, limit, argument, wave=wave), tuple(nodes)


def _begins(net: Net, node: OnnxNode) -> bool:
    """Whether a node makes floats of integers."""
    if not node.outputs or not node.inputs or not node.inputs[0]:
        return False
    types = net.model.types
    if types.get(node.outputs[0]) not in operators.FLOAT32 | {_T.FLOAT16}:
        return False
    if node.op == "Range":
        return True
    return (
        node.op in operators.CASTS
        and types.get(node.inputs[0]) in _LARGE_INTEGERS
        and not net.is_constant(node.inputs[0])
    )


def _limit(net: Net, node: OnnxNode) -> float | None:
    """How large the numbers become, by constants."""
    if node.op == "Range":
        ends = [net.number(name) for name in node.inputs[:2]]
    else:
        made = net.maker(node.inputs[0])
        ends = (
            [net.number(name) for name in made.inputs[:2]]
            if made and made.op == "Range"
            else [None]
        )
    return None if None in ends else max(abs(end) for end in ends if end is not None)


def _followed(net: Net, name: str) -> tuple[list[OnnxNode], list[OnnxNode]]:
    """The nodes on the way to where the numbers are used as such, and those that use them so."""
    waiting: list[tuple[str, tuple[OnnxNode, ...]]] = [(name, ())]
    seen: set[str] = set()
    between: dict[int, OnnxNode] = {}
    ends: dict[int, OnnxNode] = {}
    while waiting and len(seen) < _MOST_STEPS:
        at, way = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        for node in net.users.get(at, ()):
            if node.op in _WAVES or node.op in _ROUNDS or _becomes_integer(net, node):
                ends[id(node)] = node
                between.update((id(each), each) for each in way)
            elif node.op in operators.CASTS:
                continue
            elif node.op in _SCALES or operators.moves(node) or _positions(net, node):
                step = () if operators.moves(node) else (node,)
                waiting += [(made, (*way, *step)) for made in node.outputs if made]
    return list(between.values()), list(ends.values())


def _becomes_integer(net: Net, node: OnnxNode) -> bool:
    made = net.model.types.get(node.outputs[0]) if node.outputs else None
    return node.op in operators.CASTS and made in _INTEGERS


def _positions(net: Net, node: OnnxNode) -> bool:
    """Positions times frequencies, as rotary embeddings write them: a product over one element."""
    if node.op not in ("MatMul", "Einsum"):
        return False
    shape = net.model.shapes.get(node.inputs[-1] if node.inputs else "")
    return node.op == "Einsum" or (shape is not None and 1 in shape[-2:])


def _hazard(
    net: Net,
    nodes: list[OnnxNode],
    end: OnnxNode,
    limit: float | None,
    argument: float | None,
    *,
    wave: bool,
) -> Hazard:
    node = nodes[0]
    passed = limit is not None and limit > WHOLE
    evidence = [*net.measured(node.outputs[0]), *net.measured(end.inputs[0])]
    limits = node.inputs[1:2] if node.op == "Range" else ()
    evidence += [constant(name, stop) for name in limits if (stop := net.number(name)) is not None]
    if wave:
        what = (
            f"Positions or times become the argument of {end.op}: FP16's steps grow to a whole number "
            "at 1024, which shifts the phase."
        )
        confidence = Confidence.CERTAIN if argument is not None else Confidence.LIKELY
    else:
        what = f"Whole numbers are computed as floats and used as such ({end.op}): above 2048 FP16 "
        what += "skips some."
        confidence = Confidence.CERTAIN if passed else Confidence.POSSIBLE
    kind = net.model.types[node.outputs[0]]
    return Hazard(
        kind=HazardKind.POSITIONS if wave else HazardKind.INTEGERS,
        nodes=net.labels(nodes),
        value=node.outputs[0],
        type=kind.value,
        what=what,
        effect=Effect.PRECISION if wave else Effect.LOST_INTEGER,
        cure=Cure.KEEP,
        advice="Keep these nodes in FP32; they are small.",
        evidence=tuple(evidence),
        confidence=confidence,
    )


def boxes(net: Net) -> Iterator[Found]:
    """Coordinates that reach NonMaxSuppression, which ONNX defines for FLOAT alone."""
    for node in net.nodes:
        if node.op != "NonMaxSuppression" or not node.inputs:
            continue
        largest = net.largest(node.inputs[0])
        if largest is not None and largest <= WHOLE / 4:
            continue
        told = "" if largest is None else f", and they reach {largest:.4g} here"
        yield (
            Hazard(
                kind=HazardKind.BOXES,
                nodes=(node.label,),
                value=node.inputs[0],
                what="Box coordinates in FP16 are half a pixel apart above 512 and a whole one above "
                f"1024{told}.",
                effect=Effect.PRECISION,
                cure=Cure.KEEP,
                advice="Keep the nodes that scale boxes to pixels in FP32, next to NonMaxSuppression, "
                "which is FP32 by ONNX's standard.",
                evidence=net.measured(node.inputs[0]),
                confidence=Confidence.POSSIBLE if largest is None else Confidence.LIKELY,
            ),
            (),
        )
