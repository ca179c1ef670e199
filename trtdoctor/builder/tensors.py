"""Arrays as the bytes of network tensors, and back: types, and the layouts that TensorRT packs."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from trtdoctor.model.errors import InputError

_TYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "FP8": "float8_e4m3fn",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
# NHWC with so many channels at a time, and the like with a depth; NC/xHWx, and the like with a depth.
_LAST = re.compile(r"D?HWC([0-9]*)\Z")
_INNER = re.compile(r"CD?HW([0-9]+)\Z")


def array_type(dtype: str) -> Any:
    """The numpy type of a TensorRT type.

    Raises:
        InputError: numpy has none such.
    """
    name = _TYPES.get(dtype)
    if name is None:
        raise InputError(f"arrays of TensorRT's type {dtype} are not read here; compare without it")
    if name in ("bfloat16", "float8_e4m3fn"):
        return import_module("numpy").dtype(getattr(import_module("ml_dtypes"), name))
    return import_module("numpy").dtype(name)


def to_bytes(array: Any, dtype: str, layout: str) -> bytes:
    """An array in a network tensor's type and layout.

    Raises:
        InputError: the type or the layout is none that is known here.
    """
    np = import_module("numpy")
    converted = np.ascontiguousarray(array).astype(array_type(dtype))
    if layout == "LINEAR":
        return bytes(converted.tobytes())
    per = _per(layout, converted.ndim)
    channels = converted.shape[1]
    missing = -channels % per
    if missing:
        converted = np.pad(converted, [(0, 0), (0, missing)] + [(0, 0)] * (converted.ndim - 2))
    if _LAST.match(layout):
        return bytes(np.ascontiguousarray(np.moveaxis(converted, 1, -1)).tobytes())
    shape = converted.shape
    apart = converted.reshape(shape[0], shape[1] // per, per, *shape[2:])
    return bytes(np.ascontiguousarray(np.moveaxis(apart, 2, -1)).tobytes())


def from_bytes(data: bytes, dtype: str, shape: tuple[int, ...], layout: str) -> Any:
    """A network tensor's bytes as an array.

    Raises:
        InputError: the type or the layout is none that is known here, or there are too few bytes.
    """
    np = import_module("numpy")
    flat = np.frombuffer(
        data[: len(data) // array_type(dtype).itemsize * array_type(dtype).itemsize],
        array_type(dtype),
    )
    if layout == "LINEAR":
        return _taken(flat, shape).reshape(shape)
    per = _per(layout, len(shape))
    padded = -(-shape[1] // per) * per
    if _LAST.match(layout):
        whole = _taken(flat, (shape[0], *shape[2:], padded)).reshape(shape[0], *shape[2:], padded)
        return np.moveaxis(whole, -1, 1)[:, : shape[1]]
    stored = (shape[0], padded // per, *shape[2:], per)
    whole = np.moveaxis(_taken(flat, stored).reshape(stored), -1, 2)
    return whole.reshape(shape[0], padded, *shape[2:])[:, : shape[1]]


def _taken(flat: Any, shape: tuple[int, ...]) -> Any:
    number = 1
    for extent in shape:
        number *= extent
    if flat.size < number:
        raise InputError("an output is shorter than its shape says; compare without running it")
    return flat[:number]


def _per(layout: str, rank: int) -> int:
    found = _LAST.match(layout) or _INNER.match(layout)
    if found is None or rank < 3:
        raise InputError(f"network tensors in the layout {layout} are not read here")
    return int(found.group(1) or 1)
