"""Which precision the parts of a model will get, told from the model alone, before any build.

Where the model's types decide (TensorRT 11, TensorRT-RTX, strongly typed networks of 9 and 10) that
is nearly all there is to say. Where the builder decides, it is what may become FP16 and what cannot;
which of the two the builder finds faster, only a build tells.
"""

from __future__ import annotations

from .by_builder import map_by_builder
from .by_types import map_by_types
from .parts import Parts, parts_of
from .refused import mixed_types

__all__ = ["Parts", "map_by_builder", "map_by_types", "mixed_types", "parts_of"]
