"""Stored numbers in another type: what fits, and what becomes of what does not."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...model.conversion_plan import ChangedConstant
from ...readers.onnxmodel import FormatError, TensorType
from ...readers.onnxmodel.flatten import text

_LARGEST = {TensorType.FLOAT16: 65504.0, TensorType.BFLOAT16: 3.3895313892515355e38}
_OVERFLOWS = {TensorType.FLOAT16: 65520.0, TensorType.BFLOAT16: 3.3961775e38}
_NUMBERS = {TensorType.FLOAT16: 10, TensorType.BFLOAT16: 16}
_EXAMPLES = 4
# What a mask's large negative number becomes: Softmax makes 0 of it, and it can be added to scores
# and to other masks. Of -65504 and a score of -16 the sum is minus infinity, and where a whole row
# is masked, Softmax makes NaN of that.
_MASK = -16384.0


@dataclass(frozen=True)
class Narrowed:
    """A tensor in the new type, and what changed in it beyond rounding."""

    tensor: Any
    change: ChangedConstant | None


def array_of(tensor: Any) -> Any:
    """The elements of a FLOAT ``TensorProto`` that lie in it, as a numpy array.

    Raises:
        FormatError: they are more or fewer than its shape asks for.
    """
    try:
        return import_module("onnx.numpy_helper").to_array(tensor)
    except ValueError as error:
        raise FormatError(
            f"Its tensor {text(tensor.name)!r} does not hold as many elements as its shape asks for. "
            "Export the model again."
        ) from error


def overflows(array: Any, to: TensorType) -> bool:
    """Whether finite numbers of an array become infinite."""
    numpy = import_module("numpy")
    if not array.size:
        return False
    with numpy.errstate(invalid="ignore"):
        magnitudes = numpy.abs(array)
        return bool(((magnitudes >= _OVERFLOWS[to]) & numpy.isfinite(magnitudes)).any())


def narrowed(
    name: str, array: Any, to: TensorType, nodes: tuple[str, ...], *, mask: bool = False
) -> Narrowed:
    """An FP32 array in a 16-bit type; finite numbers that are too large become its largest.

    Args:
        name: What the new tensor is called.
        array: FP32 numbers of any shape.
        to: FLOAT16 or BFLOAT16.
        nodes: Labels of those that read it.
        mask: Whether it is a mask before Softmax: its too large negative numbers become -16384.
    """
    numpy = import_module("numpy")
    largest = numpy.float32(_LARGEST[to])
    with numpy.errstate(over="ignore", invalid="ignore"):
        clipped = numpy.where(numpy.isfinite(array), numpy.clip(array, -largest, largest), array)
        if mask:
            lost = numpy.isfinite(array) & (array <= -_OVERFLOWS[to])
            clipped = numpy.where(lost, numpy.float32(_MASK), clipped)
        if to is TensorType.FLOAT16:
            made = clipped.astype(numpy.float16)
            back = made.astype(numpy.float32)
        else:
            made = clipped.astype(import_module("ml_dtypes").bfloat16)
            back = made.astype(numpy.float32)
        too_large = (numpy.abs(array) >= _OVERFLOWS[to]) & numpy.isfinite(array)
        vanished = (back == 0) & (array != 0)
    # onnx before 1.18 makes no tensor of ml_dtypes' numbers.
    tensor = import_module("onnx").TensorProto(
        name=name, data_type=_NUMBERS[to], dims=array.shape, raw_data=made.tobytes()
    )
    clamped, flushed = int(too_large.sum()), int(vanished.sum())
    if not clamped and not flushed:
        return Narrowed(tensor, None)
    places = numpy.flatnonzero((too_large | vanished).reshape(-1))[:_EXAMPLES]
    pairs = zip(array.reshape(-1)[places], back.reshape(-1)[places], strict=True)
    return Narrowed(
        tensor,
        ChangedConstant(
            name=name,
            nodes=nodes,
            elements=int(array.size),
            clamped=clamped,
            flushed=flushed,
            examples=tuple((float(old), float(new)) for old, new in pairs),
        ),
    )
