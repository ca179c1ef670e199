"""What the file name of a cached engine says: the model's hash, the types allowed, the GPU.

ONNX Runtime finds a cached engine by its name alone
(``onnxruntime/core/providers/tensorrt/tensorrt_execution_provider.cc`` and ``..._utils.h``):

- ``TensorrtExecutionProvider_TRTKernel_graph_GRAPH_HASH_SUBGRAPH_NODE[_fp16][_int8]_sm86.engine``
- with ``trt_engine_cache_prefix``: ``PREFIX_HASH_SUBGRAPH[_fp16][_int8]_sm86.engine``
- ``_sm80+`` with ``trt_engine_hw_compatible``; no ``_sm`` in names that older releases gave
- ``.stripped.engine`` where weights are left out

HASH is of the model's file name, the names of its inputs and of the outputs of its nodes, the operating
system, and the versions of ONNX Runtime, CUDA and TensorRT (major and minor). An engine whose hash does
not come out again is never loaded, and never deleted.
"""

from __future__ import annotations

import re

from ...model.base import Frozen

_TAIL = r"(?P<types>(?:_(?:fp16|bf16|int8))*)(?:_sm(?P<sm>\d{2,3})(?P<newer>\+)?)?"
_OWN = re.compile(
    r"(?P<provider>\w+ExecutionProvider)_TRTKernel_graph_(?P<graph>.+)_(?P<hash>\d{1,20})"
    rf"_(?P<subgraph>\d{{1,6}})_\d{{1,6}}{_TAIL}",
    re.DOTALL,
)
# A prefix can be anything, and so can the names of engines that no provider made.
_PREFIXED = re.compile(
    rf"(?P<graph>.+)_(?P<hash>\d{{12,20}})_(?P<subgraph>\d{{1,6}}){_TAIL}", re.DOTALL
)
_LONGEST = 1024


class CacheName(Frozen, frozen=True, kw_only=True):
    """What a cached engine's name tells.

    Attributes:
        graph: The graph's name, or the prefix that the user chose.
        model_hash: Of the model and of the versions that built its engine.
        subgraph: Which part of the model it is, from 0.
        types: The types that the provider allowed beside FP32.
        compute_capability: Of the GPU that it was built on; null where the name does not tell.
        newer_too: Built for that one and newer ones.
        stripped: Without its weights.
    """

    graph: str
    model_hash: str
    subgraph: int
    types: tuple[str, ...] = ()
    compute_capability: str | None = None
    newer_too: bool = False
    stripped: bool = False

    @property
    def place(self) -> tuple[object, ...]:
        """What is the same in names of engines of which only one is loaded."""
        return (self.graph, self.subgraph, self.types, self.compute_capability, self.newer_too)


def parse_name(name: str) -> CacheName | None:
    """What a file name tells; None where no provider of ONNX Runtime gave it."""
    if not name.endswith(".engine") or len(name) > _LONGEST:
        return None
    stem = name.removesuffix(".engine")
    stripped = stem.endswith(".stripped")
    stem = stem.removesuffix(".stripped")
    found = _OWN.fullmatch(stem) or _PREFIXED.fullmatch(stem)
    if found is None:
        return None
    sm = found["sm"]
    return CacheName(
        graph=found["graph"],
        model_hash=found["hash"],
        subgraph=int(found["subgraph"]),
        types=tuple(word.upper() for word in found["types"].split("_") if word),
        compute_capability=capability(sm) if sm else None,
        newer_too=bool(found["newer"]),
        stripped=stripped,
    )


def capability(digits: str) -> str:
    """A compute capability as NVIDIA writes it, from digits alone: ``8.6`` of ``86``."""
    return f"{digits[:-1]}.{digits[-1]}"
