"""What a layer is for: arithmetic, moving data, a constant, or the shapes of others."""

from __future__ import annotations

import re

from trtdoctor.model.engine import Layer, LayerTensor, Role

from . import kinds

QUANTISED = frozenset({"INT8", "INT4", "FP8", "FP4"})
FLOATS = frozenset({"FP32", "FP16", "BF16"})
_MOVING_ORIGINS = frozenset({"REFORMAT", "QDQ", "CAST"})
# TensorRT 5 to 7 name the conversions around a layer so.
_REFORMATTER = re.compile(r" (?:input|output) reformatter \d+$")
# TensorRT's own layers that only order what others do, and TensorRT-RTX's jumps between branches.
_STATION = re.compile(r"\[trainStation\d+\]")
_JUMP = re.compile(r"jmp__mye\d+_myl\d+")
_MOVING_NAMES = ("Reformatting CopyNode for ", "reshape_before_", "reshape_after_")


def role_of(layer: Layer) -> Role:
    """The role of a layer, from its type, its name, and where its tensors live.

    Layers that quantise or dequantise and do nothing else move data: TensorRT 8 itself makes them
    ``Reformat`` layers. A type that is not known counts as compute.
    """
    kind = kinds.kind_of(layer)
    if kind in kinds.CONSTANT_TYPES:
        return Role.CONSTANT
    if kind.startswith("shape") or kind in kinds.SHAPE_TYPES or _on_host(layer):
        return Role.SHAPE
    if not kind and ("shape_call" in layer.name or _JUMP.match(layer.name)):
        return Role.SHAPE
    if layer.origin in _MOVING_ORIGINS or kind in kinds.MOVEMENT_TYPES:
        return Role.DATA_MOVEMENT
    if layer.name.startswith(_MOVING_NAMES):
        return Role.DATA_MOVEMENT
    if not kind and (_REFORMATTER.search(layer.name) or _STATION.match(layer.name)):
        return Role.DATA_MOVEMENT
    if kinds.only_moves(layer) or (kinds.only_quantises(layer) and _requantises(layer)):
        return Role.DATA_MOVEMENT
    return Role.COMPUTE


def _on_host(layer: Layer) -> bool:
    places = [t.location for t in (*layer.inputs, *layer.outputs)]
    return bool(places) and all(place == "Host" for place in places)


def _requantises(layer: Layer) -> bool:
    """Whether one tensor goes in and its quantised or dequantised self comes out."""
    if len(layer.inputs) != 1 or len(layer.outputs) != 1:
        return False
    pair = _types((*layer.inputs, *layer.outputs))
    return len(pair & QUANTISED) == 1 and len(pair & FLOATS) == 1


def _types(tensors: tuple[LayerTensor, ...]) -> set[str]:
    return {t.dtype or "" for t in tensors}
