"""What is known of an ONNX model: its values' types and its nodes, without any weights."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from ...model.base import Frozen
from ...model.errors import TrtdoctorError

Number: TypeAlias = "int | float"
Shape: TypeAlias = "tuple[int | None, ...]"
"""Extents, null where one is not known."""
MOST_VALUES = 16
"""Of stored tensors with more elements, no values are kept."""


class OnnxUnavailable(TrtdoctorError):
    """The ``onnx`` package is missing or broken. The message says which and what to do."""


class TensorType(str, Enum):
    """ONNX's own names of element types (``TensorProto.DataType``)."""

    FLOAT = "FLOAT"
    UINT8 = "UINT8"
    INT8 = "INT8"
    UINT16 = "UINT16"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    STRING = "STRING"
    BOOL = "BOOL"
    FLOAT16 = "FLOAT16"
    DOUBLE = "DOUBLE"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    COMPLEX64 = "COMPLEX64"
    COMPLEX128 = "COMPLEX128"
    BFLOAT16 = "BFLOAT16"
    FLOAT8E4M3FN = "FLOAT8E4M3FN"
    FLOAT8E4M3FNUZ = "FLOAT8E4M3FNUZ"
    FLOAT8E5M2 = "FLOAT8E5M2"
    FLOAT8E5M2FNUZ = "FLOAT8E5M2FNUZ"
    UINT4 = "UINT4"
    INT4 = "INT4"
    FLOAT4E2M1 = "FLOAT4E2M1"
    FLOAT8E8M0 = "FLOAT8E8M0"
    UINT2 = "UINT2"
    INT2 = "INT2"


class OnnxValue(Frozen, frozen=True, kw_only=True):
    """A graph input or output; ``type`` and the declared ``shape`` are null where they are not told."""

    name: str
    type: TensorType | None
    shape: Shape | None = None


class OnnxInitializer(Frozen, frozen=True, kw_only=True):
    """A stored constant. ``elements`` is how many; ``external`` when its data lie in another file."""

    name: str
    type: TensorType | None
    elements: int | None
    external: bool = False


class OnnxNode(Frozen, frozen=True, kw_only=True):
    """One operation.

    Attributes:
        label: What TensorRT's parser calls it in a layer's metadata: its name, or ``node_of_`` and
            its first output; inside a subgraph or a local function followed by where it stands.
        name: Its own name; may be empty.
        op: The operator.
        domain: The operator's domain, empty for ONNX's own.
        inputs: Names of values, empty for an input left out. A value inside a subgraph or a
            function carries where it stands after its name. Nodes with subgraphs list what the
            subgraphs give back after their own inputs.
        outputs: Names of values.
        stash_type: In which type a normalisation computes inside, where its operator has such a
            switch.
        float_only: Whether ONNX's standard, at this model's opset, lets the first operand be FLOAT
            and not FLOAT16.
        numbers: The attributes that are numbers or short lists of them.
    """

    label: str
    name: str
    op: str
    domain: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    stash_type: TensorType | None = None
    float_only: bool = False
    numbers: dict[str, Number | tuple[Number, ...]] = msgspec.field(default_factory=dict)


class OnnxFacts(Frozen, frozen=True, kw_only=True):
    """One model, with subgraphs and local functions laid open.

    Attributes:
        source: What evidence calls the model; its file name.
        producer: The exporter and its version, where told.
        ir_version: The version of ONNX's file format, where told.
        opsets: Version by domain.
        inputs: Graph inputs that are no initialisers.
        outputs: Graph outputs.
        initializers: Stored constants, those of subgraphs included.
        nodes: In an order in which every value is made before it is used.
        types: Element types by value, where they follow from the model. As operators define them;
            what the model merely declares counts where an operator does not tell.
        shapes: Shapes by value, where they are known: of stored tensors always, of others where the
            model declares them or shapes were asked for and follow.
        values: The elements of stored tensors that have at most :data:`MOST_VALUES`, in their order,
            where they lie in the model itself.
    """

    source: str
    producer: str | None = None
    ir_version: int | None = None
    opsets: dict[str, int] = msgspec.field(default_factory=dict)
    inputs: tuple[OnnxValue, ...] = ()
    outputs: tuple[OnnxValue, ...] = ()
    initializers: tuple[OnnxInitializer, ...] = ()
    nodes: tuple[OnnxNode, ...] = ()
    types: dict[str, TensorType] = msgspec.field(default_factory=dict)
    shapes: dict[str, Shape] = msgspec.field(default_factory=dict)
    values: dict[str, tuple[Number, ...]] = msgspec.field(default_factory=dict)
