"""Which operands of an operator ONNX lets be of a 16-bit type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import onnx

from ...readers.onnxmodel import TensorType

_VARIADIC = onnx.defs.OpSchema.FormalParameterOption.Variadic


@lru_cache(maxsize=4096)
def operands(op: str, opset: int, to: TensorType) -> tuple[tuple[str, bool], ...] | None:
    """Each formal operand: the name of its type, and whether the 16-bit type is allowed.

    The last one stands for all further ones. None where the operator is not known.
    """
    schema = _schema(op, opset)
    if schema is None:
        return None
    allowed = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    wanted = f"tensor({to.value.lower()})"
    found = []
    for formal in schema.inputs:
        may = wanted in allowed.get(formal.type_str, [formal.type_str])
        # Operands of one name that may differ in type have no type in common.
        alone = formal.option == _VARIADIC and not formal.is_homogeneous
        found.append(("" if alone else formal.type_str, may))
    return tuple(found)


@lru_cache(maxsize=4096)
def makes(op: str, opset: int, to: TensorType) -> bool:
    """Whether an operator can make a value of the 16-bit type."""
    schema = _schema(op, opset)
    if schema is None:
        return False
    allowed = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    wanted = f"tensor({to.value.lower()})"
    return any(wanted in allowed.get(f.type_str, [f.type_str]) for f in schema.outputs)


def _schema(op: str, opset: int) -> Any:
    if not onnx.defs.has(op):
        return None
    try:
        return onnx.defs.get_schema(op, max(opset, 1), "")
    except onnx.defs.SchemaError:
        return None
