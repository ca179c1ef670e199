"""How many layers and tensors are read; what no real file holds is refused before it costs its price."""

from __future__ import annotations

from ..errors import TooMuch
from .decode import HOW

MAX_LAYERS = 200_000
MAX_EXTENTS = 1024
"""Of one shape. TensorRT's tensors have at most 8."""

_TENSORS = 150_000
_BYTES_A_TENSOR = 100


class Allowance:
    """How many layers and tensors the lines of one text may tell.

    A tensor of a real line takes some fifty characters, and an engine has at most some ten thousand
    layers; a hostile line has a tensor in ten characters, each of which takes microseconds to read.
    """

    def __init__(self, length: int) -> None:
        """``length`` is that of the whole text, in characters."""
        self._tensors = self._most = _TENSORS + length // _BYTES_A_TENSOR
        self._layers = MAX_LAYERS

    def layer(self, tensors: int) -> None:
        """One more layer, with so many tensors.

        Raises:
            TooMuch: that is more than is read.
        """
        self._layers -= 1
        if self._layers < 0:
            raise TooMuch(f"This file lists more than {MAX_LAYERS:,} layers. {HOW}")
        self.tensors(tensors)

    def tensors(self, count: int) -> None:
        """So many more tensors.

        Raises:
            TooMuch: that is more than is read.
        """
        self._tensors -= count
        if self._tensors < 0:
            raise TooMuch(f"This file lists more than {self._most:,} tensors. {HOW}")
