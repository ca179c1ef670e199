"""Which conversions of types only one of two engines has, by what they convert."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trtdoctor.model.engine import EngineReport, Layer, Role
from trtdoctor.precision.layers.shares import converts

from .alignment import of_first_profile
from .tensor_names import lasting


def conversions_apart(a: EngineReport, b: EngineReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What B converts and A does not, and what A converts and B does not; the dearest first."""
    ours, theirs = _conversions(a), _conversions(b)
    return _beyond(theirs, ours), _beyond(ours, theirs)


def _beyond(
    these: dict[str, list[float | None]], others: dict[str, list[float | None]]
) -> tuple[str, ...]:
    more: list[tuple[float, str]] = []
    for what, times in these.items():
        # Of several alike the cheapest are taken for those that the other engine has too.
        left = sorted(times, key=lambda time: time or 0.0)[len(others.get(what, ())) :]
        more += ((time or 0.0, what if time is None else f"{what}, {time:.4f} ms") for time in left)
    return tuple(told for _, told in sorted(more, key=lambda each: -each[0]))


def _conversions(engine: EngineReport) -> dict[str, list[float | None]]:
    """Times of each conversion, by what is converted from which type to which."""
    layers = of_first_profile(engine)
    makers = {tensor.name: layer for layer in layers for tensor in layer.outputs}
    readers: dict[str, list[Layer]] = {}
    for layer in layers:
        for tensor in layer.inputs:
            readers.setdefault(tensor.name, []).append(layer)
    found: dict[str, list[float | None]] = {}
    for layer in layers:
        if converts(layer):
            what = f"{_tensor(layer, makers, readers)} {_types(layer)}"
            found.setdefault(what, []).append(layer.time_ms)
    return found


def _types(layer: Layer) -> str:
    before = dict.fromkeys(tensor.dtype or "unknown" for tensor in layer.inputs)
    after = dict.fromkeys(tensor.dtype or "unknown" for tensor in layer.outputs)
    return f"{'/'.join(before) or 'unknown'} → {'/'.join(after) or 'unknown'}"


def _tensor(layer: Layer, makers: dict[str, Layer], readers: dict[str, list[Layer]]) -> str:
    """What a conversion converts, in words that another build of the model uses too."""
    before = [tensor.name for tensor in layer.inputs]
    after = [tensor.name for tensor in layer.outputs]
    for name in (*_followed(before, makers), *after):
        if lasting(name):
            return name
    maker = _work(makers[name] for name in _followed(before, makers) if name in makers)
    if maker is not None:
        return f"the output of {maker}"
    reader = _work(each for name in after for each in readers.get(name, ()))
    if reader is not None:
        return f"an input of {reader}"
    return layer.onnx_nodes[-1] if layer.onnx_nodes else layer.name


def _followed(names: Sequence[str], makers: dict[str, Layer]) -> list[str]:
    """The tensors, and those that they are copies of in another format."""
    found = list(names)
    for name in found:
        maker = makers.get(name)
        if maker is None or maker.role is not Role.DATA_MOVEMENT or converts(maker):
            continue
        if len(maker.inputs) == 1 and maker.inputs[0].name not in found:
            found.append(maker.inputs[0].name)
    return found


def _work(layers: Iterable[Layer]) -> str | None:
    """The node that a layer beside a conversion ends with."""
    for layer in layers:
        if layer.onnx_nodes:
            return layer.onnx_nodes[-1]
        if layer.role is Role.COMPUTE:
            return layer.name
    return None
