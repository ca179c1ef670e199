"""Normalisations that are written out: a root of a mean or sum of squares, and what it divides.

However an exporter wrote it: Pow or Mul, ReduceMean with axes as attribute or input, ReduceSum and a
division, Sqrt and Div, Reciprocal, Pow by -0.5, epsilon before or after the root, as Add, Max or Clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence, Evidence
from ....readers.onnxmodel import OnnxNode
from .constants import elsewhere
from .net import LARGEST, OVERFLOWS, VANISHES, Net, constant

_MEANS = frozenset({"ReduceMean", "AveragePool", "GlobalAveragePool"})
_SUMS = frozenset({"ReduceSum", "ReduceSumSquare", "ReduceL2"})
_BETWEEN = frozenset({"Add", "Max", "Clip", "Mul", "Div", "Abs", "Sub", "Relu"})
_MOST_STEPS = 10
_SQUARE = LARGEST**0.5


@dataclass
class _Norm:
    """One that was found: ``base`` is what is squared, ``square`` the squares' value."""

    nodes: list[OnnxNode]
    reduction: OnnxNode
    base: str
    square: str | None
    epsilons: dict[str, float] = field(default_factory=dict)
    centred: bool = False
    by_difference: bool = False


def norms(net: Net) -> Iterator[tuple[Hazard | None, tuple[OnnxNode, ...]]]:
    """The normalisations, and the nodes of each; no hazard where it is shown to be safe."""
    for node in net.floats():
        found = _from_root(net, node)
        if found is not None:
            yield _hazard(net, found), tuple(found.nodes)
            yield from ((_lost(net, found, name), ()) for name in _vanishing(found))


def _from_root(net: Net, root: OnnxNode) -> _Norm | None:
    if not (root.op in ("Sqrt", "ReduceL2") or _half_power(net, root)):
        return None
    found = _above(net, root)
    if found is None:
        return None
    inverted = root.op == "Pow" and (net.number(root.inputs[1]) or 0) < 0
    below = _below(net, root, found, inverted=inverted)
    if not below:
        return None
    found.nodes += [root, *below]
    found.centred = _is_centred(net, found.base)
    return found


def _half_power(net: Net, node: OnnxNode) -> bool:
    if node.op != "Pow" or len(node.inputs) < 2:
        return False
    exponent = net.number(node.inputs[1])
    return exponent is not None and abs(exponent) == 0.5


def _above(net: Net, root: OnnxNode) -> _Norm | None:
    """From the root up to the squares."""
    if root.op == "ReduceL2":
        return _Norm(nodes=[], reduction=root, base=net.source(root.inputs[0]), square=None)
    between: list[OnnxNode] = []
    epsilons: dict[str, float] = {}
    by_difference = False
    name = root.inputs[0] if root.inputs else ""
    for _ in range(_MOST_STEPS):
        node = net.maker(name)
        if node is None:
            return None
        if node.op in _MEANS or node.op in _SUMS:
            made = _squared(net, node)
            if made is None:
                return None
            made.nodes += between
            made.epsilons, made.by_difference = epsilons, by_difference
            return made
        if node.op not in _BETWEEN or not node.inputs:
            return None
        operand = net.operand(node)
        if node.op in ("Add", "Max", "Clip") and operand is not None:
            epsilons[operand[0]] = operand[1]
        by_difference = by_difference or node.op == "Sub"
        between.append(node)
        name = next((each for each in node.inputs if each and not net.is_constant(each)), "")
    return None


def _squared(net: Net, mean: OnnxNode) -> _Norm | None:
    if not mean.inputs:
        return None
    if mean.op in ("ReduceSumSquare", "ReduceL2"):
        return _Norm(nodes=[mean], reduction=mean, base=net.source(mean.inputs[0]), square=None)
    square = net.maker(mean.inputs[0])
    if square is None or len(square.inputs) < 2:
        return None
    base = net.source(square.inputs[0])
    by_itself = square.op == "Mul" and net.source(square.inputs[1]) == base
    powered = square.op == "Pow" and net.number(square.inputs[1]) == 2
    if not by_itself and not powered:
        return None
    return _Norm(nodes=[square, mean], reduction=mean, base=base, square=square.outputs[0])


def _below(net: Net, root: OnnxNode, found: _Norm, *, inverted: bool) -> list[OnnxNode]:
    """From the root down to the division."""
    nodes: list[OnnxNode] = []
    waiting = [(root.outputs[0], inverted)]
    for _ in range(_MOST_STEPS):
        if not waiting:
            break
        name, turned = waiting.pop()
        for node, read in net.readers(name):
            if (
                node.op == "Div"
                and len(node.inputs) > 1
                and net.source(node.inputs[1]) == net.source(read)
            ):
                nodes.append(node)
                if net.is_constant(node.inputs[0]):
                    waiting.append((node.outputs[0], True))
            elif node.op == "Reciprocal" or _inverts(net, node):
                nodes.append(node)
                waiting.append((node.outputs[0], True))
            elif node.op == "Mul" and turned:
                nodes.append(node)
            elif node.op in ("Add", "Max", "Clip", "Mul") and (operand := net.operand(node)):
                nodes.append(node)
                if node.op != "Mul":
                    found.epsilons[operand[0]] = operand[1]
                waiting.append((node.outputs[0], turned))
    divides = any(node.op in ("Div", "Reciprocal", "Pow") for node in nodes)
    return nodes if divides or (inverted and nodes) else []


def _inverts(net: Net, node: OnnxNode) -> bool:
    return node.op == "Pow" and len(node.inputs) > 1 and (net.number(node.inputs[1]) or 0) == -1


def _is_centred(net: Net, base: str) -> bool:
    node = net.maker(base)
    if node is None or node.op != "Sub":
        return False
    return any((made := net.maker(name)) is not None and made.op in _MEANS for name in node.inputs)


def _name(net: Net, found: _Norm) -> tuple[str, str | None]:
    """What it is called, and the operator that replaces it, with its first opset."""
    axes = net.axes(found.reduction)
    summed = found.reduction.op in _SUMS and not any(node.op == "Div" for node in found.nodes[:-1])
    if not found.centred:
        if summed or found.reduction.op == "ReduceL2":
            return "a division by the L2 norm", None
        return "RMSNorm", "RMSNormalization (opset 23)"
    rank = len(net.model.shapes.get(found.base, ()))
    last = axes is not None and (axes == (-1,) or (rank and axes == (rank - 1,)))
    if axes is None or last:
        return "LayerNorm", "LayerNormalization (opset 17)"
    if rank and len(axes) == rank - 2 and min(a % rank for a in axes) == 2:
        return "InstanceNorm", "InstanceNormalization"
    return "a group or layer normalisation", "GroupNormalization (opset 21) or LayerNormalization"


def _hazard(net: Net, found: _Norm) -> Hazard | None:
    name, operator = _name(net, found)
    count = net.extent(found.base, net.axes(found.reduction))
    evidence = [constant(each, value) for each, value in found.epsilons.items()]
    summed = found.reduction.op in _SUMS
    largest = net.largest(found.base)
    squares = _squares(net, found, largest, count if summed else 1)
    evidence += net.measured(found.base)
    if count is not None:
        evidence.append(Evidence(source=f"shape of {found.base}", value=f"{count:,} elements each"))
    if squares is not None and squares < OVERFLOWS and not found.by_difference:
        return None
    effect, confidence = Effect.OVERFLOW, Confidence.LIKELY
    if squares is None:
        what = f"{name}, written out: its squares pass 65504 where a value passes {_SQUARE:.0f}"
        if summed:
            what = f"{name}, written out: its sum of squares passes 65504 easily"
        what += ", and all that they divide becomes 0."
    elif squares >= OVERFLOWS:
        confidence = Confidence.CERTAIN
        what = (
            f"{name}, written out: its squares reach {squares:.3g}, more than 65504, and what they "
            "divide becomes 0."
        )
    else:
        effect = Effect.PRECISION
        what = f"{name}, written out: its variance is a difference of two means, which cancels in FP16."
    advice = "Keep these nodes in FP32"
    if operator is not None:
        advice += f", or export again with {operator}, which TensorRT computes in FP32 inside an "
        advice += "FP16 kernel"
    return Hazard(
        kind=HazardKind.NORMALIZATION,
        nodes=net.labels(list(found.nodes)),
        value=found.square,
        type=net.type_name(found.nodes[0]),
        what=what,
        effect=effect,
        cure=Cure.KEEP,
        advice=f"{advice}.",
        evidence=tuple(evidence),
        confidence=confidence,
    )


def _vanishing(found: _Norm) -> list[str]:
    return [name for name, value in found.epsilons.items() if 0 < value <= VANISHES]


def _lost(net: Net, found: _Norm, name: str) -> Hazard:
    """The epsilon of a normalisation that becomes zero."""
    readers = [node for node in found.nodes if name in node.inputs]
    return Hazard(
        kind=HazardKind.EPSILON,
        nodes=net.labels(readers or found.nodes),
        value=name,
        type=net.type_name(found.nodes[0]),
        what=f"The epsilon {name} ({found.epsilons[name]:.3g}) keeps a normalisation from dividing by "
        "zero; FP16 makes it 0.",
        effect=Effect.FLUSH,
        cure=Cure.CHANGE_CONSTANT,
        advice="Make it 1e-6 or larger, which FP16 holds, or keep these nodes in FP32.",
        evidence=(constant(name, found.epsilons[name]), *elsewhere(found.epsilons[name])),
        confidence=Confidence.CERTAIN,
    )


def _squares(net: Net, found: _Norm, largest: float | None, terms: int | None) -> float | None:
    """How large the squares or their sum become, as far as it was measured."""
    made = [net.largest(found.square)] if found.square else []
    made.append(net.largest(found.reduction.outputs[0]))
    if found.reduction.op == "ReduceL2":
        # The root is what was measured, its square what the kernel holds.
        made = [None if each is None else each * each for each in made]
    told = [each for each in made if each is not None]
    if told:
        return max(told)
    return None if largest is None or terms is None else largest * largest * terms
