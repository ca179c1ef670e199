"""ONNX models, told by walking the outer protobuf fields. Tensors are stepped over, never read."""

from __future__ import annotations

from .kinds import Container, PlanSpan, Recognised
from .source import Source

# ModelProto: ir_version, producer_name, producer_version, domain, model_version, doc_string, graph,
# opset_import, metadata_props, training_info, functions (onnx.proto).
_WIRE_TYPES = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2}
_GRAPH = 7
_MOST_FIELDS = 10_000
_CONTEXT_SCAN = 4 << 20
_MAGICS = (b"ftrt\0\0\0\0", b"vtrt\0\0\0\0")


def recognise_onnx(source: Source) -> Recognised | None:
    """Say whether the file is an ONNX model, whole or cut short, and whether it embeds a plan."""
    walked = _walk(source)
    if walked is None:
        return None
    graph, cut = walked
    context = _context(source, graph)
    damaged = "it is cut short" if cut else None
    if context is None:
        return Recognised(
            container=Container.ONNX,
            what="This is an ONNX model" + (", cut short." if cut else ", not a TensorRT engine."),
            to_do="Copy it again."
            if cut
            else "Build a plan from it first, with trtexec or the builder.",
            damaged=damaged,
        )
    return Recognised(
        container=Container.EP_CONTEXT,
        what="This is an ONNX Runtime context model"
        + (" with a plan inside." if context.length else "; its plan is a file of its own."),
        to_do="Load it with ONNX Runtime" + (", or extract the plan." if context.length else "."),
        plan=context if context.length else None,
        damaged=damaged,
    )


def _walk(source: Source) -> tuple[tuple[int, int], bool] | None:
    """Return where the graph lies and whether the file ends within it; None for no model."""
    position, size = 0, source.size
    graph: tuple[int, int] | None = None
    ir_version = 0
    for _ in range(_MOST_FIELDS):
        if position >= size:
            break
        key, position = _varint(source, position)
        number, wire = key >> 3, key & 7
        if key < 0 or _WIRE_TYPES.get(number) != wire:
            return None
        value, position = _varint(source, position)
        if value < 0:
            return None
        if number == 1:
            ir_version = value
        if wire == 2:
            if number == _GRAPH:
                graph = (position, value)
            if value > size - position:
                if graph is None or not 1 <= ir_version <= 64:
                    return None
                return graph, True
            position += value
    if graph is None or not 1 <= ir_version <= 64 or position < size:
        return None
    return graph, False


def _varint(source: Source, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(source.read(position, 10)):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    return -1, position


def _context(source: Source, graph: tuple[int, int]) -> PlanSpan | None:
    """Return the plan in an EPContext node; with length 0 where the node names a file instead."""
    start, length = graph
    window = source.read(start, min(length, _CONTEXT_SCAN))
    if b"EPContext" not in window:
        return None
    at = min((found for magic in _MAGICS if (found := window.find(magic)) >= 0), default=-1)
    if at < 0:
        return PlanSpan(offset=0, length=0)
    offset = start + at
    size = int.from_bytes(source.read(offset + 16, 8), "little")
    room = source.size - offset
    return PlanSpan(offset=offset, length=size if 64 <= size <= room else room)
