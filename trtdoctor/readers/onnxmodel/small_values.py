"""The elements of small stored tensors: epsilons, masks, exponents, axes."""

from __future__ import annotations

import struct
from math import prod
from typing import Any

from .onnx_facts import MOST_VALUES, Number, TensorType
from .types import by_number

_T = TensorType
# How struct calls an element of each type, and which field holds those that are not raw.
_FORMATS = {
    _T.FLOAT: ("f", "float_data"),
    _T.DOUBLE: ("d", "double_data"),
    _T.FLOAT16: ("e", "int32_data"),
    _T.BFLOAT16: ("H", "int32_data"),
    _T.INT8: ("b", "int32_data"),
    _T.INT16: ("h", "int32_data"),
    _T.INT32: ("i", "int32_data"),
    _T.INT64: ("q", "int64_data"),
    _T.UINT8: ("B", "int32_data"),
    _T.UINT16: ("H", "int32_data"),
    _T.UINT32: ("I", "uint64_data"),
    _T.UINT64: ("Q", "uint64_data"),
    _T.BOOL: ("?", "int32_data"),
}
_BITS = frozenset({_T.FLOAT16, _T.BFLOAT16})


def small_values(tensor: Any) -> tuple[Number, ...] | None:
    """The elements of a tensor of at most :data:`MOST_VALUES`; None where they are not told.

    Args:
        tensor: a ``TensorProto``.
    """
    kind = by_number(tensor.data_type)
    if kind not in _FORMATS or tensor.data_location:
        return None
    count = prod(tensor.dims)
    if count > MOST_VALUES:
        return None
    code, field = _FORMATS[kind]
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * struct.calcsize(f"<{code}"):
            return None
        values = struct.unpack(f"<{count}{code}", tensor.raw_data)
        return _as_bfloat16(values) if kind is _T.BFLOAT16 else values
    told = getattr(tensor, field)
    if len(told) != count:
        return None
    if kind in _BITS:
        # Such elements stand as the numbers that their bits make.
        bits = [value & 0xFFFF for value in told]
        if kind is _T.BFLOAT16:
            return _as_bfloat16(bits)
        return struct.unpack(f"<{count}e", struct.pack(f"<{count}H", *bits))
    return tuple(told)


def _as_bfloat16(bits: Any) -> tuple[Number, ...]:
    # A BF16 number is the upper half of an FP32 one.
    wide = [value << 16 for value in bits]
    return struct.unpack(f"<{len(wide)}f", struct.pack(f"<{len(wide)}I", *wide))
