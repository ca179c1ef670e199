"""What ONNX operators are for, as far as a layer's precision depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...readers.onnxmodel import OnnxNode, TensorType

_T = TensorType
FLOAT32 = frozenset({_T.FLOAT, _T.DOUBLE})
BFLOAT16 = frozenset({_T.BFLOAT16})
SIXTEEN_BIT = frozenset({_T.FLOAT16, _T.BFLOAT16})
NARROW = SIXTEEN_BIT | {
    _T.FLOAT8E4M3FN,
    _T.FLOAT8E4M3FNUZ,
    _T.FLOAT8E5M2,
    _T.FLOAT8E5M2FNUZ,
    _T.FLOAT4E2M1,
}
FLOATING = FLOAT32 | SIXTEEN_BIT

CASTS = frozenset({"Cast", "CastLike"})
QUANTIZERS = frozenset({"QuantizeLinear", "DynamicQuantizeLinear"})
DEQUANTIZERS = frozenset({"DequantizeLinear"})
_RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}
    | {"Bernoulli"}
)
_MOVEMENT = (
    frozenset(
        {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Concat", "Split"}
        | {"Slice", "Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements"}
        | {"ScatterND", "Expand", "Tile", "Pad", "DepthToSpace", "SpaceToDepth", "Dropout"}
        | {"ReverseSequence", "Shape", "Size", "Constant", "ConstantOfShape", "If", "Loop", "Scan"}
        | {"SequenceAt", "SequenceConstruct", "SplitToSequence", "ConcatFromSequence", "Compress"}
        | {"TensorScatter", "Trilu", "EyeLike"}
    )
    | CASTS
    | QUANTIZERS
    | DEQUANTIZERS
)
NORMALIZATIONS = frozenset(
    {"LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization"}
    | {"MeanVarianceNormalization", "LpNormalization", "GroupNorm", "SkipLayerNormalization"}
    | {"SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization"}
)
# A normalisation written out: a mean, a root of it, and a division by that root.
_MEANS = frozenset({"ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2"})
_ROOTS = frozenset({"Sqrt", "ReduceL2", "Rsqrt"})
_DIVISIONS = frozenset({"Div", "Reciprocal", "Rsqrt"})


def moves(node: OnnxNode) -> bool:
    """Whether a node only moves, selects or relabels data, or changes its type."""
    return node.op in _MOVEMENT


def folds(node: OnnxNode) -> bool:
    """Whether a node of constants is itself one."""
    return node.op not in _RANDOM and (bool(node.inputs) or node.op == "Constant")


def type_of(node: OnnxNode, types: Mapping[str, TensorType]) -> TensorType | None:
    """The floating type a node computes in; the first operand's where its result is no float."""
    for name in (*node.outputs[:1], *node.inputs[:1]):
        told = types.get(name)
        if told in FLOATING:
            return told
    return None


def untold(node: OnnxNode, types: Mapping[str, TensorType]) -> bool:
    """Whether it is not known whether a node computes on floating data."""
    return node.outputs[:1] != () and node.outputs[0] not in types


def writes_out_a_norm(nodes: Iterable[OnnxNode]) -> bool:
    """Whether these nodes together divide by the root of a mean, as written-out norms do."""
    ops = {node.op for node in nodes}
    return bool(ops & _MEANS and ops & _ROOTS and ops & _DIVISIONS)
