"""Stored values in the new type, and what of them it cannot hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import onnx

from ...readers.onnxmodel import TensorType

MASK = -16384.0
"""What a mask's large negative number becomes: exp of it is zero, and several of them add up to a
number that FP16 still holds, where -65504 and a negative score would give minus infinity, and a row
of nothing else NaN."""

DTYPES: dict[TensorType, Any] = {
    TensorType.FLOAT16: np.dtype(np.float16),
    TensorType.BFLOAT16: np.dtype(ml_dtypes.bfloat16),
}
_EXAMPLES = 4


@dataclass(frozen=True)
class Narrow:
    """Values rounded: ``overflow`` marks finite ones that became infinite, ``flushed`` zeros.

    Either is None where there are none such.
    """

    wide: Any
    values: Any
    overflow: Any
    flushed: Any

    @property
    def masks(self) -> bool:
        """Whether all that overflows is negative, as in a mask."""
        return self.overflow is not None and bool((self.wide[self.overflow] < 0).all())


def narrow(tensor: Any, to: TensorType) -> Narrow:
    """A FLOAT tensor's values, rounded to the nearest."""
    wide = onnx.numpy_helper.to_array(tensor)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        values = wide.astype(DTYPES[to])
    overflow = np.isinf(values) & np.isfinite(wide)
    flushed = (values == 0) & (wide != 0)
    return Narrow(
        wide, values, overflow if overflow.any() else None, flushed if flushed.any() else None
    )


def masked(found: Narrow) -> Any:
    """The values with a mask's numbers made ones that fit."""
    if found.overflow is None:
        return found.values
    return np.where(found.overflow, np.array(MASK, found.values.dtype), found.values)


def examples(found: Narrow, which: Any, values: Any) -> tuple[tuple[float, float], ...]:
    """Some of the values that ``which`` marks, old and new; the largest magnitudes first."""
    old, new = found.wide[which].reshape(-1), values[which].reshape(-1)
    order = np.unique(old, return_index=True)[1][:_EXAMPLES]
    return tuple((float(old[at]), float(new[at])) for at in order)


def tensor_of(name: str, values: Any) -> Any:
    """A tensor of these values."""
    return onnx.numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)


def constant_tensor(node: Any) -> Any:
    """What a Constant node holds, as a FLOAT tensor; None for anything else."""
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.t.data_type == onnx.TensorProto.FLOAT:
            return attribute.t
        if attribute.name == "value_float":
            return onnx.numpy_helper.from_array(np.array(attribute.f, np.float32))
        if attribute.name == "value_floats":
            return onnx.numpy_helper.from_array(np.array(attribute.floats, np.float32))
    return None
