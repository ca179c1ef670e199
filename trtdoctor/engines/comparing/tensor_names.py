"""Which names of tensors last from one build to the next."""

from __future__ import annotations

import re

# What TensorRT and Myelin call tensors of their own making, numbered anew in each build.
_PASSING = re.compile(r"^Reformatted (?:Input|Output) Tensor \d+ |^__my|_myl\d|^\(Unnamed Layer")


def lasting(name: str) -> bool:
    """Whether the model or the parser gave the name, so that another build has it too."""
    return bool(name) and _PASSING.search(name) is None
