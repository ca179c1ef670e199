"""Sums of many terms: they pass FP16's range, or what is added is lost beside what is there."""

from __future__ import annotations

from collections.abc import Iterator

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence, Evidence
from ....readers.onnxmodel import OnnxNode
from .functions import WITHIN_ONE, Found
from .net import OVERFLOWS, WHOLE, Net

_SUMS = frozenset({"ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceProd"})
_RUNNING = frozenset({"CumSum", "CumProd"})
_FEW = 64
_LONG_PRODUCT = 16_384


def reductions(net: Net) -> Iterator[Found]:
    """Sums, products and running sums over many elements, or over none knows how many."""
    for node in net.floats():
        if (node.op not in _SUMS and node.op not in _RUNNING) or not node.inputs:
            continue
        terms = _terms(net, node)
        within = net.maker(node.inputs[0])
        bounded = within is not None and within.op in WITHIN_ONE
        made = net.largest(node.outputs[0])
        if node.op == "ReduceL2" and made is not None:
            made = made * made
        few = (
            terms is not None and terms <= _FEW and node.op not in ("ReduceSumSquare", "ReduceProd")
        )
        fits = bounded and terms is not None and terms <= WHOLE
        if (made is None and (few or fits)) or (
            made is not None and made < OVERFLOWS and terms is not None and terms <= WHOLE
        ):
            continue
        yield _hazard(net, node, terms, made), (node,)


def _terms(net: Net, node: OnnxNode) -> int | None:
    if node.op in _RUNNING:
        axis = net.model.values.get(net.source(node.inputs[1])) if len(node.inputs) > 1 else None
        return None if axis is None else net.extent(node.inputs[0], (int(axis[0]),))
    return net.extent(node.inputs[0], net.axes(node))


def _hazard(net: Net, node: OnnxNode, terms: int | None, made: float | None) -> Hazard:
    many = "an unknown number of" if terms is None else f"{terms:,}"
    squares = " the squares of" if node.op in ("ReduceSumSquare", "ReduceL2") else ""
    effect, confidence = Effect.OVERFLOW, Confidence.POSSIBLE
    if made is not None and made >= OVERFLOWS:
        confidence = Confidence.CERTAIN
        what = f"{node.op} adds up{squares} {many} elements to {made:.4g}, more than 65504."
    elif made is not None:
        effect = Effect.PRECISION
        what = (
            f"{node.op} adds up{squares} {many} elements; a sum in FP16 loses what is less than a "
            "2048th of it."
        )
    elif node.op in ("ReduceProd", "CumProd"):
        what = f"{node.op} multiplies {many} elements, whose product leaves FP16's range easily."
    else:
        average = "" if terms is None else f" where they average more than {OVERFLOWS / terms:.3g}"
        what = f"{node.op} adds up{squares} {many} elements and passes 65504{average}."
        if terms is not None and terms > WHOLE:
            what += " A running sum in FP16 also loses what is less than a 2048th of it."
    shape = net.model.shapes.get(node.inputs[0])
    told = "x".join("?" if e is None else str(e) for e in shape) if shape is not None else None
    return Hazard(
        kind=HazardKind.REDUCTION,
        nodes=(node.label,),
        value=node.outputs[0],
        type=net.type_name(node),
        what=what,
        effect=effect,
        cure=Cure.KEEP,
        advice="Keep it in FP32, unless its result is known to stay below; measure with --inputs.",
        evidence=(
            *((Evidence(source=f"shape of {node.inputs[0]}", value=told),) if told else ()),
            *net.measured(node.outputs[0]),
        ),
        confidence=confidence,
    )


def long_products(net: Net) -> Iterator[Found]:
    """Matrix products over very many elements; tensor cores add in FP32, but the result is FP16."""
    for node in net.floats():
        if node.op not in ("MatMul", "Gemm", "Conv"):
            continue
        terms = _depth(net, node)
        made = net.largest(node.outputs[0])
        if terms is None or terms < _LONG_PRODUCT or made is not None:
            # What was measured is told of every value.
            continue
        yield (
            Hazard(
                kind=HazardKind.PRODUCT,
                nodes=(node.label,),
                value=node.outputs[0],
                type=net.type_name(node),
                what=f"{node.op} adds up {terms:,} products and passes 65504 where they average more "
                f"than {OVERFLOWS / terms:.3g}.",
                effect=Effect.OVERFLOW,
                cure=Cure.KEEP,
                advice="Measure its result with --inputs, and keep it in FP32 if it leaves FP16's range.",
                evidence=(Evidence(source="shapes", value=f"{terms:,} products each"),),
                confidence=Confidence.POSSIBLE,
            ),
            (node,),
        )


def _depth(net: Net, node: OnnxNode) -> int | None:
    """How many products each element of the result is a sum of."""
    if len(node.inputs) < 2:
        return None
    shape = net.model.shapes.get(node.inputs[1])
    if node.op == "Conv":
        if shape is None or None in shape:
            return None
        depth = 1
        for extent in shape[1:]:
            depth *= extent or 1
        return depth
    if shape is None or not shape:
        return None
    if node.op == "Gemm":
        return shape[1] if node.numbers.get("transB") and len(shape) > 1 else shape[0]
    return shape[-2] if len(shape) > 1 else shape[0]
