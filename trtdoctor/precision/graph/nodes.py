"""A model's nodes as the layers that a strongly typed build makes of them, one for each.

How the compiler fuses them is its own affair; the type that each computes in is the model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from ...model.engine import Layer, LayerTensor, Precision, Role
from ...model.report import Confidence
from ...readers.onnxmodel import OnnxFacts, OnnxNode, TensorType
from .operators import DEQUANTIZERS, FLOATING, QUANTIZERS, folds, moves, type_of

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


class NodeType(NamedTuple):
    """What a node is for, and the type that a strongly typed build computes it in."""

    node: OnnxNode
    role: Role
    precision: Precision


def node_types(model: OnnxFacts) -> Iterator[NodeType]:
    """Every node in the model's order.

    A node whose type does not follow from the model is of unknown precision. A node of constants
    alone is a constant, since every build folds it. What multiplies dequantised data by dequantised
    data computes in the quantised type; what else stands between a DequantizeLinear and a
    QuantizeLinear may or may not, so that it is unknown.
    """
    constant = {stored.name for stored in model.initializers}
    quantised: dict[str, TensorType | None] = {}
    requantised = {node.inputs[0] for node in model.nodes if node.op in QUANTIZERS and node.inputs}
    for node in model.nodes:
        fixed = folds(node) and all(name in constant for name in node.inputs if name)
        if fixed:
            constant.update(node.outputs)
        if node.op in DEQUANTIZERS and node.inputs and node.outputs:
            quantised[node.outputs[0]] = model.types.get(node.inputs[0])
        yield NodeType(
            node,
            _role(node, model.types, fixed=fixed),
            _precision(node, model.types, quantised, constant, requantised),
        )


def layers_of_model(model: OnnxFacts) -> tuple[Layer, ...]:
    """The model's nodes in their order, with the types that a strongly typed build gives them."""
    seen: Counter[str] = Counter()
    layers = []
    for node, role, precision in node_types(model):
        seen[node.label] += 1
        again = f" ({seen[node.label]})" if seen[node.label] > 1 else ""
        layers.append(
            Layer(
                name=f"{node.label}{again}",
                type=node.op,
                onnx_nodes=(node.label,),
                inputs=_tensors([name for name in node.inputs if name], model.types),
                outputs=_tensors(node.outputs, model.types),
                precision=precision,
                precision_confidence=None if precision is _P.UNKNOWN else Confidence.LIKELY,
                precision_evidence=("the type that the model gives it",),
                role=role,
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
    constant: Container[str],
    requantised: Container[str],
) -> Precision:
    kind = type_of(node, types)
    if quantised:
        data = [name for name in node.inputs[:2] if name]
        read = [name for name in data if name in quantised]
        if node.op in _MULTIPLIES:
            # Weights alone that were quantised are brought back first: that is FP16 arithmetic.
            if len(read) == 2 and not all(name in constant for name in read):
                kind = quantised[next(name for name in read if name not in constant)]
        elif any(name in requantised for name in node.outputs) and any(
            name in quantised and name not in constant for name in node.inputs
        ):
            return _P.UNKNOWN
    return _PRECISIONS.get(kind, _P.UNKNOWN) if kind is not None else _P.UNKNOWN


def _tensors(
    names: list[str] | tuple[str, ...], types: Mapping[str, TensorType]
) -> tuple[LayerTensor, ...]:
    kinds = [(name, types.get(name)) for name in names]
    return tuple(
        LayerTensor(name=name, dtype=_DTYPES.get(kind) if kind is not None else None)
        for name, kind in kinds
    )
