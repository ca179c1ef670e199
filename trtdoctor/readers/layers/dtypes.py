"""Data types and formats in TensorRT's many spellings, brought to the document's names."""

from __future__ import annotations

import re

from trtdoctor.model.engine import Precision

_NAMES: dict[str, Precision] = {
    "float": Precision.FP32,
    "float32": Precision.FP32,
    "fp32": Precision.FP32,
    "half": Precision.FP16,
    "float16": Precision.FP16,
    "fp16": Precision.FP16,
    "bfloat16": Precision.BF16,
    "bf16": Precision.BF16,
    "fp8": Precision.FP8,
    "fp8e4m3": Precision.FP8,
    "fp8e4m3fn": Precision.FP8,
    "float8": Precision.FP8,
    "e4m3": Precision.FP8,
    "e5m2": Precision.FP8,
    "fp4": Precision.FP4,
    "fp4e2m1": Precision.FP4,
    "float4": Precision.FP4,
    "e2m1": Precision.FP4,
    "int8": Precision.INT8,
    "int4": Precision.INT4,
    "int32": Precision.INT32,
    "int64": Precision.INT64,
    "bool": Precision.BOOL,
    "uint8": Precision.UINT8,
}

_WORD = re.compile(r"E\dM\d|[A-Za-z]+\d*")


def dtype_of(text: str) -> Precision | None:
    """The type that a bare name such as ``Half``, ``kFP8`` or ``DataType.BF16`` stands for."""
    word = text.strip().rsplit(".", 1)[-1]
    if word.startswith("k") and word[1:2].isupper():
        word = word[1:]
    return _NAMES.get(re.sub(r"[_-]", "", word).lower())


def split_format(text: str) -> tuple[str | None, str | None]:
    """Splits ``Format/Datatype`` into data type and format.

    Without an execution context the inspector writes a bare type (``Half``), with one a sentence
    that contains it (``Channel major FP16 format where channel % 8 == 0``), and for dynamic shapes
    neither. A sentence that names no type, or two different ones, gives none.

    Returns:
        The type in the document's names or None, and the sentence or None where it was a bare type.
    """
    text = text.strip()
    if not text:
        return None, None
    bare = dtype_of(text)
    if bare is not None:
        return bare.value, None
    found = {p for p in (dtype_of(word) for word in _WORD.findall(text)) if p is not None}
    return (found.pop().value if len(found) == 1 else None), text
