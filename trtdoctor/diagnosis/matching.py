"""Whether a witness speaks of the engine that is explained: a log of another build proves nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from trtdoctor.knowledge import versions
from trtdoctor.model.engine import EngineReport, Layer, Role
from trtdoctor.readers.onnxmodel import OnnxFacts

_PROFILE = re.compile(r" \[profile \d+\]")
# Of a fused region one source tells the region and another the kernels inside.
_FUSED = re.compile(r"^\{ForeignNode\[|^__my[el]|_myl\d")

# What TensorRT calls layers itself, whatever the model calls their nodes.
_OWN_NAMES = ("(Unnamed Layer", "PWN(", "Reformatting CopyNode")


def contradiction(
    report: EngineReport, layers: Iterable[Layer], *, version: str | None
) -> str | None:
    """What shows that a log is not of this engine's build; None where nothing does.

    The log of an engine's own build ends with the engine's layers: the same names, and each with
    the same types and tactic. Two builds of one model can differ in as little as one of them.

    Args:
        report: The engine, its layers from another source than the log.
        layers: The layers that the log ends with.
        version: The TensorRT that the log names, if it does.
    """
    built = report.identity.tensorrt_version if report.identity else None
    if built and version and _differ(built, version):
        return f"it is of TensorRT {version}, and {built} built the engine"
    here, there = _by_name(report.layers), _by_name(layers)
    if not here or not there:
        return None
    shared = here.keys() & there.keys()
    plain = [name for name in here if not _FUSED.search(name)]
    if not shared and (plain or report.typing == "weak"):
        return f"it names none of the engine's {len(here)} layers"
    for name in sorted(shared):
        if told := _differs(here[name], there[name]):
            return f"its layer {name} {told}"
    for name in plain:
        if name not in there:
            return f"it has no layer {name}, as the engine has"
    for name in there:
        if name not in here and not _FUSED.search(name):
            return f"the engine has no layer {name}, as it has"
    return None


def are_strangers(layers: Iterable[Layer], others: Iterable[Layer]) -> bool:
    """Whether two lists of layers, both told, have no name in common: those of two networks."""
    here, there = _by_name(layers), _by_name(others)
    fused = all(_FUSED.search(name) for name in here) or all(_FUSED.search(name) for name in there)
    return bool(here) and bool(there) and not fused and not here.keys() & there.keys()


def unrelated(layers: Iterable[Layer], model: OnnxFacts) -> str | None:
    """What shows that no layer comes from this model; None where its nodes' names cannot tell.

    TensorRT's parser names layers after nodes, and fused layers after all of theirs. Regions that
    Myelin fused keep other names, so only layers whose every node is told can speak.
    """
    known = {node.label for node in model.nodes} | {node.name for node in model.nodes}
    told: set[str] = set()
    for layer in layers:
        if layer.onnx_nodes:
            told.update(layer.onnx_nodes)
        elif layer.role is Role.COMPUTE and " + " in layer.name and not _FUSED.search(layer.name):
            told.update(_PROFILE.sub("", layer.name).split(" + "))
    told = {name for name in told if not name.startswith(_OWN_NAMES)}
    if not told or told & known:
        return None
    return f"the engine's layers are made of nodes that it does not have, such as {min(told)}"


def _by_name(layers: Iterable[Layer]) -> dict[str, Layer]:
    return {_PROFILE.sub("", layer.name): layer for layer in layers if layer.profile == 0}


def _differs(here: Layer, there: Layer) -> str | None:
    if here.tactic_id and there.tactic_id and here.tactic_id != there.tactic_id:
        return f"has tactic {there.tactic_id}, the engine's {here.tactic_id}"
    mine, other = _kernel(here), _kernel(there)
    if mine and other and not (mine.startswith(other) or other.startswith(mine)):
        return f"has the kernel {other}, the engine's {mine}"
    for own, logged in ((here.inputs, there.inputs), (here.outputs, there.outputs)):
        types = {tensor.name: tensor.dtype for tensor in logged}
        for tensor in own:
            told = types.get(tensor.name)
            if told and tensor.dtype and told != tensor.dtype:
                return f"has {tensor.name} in {told}, the engine's in {tensor.dtype}"
    return None


def _kernel(layer: Layer) -> str:
    """The kernel's name. A log says more after it, such as how it splits the sum."""
    return next(iter((layer.tactic or "").split()), "")


def _differ(built: str, told: str) -> bool:
    """Whether the parts that both name disagree; the fourth is a build of one release."""
    mine, other = versions.numbers(built), versions.numbers(told)
    if not mine or not other:
        return False
    shared = min(len(mine), len(other), 3)
    return mine[:shared] != other[:shared]
