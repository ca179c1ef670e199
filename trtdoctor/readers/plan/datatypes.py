"""Data types and shapes as plans, the inspector and Myelin write them, in the document's words."""

from __future__ import annotations

TENSORRT_TYPES = {
    0: "FP32",
    1: "FP16",
    2: "INT8",
    3: "INT32",
    4: "BOOL",
    5: "UINT8",
    6: "FP8",
    7: "BF16",
    8: "INT64",
    9: "INT4",
    10: "FP4",
}
"""``nvinfer1::DataType``, from NvInferRuntimeBase.h."""

INSPECTOR_TYPES = {
    "Float": "FP32",
    "Half": "FP16",
    "Int8": "INT8",
    "Int32": "INT32",
    "Bool": "BOOL",
    "UInt8": "UINT8",
    "FP8": "FP8",
    "BFloat16": "BF16",
    "Int64": "INT64",
    "Int4": "INT4",
    "FP4": "FP4",
}

MYELIN_TYPES = {
    "float": "FP32",
    "half": "FP16",
    "bf16": "BF16",
    "bfloat16": "BF16",
    "int8": "INT8",
    "int32": "INT32",
    "int64": "INT64",
    "bool": "BOOL",
    "uint8": "UINT8",
    "fp8_e4m3": "FP8",
    "int4": "INT4",
    "fp4_e2m1": "FP4",
}


def plain_shape(extents: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape with -1 for each dynamic extent; a plan has a symbol's number there."""
    return tuple(-1 if extent < 0 else extent for extent in extents)
