"""Turns the inspector's layer objects into the document's layers, whatever the version's key names.

TensorRT 8.4 to 10.x writes ``Format/Datatype``; 11 and TensorRT-RTX write ``Format`` and
``Datatype`` (layers) or ``DataType`` (network tensors). Keys are compared without case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

from trtdoctor.model.engine import IOTensor, Layer, LayerTensor, LayerWeights, ShapeRange

from .bounds import MAX_EXTENTS
from .dtypes import dtype_of, split_format
from .names import onnx_nodes, split_profile

# TensorRT 9 and 10 list the constants of a Myelin layer among its inputs, under made-up names.
_CONSTANT = re.compile(
    r"^__mye\d.*(?:_alpha|_beta|_?dconst|_const(?:-lit-\w+)?)(?:_myl\d+)?$"
    r"|_constant(?:Float|Half|BFloat16|BF16|FP8|FP4|Int8|Int4|Int32|Int64|Bool)(?:_myl\d+)?$",
    re.DOTALL,
)
_WEIGHT_KEYS = ("weights", "scale", "shift", "power")


def lowered(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object with its keys in lower case; of keys that differ in case alone the last counts."""
    return {str(key).lower(): value for key, value in obj.items()}


def is_layer(obj: object) -> bool:
    """Whether an object looks like the inspector's object for one layer."""
    if not isinstance(obj, dict):
        return False
    keys = lowered(obj)
    return isinstance(keys.get("name"), str) and bool(
        {"layertype", "inputs", "outputs", "tacticname", "tacticvalue"} & keys.keys()
    )


def layer_from(obj: Mapping[str, Any]) -> Layer:
    """One layer from its object. A value of an unexpected type counts as not told.

    What Myelin lists among the inputs as its own constants becomes a constant, as in TensorRT 11.
    """
    keys = lowered(obj)
    name = _text(keys.get("name")) or ""
    listed = _tensors(keys.get("inputs"))
    inputs = tuple(t for t in listed if not _CONSTANT.search(t.name[:4096]))
    constants = (
        *(t for t in listed if _CONSTANT.search(t.name[:4096])),
        *_tensors(keys.get("constants")),
    )
    return Layer(
        name=name,
        type=_text(keys.get("layertype")),
        onnx_nodes=onnx_nodes(_text(keys.get("metadata")) or ""),
        inputs=inputs,
        outputs=_tensors(keys.get("outputs")),
        constants=constants,
        weights=_weights(keys) or _largest(constants),
        tactic=_text(keys.get("tacticname")),
        tactic_id=_text(keys.get("tacticvalue")),
        origin=_text(keys.get("origin")),
        profile=split_profile(name)[1],
    )


def io_tensor(obj: object) -> IOTensor | None:
    """A network tensor of TensorRT 11 and TensorRT-RTX (an entry of ``I/O Tensors``)."""
    if not isinstance(obj, dict):
        return None
    keys = lowered(obj)
    name = _text(keys.get("name"))
    if name is None:
        return None
    mode = (_text(keys.get("iomode")) or "").lower()
    raw = _text(keys.get("datatype")) or ""
    dtype = dtype_of(raw)
    return IOTensor(
        name=name,
        mode={"kinput": "input", "koutput": "output"}.get(mode, mode) or "unknown",
        dtype=dtype.value if dtype else raw or "unknown",
        shape=shape_of(keys.get("dimensions")),
    )


def profile_ranges(objects: list[Any]) -> tuple[dict[str, ShapeRange], ...] | None:
    """The optimisation profiles that ``I/O Tensors`` lists under each input's ``ProfileInfo``."""
    profiles: list[dict[str, ShapeRange]] = []
    for obj in objects:
        keys = lowered(obj) if isinstance(obj, dict) else {}
        name, infos = _text(keys.get("name")), keys.get("profileinfo")
        if name is None or not isinstance(infos, list):
            continue
        for index, info in enumerate(infos):
            told = lowered(info) if isinstance(info, dict) else {}
            low, opt, high = (shape_of(told.get(k)) for k in ("minshape", "optshape", "maxshape"))
            if low is None or opt is None or high is None:
                continue
            while len(profiles) <= index:
                profiles.append({})
            profiles[index][name] = ShapeRange(min=low, opt=opt, max=high)
    return tuple(profiles) or None


def shape_of(value: object) -> tuple[int, ...] | None:
    """A list of extents, or None where it is anything else."""
    if not isinstance(value, list) or len(value) > MAX_EXTENTS:
        return None
    if not all(isinstance(v, int) and not isinstance(v, bool) and abs(v) < 2**63 for v in value):
        return None
    return tuple(value)


def clean(text: str) -> str:
    """The text without lone surrogates, which JSON escapes can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _text(value: object) -> str | None:
    return clean(value) if isinstance(value, str) and value else None


def _tensors(value: object) -> tuple[LayerTensor, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(_tensor(lowered(obj)) for obj in value if isinstance(obj, dict))


def _tensor(keys: Mapping[str, Any]) -> LayerTensor:
    dtype, form = split_format(_text(keys.get("format/datatype")) or "")
    told = _text(keys.get("datatype"))
    if told is not None:
        known = dtype_of(told)
        dtype, form = (known.value if known else None), form or (None if known else told)
    if (separate := _text(keys.get("format"))) is not None:
        implied, form = split_format(separate)
        dtype = dtype or implied
    return LayerTensor(
        name=_text(keys.get("name")) or "",
        dtype=dtype,
        format=form,
        shape=shape_of(keys.get("dimensions")),
        location=_text(keys.get("location")),
    )


def _weights(keys: Mapping[str, Any]) -> LayerWeights | None:
    """The layer's weights, never its bias.

    The key is ``Weights``, prefixed in fused layers (``ConvWeights``); a ``Scale`` layer has three.
    """
    best: LayerWeights | None = None
    for key, value in keys.items():
        if not key.endswith(_WEIGHT_KEYS) or not isinstance(value, dict):
            continue
        told = lowered(value)
        count, raw = told.get("count"), _text(told.get("type")) or ""
        if not isinstance(count, int) or isinstance(count, bool) or not 0 < count < 2**63:
            continue
        dtype = dtype_of(raw)
        found = LayerWeights(dtype=dtype.value if dtype else raw or "unknown", count=count)
        if best is None or found.count > best.count:
            best = found
    return best


def _largest(constants: tuple[LayerTensor, ...]) -> LayerWeights | None:
    """The largest constant of more than one element, which TensorRT 11 lists instead of weights."""
    best: LayerWeights | None = None
    for tensor in constants:
        if not tensor.shape or min(tensor.shape) < 1:
            continue
        count = prod(tensor.shape)
        if 1 < count < 2**63 and (best is None or count > best.count):
            best = LayerWeights(dtype=tensor.dtype or "unknown", count=count)
    return best
