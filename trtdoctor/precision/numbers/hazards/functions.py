"""Softmax, activation functions, powers and exponentials: what grows, and what saturates harmlessly."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence, Evidence
from ....readers.onnxmodel import OnnxNode
from .net import LARGEST, OVERFLOWS, Net, constant

_EXP = log(LARGEST)
WITHIN_ONE = frozenset({"Sigmoid", "HardSigmoid", "Tanh", "Softmax", "Erf", "Sin", "Cos", "Sign"})
_NOT_NEGATIVE = frozenset(
    {"Softplus", "Exp", "Abs", "Relu", "ReduceSumSquare", "ReduceL2", "ReduceL1"}
)
_GELU = 0.044715
Found = tuple["Hazard | None", tuple[OnnxNode, ...]]


def softmaxes(net: Net) -> Iterator[Found]:
    """Softmax written out: an exponential divided by its own sum."""
    for node in net.floats():
        if node.op != "Exp":
            continue
        sums = [each for each, _ in net.readers(node.outputs[0]) if each.op == "ReduceSum"]
        if not sums:
            continue
        made = sums[0].outputs[0]
        quotients = [
            each
            for each, _ in net.readers(node.outputs[0])
            if each.op == "Div"
            and len(each.inputs) > 1
            and net.source(each.inputs[1]) == net.source(made)
        ]
        if not quotients:
            continue
        nodes = (node, sums[0], quotients[0])
        terms = net.extent(node.outputs[0], net.axes(sums[0]))
        shifted = _minus_maximum(net, node.inputs[0])
        total = net.largest(made)
        if (shifted and (terms is None or terms < OVERFLOWS)) or (
            total is not None and total < OVERFLOWS
        ):
            yield None, nodes
        else:
            yield _softmax(net, nodes, terms, total, shifted=shifted), nodes


def _softmax(
    net: Net, nodes: tuple[OnnxNode, ...], terms: int | None, total: float | None, *, shifted: bool
) -> Hazard:
    if shifted:
        what = f"A softmax over {terms:,} elements, written out: its sum passes 65504."
    else:
        what = (
            "A softmax, written out without taking the largest value away first: its exponentials "
            f"pass 65504 where a value passes {_EXP:.2f}, and the quotient is not a number."
        )
    return Hazard(
        kind=HazardKind.SOFTMAX,
        nodes=net.labels(list(nodes)),
        value=nodes[0].outputs[0],
        type=net.type_name(nodes[0]),
        what=what,
        effect=Effect.OVERFLOW,
        cure=Cure.KEEP,
        advice="Keep these nodes in FP32, or export again with the Softmax operator.",
        evidence=(*net.measured(nodes[0].inputs[0]), *net.measured(nodes[1].outputs[0])),
        confidence=Confidence.LIKELY if total is None else Confidence.CERTAIN,
    )


def activations(net: Net) -> Iterator[Found]:
    """GELU by Tanh and the sigmoid, written out: what overflows in them saturates as it should."""
    for node in net.floats():
        if node.op == "Tanh":
            cube = _cube_of_gelu(net, node.inputs[0])
            if cube:
                yield None, (*cube, node)
        elif node.op == "Exp":
            turned = net.maker(node.inputs[0])
            if turned is not None and turned.op == "Neg" and (tail := _one_over(net, node)):
                yield None, (turned, node, *tail)


def _cube_of_gelu(net: Net, name: str) -> tuple[OnnxNode, ...]:
    """The power nodes of x + 0.044715 x³ on the way up from a Tanh."""
    waiting, seen, scaled, found = [name], set[str](), False, []
    for _ in range(16):
        if not waiting:
            break
        at = waiting.pop()
        node = net.maker(at)
        if node is None or at in seen or node.op not in ("Mul", "Add", "Pow"):
            continue
        seen.add(at)
        operand = net.operand(node)
        scaled = scaled or (operand is not None and abs(operand[1] - _GELU) < 1e-4)
        if node.op == "Pow" or (node.op == "Mul" and operand is None):
            found.append(node)
        waiting += [each for each in node.inputs if each and not net.is_constant(each)]
    return tuple(found) if scaled else ()


def _one_over(net: Net, node: OnnxNode) -> tuple[OnnxNode, ...]:
    """The nodes of 1 / (1 + e) after an exponential e."""
    for added, _ in net.readers(node.outputs[0]):
        operand = net.operand(added)
        if added.op != "Add" or operand is None or operand[1] != 1:
            continue
        for last, read in net.readers(added.outputs[0]):
            below = last.op == "Div" and net.source(last.inputs[1]) == net.source(read)
            if last.op == "Reciprocal" or below:
                return (added, last)
    return ()


def exponentials(net: Net) -> Iterator[Found]:
    """Exp of what may pass 11.09."""
    for node in net.floats():
        if node.op != "Exp" or not node.inputs:
            continue
        upper = upper_bound(net, node.inputs[0])
        if upper is not None and upper <= _EXP:
            continue
        what = f"Exp passes 65504 where its operand passes {_EXP:.2f}."
        confidence = Confidence.POSSIBLE
        if upper is not None:
            what = f"Exp of values up to {upper:.4g}: passes 65504 from {_EXP:.2f} on."
            confidence = Confidence.CERTAIN
        yield (
            Hazard(
                kind=HazardKind.EXPONENTIAL,
                nodes=(node.label,),
                value=node.outputs[0],
                type=net.type_name(node),
                what=what,
                effect=Effect.OVERFLOW,
                cure=Cure.KEEP,
                advice="Keep it in FP32, unless its operand is known to stay below; "
                "measure with --inputs.",
                evidence=net.measured(node.inputs[0]),
                confidence=confidence,
            ),
            (node,),
        )


def powers(net: Net) -> Iterator[Found]:
    """Powers above one, and products of a value with itself."""
    for node in net.floats():
        exponent = _exponent(net, node)
        if exponent is None or exponent <= 1:
            continue
        source = node.inputs[0]
        within = net.maker(source)
        if within is not None and within.op in WITHIN_ONE:
            continue
        limit = LARGEST ** (1 / exponent)
        largest = net.largest(source)
        made = net.largest(node.outputs[0])
        if made is not None and made < OVERFLOWS:
            continue
        if made is None and largest is not None and largest < limit:
            continue
        name = f"x to the {exponent:g}"
        what = f"{node.op} ({name}) passes 65504 where its operand passes {limit:.4g}."
        confidence = Confidence.POSSIBLE
        if made is not None or largest is not None:
            what = f"{node.op} ({name}) of values up to {largest or 0:.4g} passes 65504 from "
            what += f"{limit:.4g} on."
            confidence = Confidence.CERTAIN
        evidence: tuple[Evidence, ...] = net.measured(source)
        if node.op == "Pow":
            evidence = (constant(node.inputs[1], exponent), *evidence)
        yield (
            Hazard(
                kind=HazardKind.POWER,
                nodes=(node.label,),
                value=node.outputs[0],
                type=net.type_name(node),
                what=what,
                effect=Effect.OVERFLOW,
                cure=Cure.KEEP,
                advice="Keep it in FP32, unless its operand is known to stay below; "
                "measure with --inputs.",
                evidence=evidence,
                confidence=confidence,
            ),
            (node,),
        )


def _exponent(net: Net, node: OnnxNode) -> float | None:
    if len(node.inputs) < 2:
        return None
    if node.op == "Pow":
        return net.number(node.inputs[1])
    if (
        node.op == "Mul"
        and node.inputs[0]
        and net.source(node.inputs[0]) == net.source(node.inputs[1])
    ):
        return 2.0
    return None


def _minus_maximum(net: Net, name: str) -> bool:
    node = net.maker(name)
    if node is None or node.op != "Sub" or len(node.inputs) < 2:
        return False
    taken = net.maker(node.inputs[1])
    return taken is not None and taken.op in ("ReduceMax", "Max", "TopK")


def upper_bound(net: Net, name: str) -> float | None:
    """What a value does not pass, as far as it was measured or its operator tells."""
    found = net.range(name)
    if found is not None:
        return found.maximum
    node = net.maker(name)
    if node is None:
        return net.number(name)
    if node.op in WITHIN_ONE:
        return 1.0
    if node.op == "LogSoftmax" or _minus_maximum(net, name):
        return 0.0
    if node.op == "Neg":
        inner = net.maker(node.inputs[0])
        if inner is not None and _not_negative(net, inner):
            return 0.0
    if node.op == "Mul":
        operand = net.operand(node)
        inner = net.maker(net.other(node, operand[0])) if operand else None
        turned = operand is not None and operand[1] <= 0
        if turned and inner is not None and _not_negative(net, inner):
            return 0.0
    if node.op in ("Clip", "Min"):
        told = [net.number(each) for each in node.inputs[1:] if each]
        limits = [value for value in told if value is not None]
        if node.op == "Clip" and len(node.inputs) < 3:
            limits = [float(v) for v in [node.numbers.get("max")] if isinstance(v, (int, float))]
        return max(limits) if limits else None
    return None


def _not_negative(net: Net, node: OnnxNode) -> bool:
    return node.op in _NOT_NEGATIVE or _exponent(net, node) in (2.0, 4.0)
