"""Whether two engines do the same work: one model, the same shapes, the same outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trtdoctor.model.engine import EngineIdentity, EngineReport, IOTensor, Layer

from .alignment import Group, is_block, told_nodes
from .tensor_names import lasting

# Of the fewer nodes, more than this share has to be in both. Builds of one model, and of its
# conversions, have at least four of five in common; fewer are names like Add_1 that any exporter gives.
_FEW = 0.5
# Of fewer nodes than these nothing follows.
_ENOUGH = 3
# Of the layers that tell their weights, how many have to have as many in both.
_MOSTLY = 0.5


@dataclass(frozen=True, kw_only=True)
class Sameness:
    """What sets two engines apart.

    Attributes:
        tensors: Which inputs and outputs only one of them has, or has with other dimensions; one
            clause.
        nodes: That their layers are made of other nodes or weights; one clause. Two exports of one
            model are told so too, and only their outputs tell these from two models.
        shapes: Why they are of different shapes; one clause.
        gpus: Why no GPU runs both; one clause.
        unnamed: Whether nothing tells which of their layers belong together.
        notes: What a user of B has to change, a sentence each.
    """

    tensors: str | None = None
    nodes: str | None = None
    shapes: str | None = None
    gpus: str | None = None
    unnamed: bool = False
    notes: tuple[str, ...] = ()


def compare_models(a: EngineReport, b: EngineReport, groups: Sequence[Group]) -> Sameness:
    """What the network tensors and the layers' nodes tell of two engines' models."""
    ours, theirs = _io(a), _io(b)
    one_file = bool(_models(a) & _models(b))
    return Sameness(
        tensors=_other_tensors(ours, theirs) or _other_ranks(ours, theirs),
        nodes=None
        if one_file
        else _other_nodes(groups)
        or _other_weights(a, b, groups)
        or _unlinked(groups, ours and theirs),
        shapes=_other_shapes(a, b, ours, theirs) or _inner_shapes(groups),
        gpus=_other_gpus(a.identity, b.identity),
        unnamed=not any(group.a and group.b for group in groups),
        notes=tuple(_other_types(ours, theirs)),
    )


def _models(engine: EngineReport) -> frozenset[str]:
    """Hashes of the model that an engine was built from, and of the one that was converted to it."""
    build = engine.build
    if build is None:
        return frozenset()
    return frozenset(each.sha256 for each in (build.model, build.given) if each is not None)


def _io(engine: EngineReport) -> dict[tuple[str, str], IOTensor]:
    told = engine.identity.io if engine.identity else None
    return {(tensor.mode, tensor.name): tensor for tensor in told or ()}


def _other_tensors(
    ours: dict[tuple[str, str], IOTensor], theirs: dict[tuple[str, str], IOTensor]
) -> str | None:
    if not ours or not theirs or set(ours) == set(theirs):
        return None
    only_a = [f"{mode} {name}" for mode, name in ours if (mode, name) not in theirs]
    only_b = [f"{mode} {name}" for mode, name in theirs if (mode, name) not in ours]
    parts = [
        f"only {side} has the {_listed(only)}"
        for side, only in (("A", only_a), ("B", only_b))
        if only
    ]
    return " and ".join(parts)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", the ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def _other_nodes(groups: Sequence[Group]) -> str | None:
    """Few nodes in common; None where one of the engines tells none."""
    ours = {node for group in groups for layer in group.a for node in _nodes(layer)}
    theirs = {node for group in groups for layer in group.b for node in _nodes(layer)}
    fewer = min(len(ours), len(theirs))
    common = len(ours & theirs)
    if fewer < _ENOUGH or common > _FEW * fewer:
        return None
    shared = "none" if not common else f"only {common}"
    return f"of {len(ours):,} nodes in A and {len(theirs):,} in B {shared} have the same name"


def _unlinked(groups: Sequence[Group], tensors: object) -> str | None:
    """Layers of both, of which nothing belongs together, and no network tensors that would tell."""
    sides = any(group.a for group in groups) and any(group.b for group in groups)
    if tensors or not sides or any(group.a and group.b for group in groups):
        return None
    return "nothing that A and B tell of their layers is the same"


def _nodes(layer: Layer) -> tuple[str, ...]:
    """The nodes of a layer; of a block that tells its ends alone none, for each build has others."""
    return told_nodes(layer) if layer.onnx_nodes or not is_block(layer.name) else ()


def _other_ranks(
    ours: dict[tuple[str, str], IOTensor], theirs: dict[tuple[str, str], IOTensor]
) -> str | None:
    """A network tensor that has more dimensions in one: no other batch makes that of it."""
    for key, tensor in ours.items():
        other = theirs.get(key)
        if other is None or tensor.shape is None or other.shape is None:
            continue
        if len(tensor.shape) != len(other.shape):
            return f"{tensor.name} is {_shape(tensor)} in A and {_shape(other)} in B"
    return None


def _other_weights(a: EngineReport, b: EngineReport, groups: Sequence[Group]) -> str | None:
    """Layers of the same nodes that store other numbers of weights: names that agree by chance."""
    if _product(a) != _product(b):
        # Each product counts what it packs in its own way.
        return None
    told = [(group, _weights(group.a), _weights(group.b)) for group in groups]
    pairs = [(group, one, two) for group, one, two in told if one and two]
    other = [each for each in pairs if each[1] != each[2]]
    if len(other) <= _MOSTLY * len(pairs):
        return None
    group, one, two = other[0]
    name = group.nodes[0] if group.nodes else group.b[0].name
    return (
        f"{len(other):,} of {len(pairs):,} layers of the same names have other weights, such as "
        f"{name} with {one:,} numbers in A and {two:,} in B"
    )


def _product(engine: EngineReport) -> str | None:
    return engine.identity.product if engine.identity else None


def _weights(layers: Iterable[Layer]) -> int:
    return sum(layer.weights.count for layer in layers if layer.weights is not None)


def _other_shapes(
    a: EngineReport,
    b: EngineReport,
    ours: dict[tuple[str, str], IOTensor],
    theirs: dict[tuple[str, str], IOTensor],
) -> str | None:
    for key, tensor in ours.items():
        other = theirs.get(key)
        if other is None or tensor.shape is None or other.shape is None:
            continue
        if _fixed(tensor) and _fixed(other) and tensor.shape != other.shape:
            return f"{tensor.name} is {_shape(tensor)} in A and {_shape(other)} in B"
    if a.measured is not None and b.measured is not None:
        # What they were measured with decides, and is compared there.
        return None
    return _other_profiles(a, b, ours, theirs)


def _other_profiles(
    a: EngineReport,
    b: EngineReport,
    ours: dict[tuple[str, str], IOTensor],
    theirs: dict[tuple[str, str], IOTensor],
) -> str | None:
    """Inputs that stay open in one engine or both: what each was tuned for."""
    for key, tensor in ours.items():
        other = theirs.get(key)
        if other is None or tensor.mode != "input" or (_fixed(tensor) and _fixed(other)):
            continue
        one, two = _tuned(a, tensor), _tuned(b, other)
        if one is not None and two is not None and one != two:
            return (
                f"A is tuned for {tensor.name} of {_extents(one)} and B for one of {_extents(two)}"
            )
    return None


def _tuned(engine: EngineReport, tensor: IOTensor) -> tuple[int, ...] | None:
    if _fixed(tensor):
        return tensor.shape
    profiles = engine.identity.profiles if engine.identity else None
    if not profiles or tensor.name not in profiles[0]:
        return None
    return tuple(profiles[0][tensor.name].opt)


def _fixed(tensor: IOTensor) -> bool:
    return tensor.shape is not None and all(extent >= 0 for extent in tensor.shape)


def _shape(tensor: IOTensor) -> str:
    return _extents(tensor.shape or ())


def _extents(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a scalar"


def _other_gpus(a: EngineIdentity | None, b: EngineIdentity | None) -> str | None:
    ours, theirs = _made_for(a), _made_for(b)
    if not ours or not theirs or ours & theirs:
        return None
    return f"A is made for compute capability {_joined(ours)} and B for {_joined(theirs)}"


def _made_for(identity: EngineIdentity | None) -> frozenset[str]:
    """The compute capabilities that an engine runs on; none where that is not told or wider."""
    if identity is None or identity.hardware_compatibility not in (None, "none"):
        return frozenset()
    return frozenset(identity.compute_capabilities or ())


def _joined(capabilities: Iterable[str]) -> str:
    return ", ".join(sorted(capabilities))


def _inner_shapes(groups: Sequence[Group]) -> str | None:
    """A tensor inside that has another shape, where the network's own tensors are not told."""
    ours = _shapes(layer for group in groups for layer in group.a)
    theirs = _shapes(layer for group in groups for layer in group.b)
    for name, found in ours.items():
        other = theirs.get(name, set())
        if len(found) == len(other) == 1 and found != other:
            return f"{name} is {_extents(*found)} in A and {_extents(*other)} in B"
    return None


def _shapes(layers: Iterable[Layer]) -> dict[str, set[tuple[int, ...]]]:
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for layer in layers:
        for tensor in (*layer.inputs, *layer.outputs):
            shape = tensor.shape
            if shape is not None and min(shape, default=0) >= 0 and lasting(tensor.name):
                shapes.setdefault(tensor.name, set()).add(shape)
    return shapes


def _other_types(
    ours: dict[tuple[str, str], IOTensor], theirs: dict[tuple[str, str], IOTensor]
) -> Iterable[str]:
    """Network tensors of another type, which what runs the engine has to follow."""
    changed: dict[tuple[str, str, str], list[str]] = {}
    for (mode, name), tensor in ours.items():
        other = theirs.get((mode, name))
        if other is not None and other.dtype != tensor.dtype:
            changed.setdefault((mode, tensor.dtype, other.dtype), []).append(name)
    for (mode, before, after), names in changed.items():
        plural = f"{mode}s" if len(names) > 1 else mode
        does = "gives" if mode == "output" else "takes"
        yield (
            f"B {does} the {plural} {', '.join(names[:5])}"
            f"{f' and {len(names) - 5} more' if len(names) > 5 else ''} as {after} where A has {before}: "
            "your program has to follow, and converting there takes time that is not measured here"
        )
