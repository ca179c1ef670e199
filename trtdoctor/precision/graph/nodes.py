"""A model's nodes as the layers that a strongly typed build makes of them, one for each.

How the compiler fuses them is its own affair; the type that each computes in is the model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...model.engine import Layer, LayerTensor, Precision, Role
from ...model.report import Confidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from .operators import DEQUANTIZERS, FLOATING, folds, moves, type_of

_T, _P = TensorType, Precision
_PRECISIONS = {
    _T.FLOAT: _P.FP32,
    _T.DOUBLE: _P.FP32,
    _T.FLOAT16: _P.FP16,
    _T.BFLOAT16: _P.BF16,
    _T.INT8: _P.INT8,
    _T.UINT8: _P.INT8,
    _T.FLOAT8E4M3FN: _P.FP8,
    _T.FLOAT8E5M2: _P.FP8,
    _T.FLOAT4E2M1: _P.FP4,
}
_DTYPES = {
    **{kind: precision.value for kind, precision in _PRECISIONS.items()},
    _T.INT32: "INT32",
    _T.INT64: "INT64",
    _T.BOOL: "BOOL",
}
# What multiplies quantised data as such, instead of dequantised ones.
_MULTIPLIES = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def layers_of_model(model: OnnxFacts) -> tuple[Layer, ...]:
    """The model's nodes in their order, with the types that a strongly typed build gives them.

    A node whose type does not follow from the model is of unknown precision. A node of constants
    alone is a constant, since every build folds it. What multiplies dequantised data computes in the
    quantised type; what else reads such data may or may not, so that it is unknown.
    """
    constant = {stored.name for stored in model.initializers}
    quantised: dict[str, TensorType | None] = {}
    seen: Counter[str] = Counter()
    layers = []
    for node in model.nodes:
        inputs = [name for name in node.inputs if name]
        fixed = folds(node) and all(name in constant for name in inputs)
        if fixed:
            constant.update(node.outputs)
        if node.op in DEQUANTIZERS and not fixed:
            quantised[node.outputs[0]] = model.types.get(inputs[0]) if inputs else None
        seen[node.label] += 1
        again = f" ({seen[node.label]})" if seen[node.label] > 1 else ""
        precision = _precision(node, model.types, quantised)
        layers.append(
            Layer(
                name=f"{node.label}{again}",
                type=node.op,
                onnx_nodes=(node.label,),
                inputs=_tensors(inputs, model.types),
                outputs=_tensors(node.outputs, model.types),
                precision=precision,
                precision_confidence=None if precision is _P.UNKNOWN else Confidence.LIKELY,
                precision_evidence=("the type that the model gives it",),
                role=_role(node, model.types, fixed=fixed),
            )
        )
    return tuple(layers)


def _role(node: OnnxNode, types: Mapping[str, TensorType], *, fixed: bool) -> Role:
    if fixed:
        return Role.CONSTANT
    if moves(node):
        return Role.DATA_MOVEMENT
    told = [types.get(name) for name in (*node.inputs, *node.outputs) if name]
    if all(kind is not None and kind not in FLOATING for kind in told):
        return Role.SHAPE
    return Role.COMPUTE


def _precision(
    node: OnnxNode,
    types: Mapping[str, TensorType],
    quantised: Mapping[str, TensorType | None],
) -> Precision:
    read = [quantised[name] for name in node.inputs if name in quantised]
    if read and node.op not in _MULTIPLIES:
        return _P.UNKNOWN
    kind = read[0] if read else type_of(node, types)
    return _PRECISIONS.get(kind, _P.UNKNOWN) if kind is not None else _P.UNKNOWN


def _tensors(
    names: list[str] | tuple[str, ...], types: Mapping[str, TensorType]
) -> tuple[LayerTensor, ...]:
    kinds = [(name, types.get(name)) for name in names]
    return tuple(
        LayerTensor(name=name, dtype=_DTYPES.get(kind) if kind is not None else None)
        for name, kind in kinds
    )
