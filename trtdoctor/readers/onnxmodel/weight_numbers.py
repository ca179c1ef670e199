"""What is known of the values that a model stores: how many, how large, and what 16 bits do to them."""

from __future__ import annotations

from ...model.base import Frozen
from .onnx_facts import TensorType


class FloatNumbers(Frozen, frozen=True, kw_only=True):
    """The values of one floating tensor, each counted as what it is in the model.

    Attributes:
        minimum: The least value, infinities included; null where all are NaN or there is none.
        maximum: The greatest value, likewise.
        largest: The largest finite magnitude; null where no value is finite.
        smallest: The smallest magnitude that is not zero; null where there is none.
        nan: How many are NaN.
        infinite: How many are infinite.
        zeros: How many are zero, those that a sparse tensor leaves out included.
        overflow: How many finite ones become infinite in FP16: those from 65520 on.
        flushed: How many become zero in FP16 without being zero: those up to 2**-25.
        subnormal: How many become subnormal in FP16, where fewer digits are left.
        overflow_bf16: How many finite ones become infinite in BF16.
        flushed_bf16: How many become zero in BF16 without being zero.
    """

    minimum: float | None = None
    maximum: float | None = None
    largest: float | None = None
    smallest: float | None = None
    nan: int = 0
    infinite: int = 0
    zeros: int = 0
    overflow: int = 0
    flushed: int = 0
    subnormal: int = 0
    overflow_bf16: int = 0
    flushed_bf16: int = 0


class TensorNumbers(Frozen, frozen=True, kw_only=True):
    """One stored tensor: an initialiser, or what a Constant node holds.

    Attributes:
        name: The value's name, as in `OnnxFacts`.
        type: Its element type; null where this version does not know it.
        shape: Its extents; null where the model tells impossible ones.
        elements: How many elements the shape has.
        external: Whether its data lie in a file beside the model.
        numbers: What is known of its values; null for integers, strings and complex numbers, and
            where the values were not read.
        values: The values themselves, of a floating tensor of at most 16 elements.
    """

    name: str
    type: TensorType | None
    shape: tuple[int, ...] | None
    elements: int | None
    external: bool = False
    numbers: FloatNumbers | None = None
    values: tuple[float, ...] = ()


class WeightNumbers(Frozen, frozen=True, kw_only=True):
    """All tensors that a model stores.

    Attributes:
        tensors: In the model's order, those of subgraphs and local functions included.
        unread: Names of floating tensors whose values were not read, because the time was over.
    """

    tensors: tuple[TensorNumbers, ...] = ()
    unread: tuple[str, ...] = ()
