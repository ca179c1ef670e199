"""What the numbers that a model stores become in FP16."""

from __future__ import annotations

import msgspec

from .base import Frozen


class StoredTensor(Frozen, frozen=True, kw_only=True):
    """A tensor that a model stores, and what its numbers are.

    Attributes:
        name: As :class:`~trtdoctor.readers.onnxmodel.OnnxFacts` calls it in the main graph.
        type: ONNX's name of its element type; null where it is none.
        shape: Its extents.
        elements: How many it has.
        external: Whether its data lie in another file.
        where: The subgraph or function that holds it; empty for the main graph.
        read: Whether its numbers were read; they are of floating types with 16 bits or more.
        reason: Why they were not, where they should have been.
        largest: The largest finite magnitude.
        smallest: The smallest magnitude that is not zero.
        zeros: How many are zero.
        nan: How many are no number.
        infinite: How many are infinite already.
        overflow: How many finite ones FP16 would round to infinity (65520 and more).
        flushed: How many that are not zero FP16 would round to zero (2**-25 and less).
        subnormal: How many FP16 would hold as subnormal numbers (less than 2**-14).
    """

    name: str
    type: str | None = None
    shape: tuple[int, ...] = ()
    elements: int | None = None
    external: bool = False
    where: str = ""
    read: bool = False
    reason: str | None = None
    largest: float | None = None
    smallest: float | None = None
    zeros: int = 0
    nan: int = 0
    infinite: int = 0
    overflow: int = 0
    flushed: int = 0
    subnormal: int = 0

    def not_read(self, reason: str) -> StoredTensor:
        """The same, with why its numbers were not read."""
        return msgspec.structs.replace(self, reason=reason)


class WeightNumbers(Frozen, frozen=True, kw_only=True):
    """All tensors that a model stores. ``bytes_read`` is how many bytes of numbers were read."""

    tensors: tuple[StoredTensor, ...] = ()
    bytes_read: int = 0
