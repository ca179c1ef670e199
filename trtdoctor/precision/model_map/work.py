"""How much a model's nodes do: floating-point operations and bytes, where shapes tell."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from ...model.model_report import Work
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType

_T = TensorType
_BITS = {
    **dict.fromkeys((_T.DOUBLE, _T.INT64, _T.UINT64, _T.COMPLEX64), 64),
    **dict.fromkeys((_T.FLOAT, _T.INT32, _T.UINT32), 32),
    **dict.fromkeys((_T.FLOAT16, _T.BFLOAT16, _T.INT16, _T.UINT16), 16),
    **dict.fromkeys((_T.INT8, _T.UINT8, _T.BOOL, _T.FLOAT8E4M3FN, _T.FLOAT8E5M2), 8),
    **dict.fromkeys((_T.INT4, _T.UINT4, _T.FLOAT4E2M1), 4),
}


class Workload:
    """The work of each node of one model."""

    def __init__(self, model: OnnxFacts) -> None:
        self._model = model
        self._counts: dict[str, int | None] = {}
        self._known: dict[int, tuple[int | None, int | None]] = {}

    def of(self, places: Iterable[int]) -> Work:
        """The work of the nodes at these places of the model together."""
        several = [self._node(place) for place in places]
        flops, moved = 0, 0
        for one, both in several:
            if one is None or both is None:
                return Work(nodes=len(several))
            flops, moved = flops + one, moved + both
        return Work(nodes=len(several), flops=flops, bytes=moved)

    def _node(self, place: int) -> tuple[int | None, int | None]:
        """Operations and bytes of one node; each is in a region of every map."""
        known = self._known.get(place)
        if known is None:
            node = self._model.nodes[place]
            known = self._known[place] = (self._flops(node), self._bytes(node))
        return known

    def _elements(self, name: str) -> int | None:
        if name not in self._counts:
            self._counts[name] = self._counted(name)
        return self._counts[name]

    def _counted(self, name: str) -> int | None:
        shape = self._model.shapes.get(name)
        if shape is None or None in shape:
            return None
        return prod(extent for extent in shape if extent is not None)

    def _bytes(self, node: OnnxNode) -> int | None:
        """Bytes that it reads and writes, each operand once, as the model's types have them."""
        total = 0
        for name in (*node.inputs, *node.outputs):
            if not name:
                continue
            elements, kind = self._elements(name), self._model.types.get(name)
            if elements is None or kind is None:
                return None
            total += elements * _BITS.get(kind, 32) // 8
        return total

    def _flops(self, node: OnnxNode) -> int | None:
        made = self._elements(node.outputs[0]) if node.outputs else None
        if made is None:
            return None
        if node.op in ("Conv", "ConvTranspose", "MatMul", "Gemm") and len(node.inputs) > 1:
            depth = self._depth(node)
            if depth is None:
                return None
            if node.op == "ConvTranspose":
                read = self._elements(node.inputs[0])
                return None if read is None else 2 * read * depth
            return 2 * made * depth
        read = self._elements(node.inputs[0]) if node.inputs and node.inputs[0] else None
        return max(made, read or 0)

    def _depth(self, node: OnnxNode) -> int | None:
        """How many products each element is a sum of (of a ConvTranspose: each input's has)."""
        shape = self._model.shapes.get(node.inputs[1])
        if not shape:
            return None
        if node.op in ("Conv", "ConvTranspose"):
            kernel = shape[1:]
        elif node.op == "Gemm":
            kernel = shape[1:2] if node.numbers.get("transB") else shape[:1]
        else:
            kernel = shape[-2:-1] if len(shape) > 1 else shape
        if not kernel or None in kernel:
            return None
        return prod(extent for extent in kernel if extent is not None)
