"""Which operands and results of a node may be of a 16-bit type, by ONNX's own schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...readers.onnxmodel import TensorType

_NAMES = {TensorType.FLOAT16: "tensor(float16)", TensorType.BFLOAT16: "tensor(bfloat16)"}
STANDARD = ("", "ai.onnx")
# Their other operands have types of their own, which TensorRT wants in FP32.
_FIRST_ALONE = frozenset({"Resize", "Upsample"})


@dataclass(frozen=True)
class Operands:
    """Positions of a node that may become 16-bit.

    ``inputs`` and ``outputs`` answer for a position; ``known`` is false where this onnx package has
    no schema.
    """

    taken: tuple[str | None, ...]
    made: tuple[str | None, ...]
    open_inputs: bool
    open_outputs: bool
    known: bool = True

    def input(self, position: int) -> str | None:
        """The type parameter of an input that may be 16-bit; None where it may not."""
        return _at(self.taken, position, self.open_inputs)

    def output(self, position: int) -> str | None:
        """The type parameter of an output that may be 16-bit; None where it may not."""
        return _at(self.made, position, self.open_outputs)


def _at(row: tuple[str | None, ...], position: int, open_ended: bool) -> str | None:
    if position < len(row):
        return row[position]
    return row[-1] if row and open_ended else None


_NOTHING = Operands((), (), open_inputs=False, open_outputs=False, known=False)


class Schemas:
    """The schemas of one model's operators.

    Args:
        onnx: The package.
        opsets: Version by domain.
        to: The 16-bit type.
    """

    def __init__(self, onnx: Any, opsets: Mapping[str, int], to: TensorType) -> None:
        self._onnx = onnx
        self._opset = opsets.get("", opsets.get("ai.onnx", 1))
        self._wanted = _NAMES[to]
        self.operands = lru_cache(maxsize=None)(self._operands)

    def makes(self, op: str) -> bool:
        """Whether one of ONNX's own operators may give a 16-bit result."""
        return self.operands(op, "").output(0) is not None

    def _operands(self, op: str, domain: str) -> Operands:
        defs = self._onnx.defs
        if domain not in STANDARD or not defs.has(op):
            return _NOTHING
        try:
            schema = defs.get_schema(op, max(self._opset, 1), "")
        except defs.SchemaError:
            return _NOTHING
        allowed = {
            each.type_param_str: self._wanted in each.allowed_type_strs
            for each in schema.type_constraints
        }

        def row(formals: Any) -> tuple[str | None, ...]:
            return tuple(
                formal.type_str if allowed.get(formal.type_str) else None for formal in formals
            )

        many = defs.OpSchema.FormalParameterOption.Variadic
        taken = row(schema.inputs)
        if op in _FIRST_ALONE:
            taken = (taken[0], *(None for _ in taken[1:]))
        return Operands(
            taken,
            row(schema.outputs),
            open_inputs=bool(schema.inputs) and schema.inputs[-1].option == many,
            open_outputs=bool(schema.outputs) and schema.outputs[-1].option == many,
        )
