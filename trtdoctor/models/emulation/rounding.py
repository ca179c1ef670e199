"""FP32 numbers rounded to another type and back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...readers.onnxmodel import TensorType

_LARGEST = {TensorType.FLOAT16: 65504.0, TensorType.BFLOAT16: 3.3895313892515355e38}


class Rounding:
    """Rounds FP32 arrays to a 16-bit type and back, to even, with its overflow and its zeros.

    Args:
        to: FLOAT16 or BFLOAT16.
    """

    def __init__(self, to: TensorType) -> None:
        self.to = to
        self._numpy = import_module("numpy")
        numpy = self._numpy
        self._type = (
            numpy.float16 if to is TensorType.FLOAT16 else import_module("ml_dtypes").bfloat16
        )

    def __call__(self, array: Any, *, clamp: bool = False) -> Any:
        """The array as FP32 numbers of the type; other arrays as they are.

        Args:
            array: of any shape and type.
            clamp: Whether finite numbers that are too large become the largest of the type, as a
                conversion makes of a mask.
        """
        numpy = self._numpy
        if not isinstance(array, numpy.ndarray) or array.dtype != numpy.float32:
            return array
        with numpy.errstate(over="ignore", invalid="ignore"):
            if clamp:
                limit = numpy.float32(_LARGEST[self.to])
                array = numpy.where(numpy.isfinite(array), numpy.clip(array, -limit, limit), array)
            return array.astype(self._type).astype(numpy.float32)
