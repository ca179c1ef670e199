"""The layers that a plan's own bytes tell of: no GPU, no TensorRT, no precision judged.

Names, order and tensors come from the layer records, types and weights and tactics from the
key-value pool (8.0 to 10.3), the insides of fused blocks from the Myelin text (8.6, 10.9,
TensorRT-RTX). All of it is observed in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from ...model.engine import Layer, LayerTensor
from ..files.kinds import Encoding
from ..files.source import Source, open_source
from .container import MAGICS, VTRT, PlanFile, read_container
from .datatypes import TENSORRT_TYPES, plain_shape
from .identify import identify, open_plan
from .keyvalue import read_pool, weights
from .myelin import program_layers, read_program
from .onnxnodes import onnx_nodes
from .result import FusedBlock, Problem, StaticLayers
from .scan import EngineScan, LayerRecord, Reference
from .stream import TaggedStream

STREAM_ITEMS = 2_000_000
"""Items walked at most; an engine of some thousand layers has fewer."""

_TEXT_LIMIT = 32 << 20
_OPENED_FROM = 10

# An implementation that does nothing leaves no keys. Its number was the same in every release seen,
# and the inspector of 8.5 and 8.6 calls those layers NoOp.
_NO_OPERATION = 44
_NO_OPERATION_RELEASES = ((8, 5), (8, 6), (10, 0), (10, 1), (10, 3))


def static_layers(source: Path | BinaryIO | bytes | Source) -> StaticLayers:
    """Return the layers of a plan, or of the plan in a file around it.

    Reads all of the plan but its weights. Never raises on content: what is missing is told in the
    result.

    Raises:
        OSError: The file cannot be opened or read, or is no regular file.
    """
    with open_source(source) as opened:
        plan: Source | None = opened
        if opened.read(0, 4) not in MAGICS:
            span = identify(opened).plan
            plan = open_plan(opened, span) if span is not None else None
            if span is not None and span.encoding is Encoding.GZIP:
                return StaticLayers(reason="The plan is compressed: decompress it first.")
        if plan is None or plan.read(0, 4) not in MAGICS:
            return StaticLayers(reason="There is no plan, or one too old to list its layers.")
        return _layers(plan)


def _layers(source: Source) -> StaticLayers:
    plan = read_container(source)
    if plan.block is None:
        return StaticLayers(
            reason="The engine in the plan was not found, or has an unknown layout."
        )
    stream = TaggedStream(source, plan.block.start, plan.block.end, limit=STREAM_ITEMS)
    scan = EngineScan(stream).run()
    reason = None
    if (
        any(problem.problem is Problem.TRUNCATED for problem in plan.problems)
        or not source.complete
    ):
        reason = "The plan is cut short."
    elif stream.exhausted or scan.overflow:
        reason = "The plan has more items than are read."
    elif not stream.complete:
        reason = f"The plan is damaged, or of an unknown layout, at {stream.stopped_at}."
    pool = read_pool(source, stream, scan.pool) if scan.pool is not None else None
    if pool is not None and len(pool) != len(scan.layers):
        # Which entry is whose is then unknown.
        pool = None
        reason = reason or "The records of layers and their keys and values differ in number."
    dtypes = {tensor.name: TENSORRT_TYPES.get(tensor.dtype) for tensor in scan.tensors}
    layers = [
        _layer(record, dtypes, (pool[index] if pool is not None else None) or {})
        for index, record in enumerate(scan.layers)
    ]
    if pool is not None and plan.version is not None:
        known = plan.version[:2] in _NO_OPERATION_RELEASES
        for index, record in enumerate(scan.layers):
            if known and pool[index] is None and record.code == _NO_OPERATION:
                layers[index] = msgspec.structs.replace(layers[index], type="NoOp")
    return _with_blocks(source, plan, scan, layers, reason)


def _with_blocks(
    source: Source, plan: PlanFile, scan: EngineScan, layers: list[Layer], reason: str | None
) -> StaticLayers:
    opened = plan.magic == VTRT or (plan.version is not None and plan.version[0] >= _OPENED_FROM)
    shown: list[tuple[Layer, ...]] = [(layer,) for layer in layers]
    blocks: list[FusedBlock] = []
    read = 0
    for part in scan.myelin:
        if not 0 <= part.layer < len(layers):
            continue
        if read > _TEXT_LIMIT:
            reason = reason or "The fused blocks have more text than is read."
            break
        program = read_program(source, part.offset, part.length)
        if program is None:
            continue
        read += program.length
        layer = layers[part.layer]
        inside = program_layers(program, len(blocks))
        blocks.append(FusedBlock(name=layer.name, compiler=program.version, layers=inside))
        if not program.complete:
            reason = reason or "A fused block is cut short, or larger than is read."
        shown[part.layer] = inside if opened and inside else (_fused(layer),)
    return StaticLayers(
        layers=tuple(layer for group in shown for layer in group),
        blocks=tuple(blocks),
        complete=reason is None,
        reason=reason,
    )


def _layer(record: LayerRecord, dtypes: dict[str, str | None], pairs: dict[str, str]) -> Layer:
    return Layer(
        name=record.name,
        type=pairs.get("ParameterType"),
        onnx_nodes=onnx_nodes(record.metadata or ""),
        inputs=tuple(_tensor(reference, dtypes) for reference in record.inputs),
        outputs=tuple(_tensor(reference, dtypes) for reference in record.outputs),
        weights=weights(pairs),
        tactic=pairs.get("TacticName"),
    )


def _fused(layer: Layer) -> Layer:
    return Layer(
        name=layer.name,
        type="Myelin",
        onnx_nodes=layer.onnx_nodes,
        inputs=layer.inputs,
        outputs=layer.outputs,
    )


def _tensor(reference: Reference, dtypes: dict[str, str | None]) -> LayerTensor:
    shape = reference.extents[1] if len(reference.extents) == 2 else None
    if shape is not None:
        shape = plain_shape(shape)
    return LayerTensor(name=reference.name, dtype=dtypes.get(reference.name), shape=shape)
