"""Stored numbers that FP16 does not hold: masks, epsilons, constants and weights."""

from __future__ import annotations

from collections.abc import Iterator

from ....model.hazard import Cure, Effect, Hazard, HazardKind
from ....model.report import Confidence, Evidence
from ....readers.onnxmodel import OnnxNode, TensorType
from ..converters import replaced
from .functions import Found
from .net import SUBNORMAL, VANISHES, Net, constant, leaves

_MASKING = frozenset({"Add", "Sub", "Where", "Mul", "Min", "Max", "Clip"})
_SCALING = frozenset({"Mul", "Div"})
_BOUNDS = frozenset({"Clip", "Min", "Max"})
_BELOW = frozenset({"Div", "Log", "Reciprocal", "Sqrt", "Pow"})
_MULTIPLIES = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_MOST_STEPS = 24
# Less of a tensor than this is not told.
_SHARE = 0.01
_FLOAT = frozenset({TensorType.FLOAT, TensorType.DOUBLE, TensorType.BFLOAT16})


def epsilons(net: Net) -> Iterator[Found]:
    """An epsilon that becomes zero where it keeps a divisor, a logarithm or a root from zero."""
    for node in net.floats():
        if node.op not in ("Add", "Max", "Clip") or not node.outputs:
            continue
        found = net.operand(node)
        if (
            found is None
            or not 0 < found[1] <= VANISHES
            or net.is_constant(net.other(node, found[0]))
        ):
            continue
        after = _guarded(net, node.outputs[0])
        if after is None:
            continue
        name, value = found
        smallest = net.range(net.other(node, name))
        if smallest is not None and smallest.minimum > 1000 * value:
            continue
        yield (
            Hazard(
                kind=HazardKind.EPSILON,
                nodes=net.labels([node, after]),
                value=name,
                type=net.type_name(node),
                what=f"The epsilon {name} ({value:.3g}) keeps {after.op} from zero; FP16 makes it 0.",
                effect=Effect.FLUSH,
                cure=Cure.CHANGE_CONSTANT,
                advice="Make it 1e-6 or larger, which FP16 holds, or keep these nodes in FP32.",
                evidence=(
                    constant(name, value),
                    *elsewhere(value),
                    *net.measured(net.other(node, name)),
                ),
                confidence=Confidence.CERTAIN,
            ),
            (node,),
        )


def _guarded(net: Net, name: str) -> OnnxNode | None:
    """What an epsilon guards, past roots."""
    waiting, steps = [name], 0
    while waiting and steps < _MOST_STEPS:
        steps += 1
        for node, read in net.readers(waiting.pop()):
            if node.op in ("Div", "Pow"):
                at = 1 if node.op == "Div" else 0
                negative = node.op == "Div" or (net.number(node.inputs[1]) or 0) < 0
                if (
                    len(node.inputs) > 1
                    and net.source(node.inputs[at]) == net.source(read)
                    and negative
                ):
                    return node
            elif node.op in ("Log", "Reciprocal"):
                return node
            elif node.op in ("Sqrt", "Abs"):
                waiting += node.outputs[:1]
    return None


def stored_numbers(net: Net) -> Iterator[Found]:
    """Stored tensors with numbers that FP16 does not hold."""
    names = [each.name for each in net.model.initializers]
    names += [n.outputs[0] for n in net.nodes if n.op == "Constant" and n.outputs]
    for name in dict.fromkeys(names):
        if net.model.types.get(name) not in _FLOAT:
            continue
        out, evidence = _out_of_range(net, name)
        if out:
            yield from _overflows(net, name, evidence)
        else:
            yield from _underflows(net, name)


def _out_of_range(net: Net, name: str) -> tuple[bool, Evidence]:
    values = net.model.values.get(name)
    if values is not None:
        worst = max(values, key=abs, default=0.0)
        infinite = any(v in (float("inf"), float("-inf")) for v in values)
        wide = any(leaves(float(v)) for v in values) or infinite
        return wide, constant(name, float(worst))
    found = net.stored(name)
    if found is None:
        return False, Evidence(source=name, value="")
    counted = (
        f"{found.overflow:,} of {found.elements:,} elements pass 65504, up to {found.largest:.4g}"
    )
    if found.infinite and not found.overflow:
        counted = f"{found.infinite:,} of {found.elements:,} elements are infinite"
    return bool(found.overflow or found.infinite), Evidence(source=f"stored {name}", value=counted)


def _overflows(net: Net, name: str, evidence: Evidence) -> Iterator[Found]:
    users = [node for node, _ in net.readers(name)]
    if not users:
        return
    masking = [node for node in users if node.op in _MASKING and _reaches_softmax(net, node)]
    bounds = [node for node in users if _is_bound(net, node, name)]
    small = name in net.model.values
    base = Hazard(
        kind=HazardKind.CONSTANT if small else HazardKind.WEIGHTS,
        nodes=net.labels(users),
        value=name,
        type=net.model.types[name].value,
        what=f"{name} holds numbers that pass 65504: FP16 makes infinities of them.",
        effect=Effect.OVERFLOW,
        cure=Cure.KEEP,
        advice="Keep the nodes that read it in FP32.",
        evidence=(evidence, *elsewhere(_worst(net, name))),
        confidence=Confidence.CERTAIN,
    )
    if len(masking) == len(users):
        scaled = any(node.op in _SCALING for node in masking)
        trap = " Left as it is, 0 times infinity is not a number." if scaled else ""
        yield (
            _replaced(
                base,
                kind=HazardKind.MASK,
                what=f"{name} is a mask before Softmax ({evidence.value}): clamped it does "
                f"the same in FP16.{trap}",
                effect=Effect.OVERFLOW if scaled else Effect.HARMLESS,
                cure=Cure.CHANGE_CONSTANT,
                advice="Change the constant to -1e4, and let its nodes be FP16: Softmax makes 0 of it. "
                "Of -65504 and a negative score the sum would be minus infinity, and NaN in a row "
                "that is masked as a whole.",
            ),
            (),
        )
    elif len(bounds) == len(users):
        yield (
            _replaced(
                base,
                what=f"{name} is a bound that nothing reaches in FP16 ({evidence.value}).",
                effect=Effect.HARMLESS,
                cure=Cure.NONE,
                advice="Nothing: a bound at infinity bounds nothing, as it did before.",
            ),
            (),
        )
    else:
        yield base, tuple(users)


def _worst(net: Net, name: str) -> float | None:
    """The number of a stored tensor that is farthest from what FP16 holds."""
    values = net.model.values.get(name)
    if values:
        return float(max(values, key=abs))
    found = net.stored(name)
    return None if found is None or not found.overflow else found.largest


def elsewhere(number: float | None) -> tuple[Evidence, ...]:
    """What the converters that people use make of a number, where it is none that FP16 holds."""
    if number is None or number != number:
        return ()
    told = ", ".join(f"{each.converter} {each.new:.4g}" for each in replaced([number]))
    return (Evidence(source=f"converters make of {number:.4g}", value=told),)


def _is_bound(net: Net, node: OnnxNode, name: str) -> bool:
    """Whether a constant is a bound that nothing reaches: from below a negative one, and so on."""
    if node.op not in _BOUNDS:
        return False
    values = net.model.values.get(name)
    if node.op == "Clip":
        return node.inputs[0] != name
    if values is None:
        return False
    low = all(value < 0 for value in values if leaves(float(value)) or value == float("-inf"))
    high = all(value > 0 for value in values if leaves(float(value)) or value == float("inf"))
    return low if node.op == "Max" else high


def _replaced(
    hazard: Hazard,
    *,
    what: str,
    effect: Effect,
    cure: Cure,
    advice: str,
    kind: HazardKind | None = None,
) -> Hazard:
    import msgspec

    return msgspec.structs.replace(
        hazard, what=what, effect=effect, cure=cure, advice=advice, kind=kind or hazard.kind
    )


def _reaches_softmax(net: Net, node: OnnxNode) -> bool:
    waiting, seen = list(node.outputs), set[str]()
    while waiting and len(seen) < _MOST_STEPS:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for user, _ in net.readers(name):
            if user.op in ("Softmax", "LogSoftmax"):
                return True
            if user.op in _MASKING:
                waiting += user.outputs
    return False


def _underflows(net: Net, name: str) -> Iterator[Found]:
    found = net.stored(name)
    if found is None or not found.elements or name in net.model.values:
        return
    low = found.flushed + found.subnormal
    users = [node for node, _ in net.readers(name)]
    all_small = low == found.elements - found.zeros
    if not users or low < _SHARE * found.elements or not low:
        return
    share = low / found.elements
    if not all_small and (found.largest or 0.0) >= SUBNORMAL:
        # Beside numbers that FP16 holds well, what it loses is less than it rounds of those.
        return
    multiplies = any(node.op in _MULTIPLIES for node in users)
    added = all(node.op in ("Add", "Sub") for node in users)
    yield (
        Hazard(
            kind=HazardKind.WEIGHTS,
            nodes=net.labels(users),
            value=name,
            type=net.model.types[name].value,
            what=f"{name}: FP16 holds {share:.0%} of its elements as zeros or with fewer digits.",
            effect=Effect.FLUSH if found.flushed else Effect.PRECISION,
            cure=Cure.KEEP,
            advice="Keep the nodes that read it in FP32, or scale it up and its result down."
            if multiplies
            else "Keep the nodes that read it in FP32.",
            evidence=(
                Evidence(
                    source=f"stored {name}",
                    value=f"of {found.elements:,} elements {found.flushed:,} become 0 and "
                    f"{found.subnormal:,} subnormal; the largest is {found.largest:.3g}",
                ),
            ),
            # What is tiny and merely added may be tiny beside what it is added to.
            confidence=Confidence.POSSIBLE if added else Confidence.CERTAIN,
        ),
        (),
    )
