"""The element types of a node's outputs, by what its operator defines.

Operators' own schemas, which the ``onnx`` package holds, say which outputs have an input's type or
one fixed type; the rest follows from an attribute or from the operands named here. What neither
tells is not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .onnx_facts import TensorType

_T = TensorType
NUMBERS: tuple[TensorType | None, ...] = (None, *TensorType)
"""Element types by their number in TensorProto.DataType; 0 is none."""

Types = Sequence["TensorType | None"]
Attribute = Callable[[str], Any]

_BY_SCHEMA_NAME = {
    **{f"tensor({t.value.lower()})": t for t in TensorType},
    "tensor(float)": _T.FLOAT,
}
_STANDARD = ("", "ai.onnx")
# Real models ask the same few hundred questions; a made-up one shall not fill the memory.
_MOST_ANSWERS = 10_000
# In whichever domain they stand; the type that a missing zero point stands for.
_QUANTIZERS = {"QuantizeLinear": _T.UINT8, "DequantizeLinear": None}
_TYPE_ATTRIBUTE = {
    "RandomNormal": ("dtype", _T.FLOAT),
    "RandomUniform": ("dtype", _T.FLOAT),
    "Multinomial": ("dtype", _T.INT32),
    "BlackmanWindow": ("output_datatype", _T.FLOAT),
    "HammingWindow": ("output_datatype", _T.FLOAT),
    "HannWindow": ("output_datatype", _T.FLOAT),
    "MelWeightMatrix": ("output_datatype", _T.FLOAT),
}
_TYPE_ATTRIBUTE_OR_INPUT = frozenset(
    {"RandomNormalLike", "RandomUniformLike", "Bernoulli", "EyeLike"}
)
_CONSTANT_FIELDS = {
    "value_float": _T.FLOAT,
    "value_floats": _T.FLOAT,
    "value_int": _T.INT64,
    "value_ints": _T.INT64,
    "value_string": _T.STRING,
    "value_strings": _T.STRING,
}


def by_number(number: Any) -> TensorType | None:
    """The element type with this number, None where there is none such."""
    if isinstance(number, int) and 0 < number < len(NUMBERS):
        return NUMBERS[number]
    return None


class OperatorTypes:
    """Types of outputs, with each operator's schema looked up once."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._rules: dict[tuple[str, str, int], tuple[Any, ...]] = {}
        self._float_only: dict[tuple[str, int], bool] = {}
        self._answers: dict[tuple[Any, ...], list[TensorType | None]] = {}

    def outputs(
        self,
        op: str,
        domain: str,
        opset: int,
        inputs: Types,
        count: int,
        attribute: Attribute,
    ) -> list[TensorType | None]:
        """The types of a node's outputs, None where they do not follow."""
        first = inputs[0] if inputs else None
        if op in _QUANTIZERS:
            return [_quantized(op, inputs, attribute)] * count
        if domain not in _STANDARD:
            return [None] * count
        if op == "Cast":
            return [by_number(attribute("to"))] * count
        if op == "CastLike":
            return [inputs[1] if len(inputs) > 1 else None] * count
        if op == "Constant":
            return [_constant(attribute)] * count
        if op == "ConstantOfShape":
            value = attribute("value")
            return [_T.FLOAT if value is None else _stored_type(value)] * count
        if op in _TYPE_ATTRIBUTE:
            name, default = _TYPE_ATTRIBUTE[op]
            number = attribute(name)
            return [default if number is None else by_number(number)] * count
        if op in _TYPE_ATTRIBUTE_OR_INPUT:
            number = attribute("dtype")
            return [first if number is None else by_number(number)] * count
        asked = (op, domain, opset, count, *inputs)
        known = self._answers.get(asked)
        if known is None:
            known = self._by_schema(op, domain, opset, inputs, count)
            if len(self._answers) < _MOST_ANSWERS:
                self._answers[asked] = known
        found = list(known)
        if op == "LayerNormalization":
            stash = stash_type(op, attribute)
            found[1:] = [stash] * (count - 1)
        return found

    def float_only(self, op: str, domain: str, opset: int) -> bool:
        """Whether an operator's schema lets its first operand be FLOAT and not FLOAT16."""
        if domain not in _STANDARD:
            return False
        key = (op, opset)
        if key not in self._float_only:
            schema = self._schema(op, opset)
            taken = _allowed(schema, schema.inputs[0]) if schema and schema.inputs else []
            self._float_only[key] = "tensor(float)" in taken and "tensor(float16)" not in taken
        return self._float_only[key]

    def _by_schema(
        self, op: str, domain: str, opset: int, inputs: Types, count: int
    ) -> list[TensorType | None]:
        key = (op, domain, opset)
        if key not in self._rules:
            self._rules[key] = self._rules_of(op, opset)
        rules, variadic_from, variadic = self._rules[key] or ((), 0, False)
        answer: list[TensorType | None] = []
        for index in range(count):
            rule = rules[min(index, len(rules) - 1)] if rules else None
            if index >= len(rules) and not variadic:
                rule = None
            if isinstance(rule, TensorType):
                answer.append(rule)
            elif rule:
                told = {
                    known
                    for at, known in enumerate(inputs)
                    if known is not None and min(at, variadic_from) in rule
                }
                answer.append(told.pop() if len(told) == 1 else None)
            else:
                answer.append(None)
        return answer

    def _schema(self, op: str, opset: int) -> Any:
        """The operator's schema at an opset; None where this onnx package has none."""
        defs = self._onnx.defs
        if not defs.has(op):
            return None
        try:
            return defs.get_schema(op, max(opset, 1), "")
        except defs.SchemaError:
            return None

    def _rules_of(self, op: str, opset: int) -> tuple[Any, ...]:
        schema = self._schema(op, opset)
        if schema is None:
            return ()
        taken: dict[str, set[int]] = {}
        for index, formal in enumerate(schema.inputs):
            taken.setdefault(formal.type_str, set()).add(index)
        many = self._onnx.defs.OpSchema.FormalParameterOption.Variadic
        rules: list[Any] = []
        for formal in schema.outputs:
            names = _allowed(schema, formal)
            if len(names) == 1:
                rules.append(_BY_SCHEMA_NAME.get(names[0]))
            else:
                rules.append(frozenset(taken.get(formal.type_str, ())))
        last = schema.inputs[-1] if schema.inputs else None
        open_ended = last is not None and last.option == many and last.is_homogeneous
        variadic_from = len(schema.inputs) - 1 if open_ended else 1 << 30
        return (
            tuple(rules),
            variadic_from,
            bool(schema.outputs and schema.outputs[-1].option == many),
        )


def _allowed(schema: Any, formal: Any) -> list[str]:
    """The types that a schema lets one of its inputs or outputs be of."""
    found = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    return found.get(formal.type_str, [formal.type_str])


def stash_type(op: str, attribute: Attribute) -> TensorType | None:
    """In which type a normalisation computes inside, where its operator has a switch for that.

    ``stash_type`` is FLOAT by default: LayerNormalization from opset 17, RMSNormalization from 23,
    GroupNormalization from 21 (onnx Operators.md).
    """
    if op not in ("LayerNormalization", "RMSNormalization", "GroupNormalization"):
        return None
    number = attribute("stash_type")
    return _T.FLOAT if number is None else by_number(number)


def _quantized(op: str, inputs: Types, attribute: Attribute) -> TensorType | None:
    number = attribute("output_dtype")
    if number:
        return by_number(number)
    if op == "DequantizeLinear":
        return inputs[1] if len(inputs) > 1 else None
    return (inputs[2] if len(inputs) > 2 else None) or (
        _QUANTIZERS[op] if len(inputs) < 3 else None
    )


def _constant(attribute: Attribute) -> TensorType | None:
    value = attribute("value")
    if value is not None:
        return _stored_type(value)
    sparse = attribute("sparse_value")
    if sparse is not None:
        return _stored_type(getattr(sparse, "values", None))
    return next((t for name, t in _CONSTANT_FIELDS.items() if attribute(name) is not None), None)


def _stored_type(value: Any) -> TensorType | None:
    """A tensor's element type; None for an attribute that is no tensor though it should be one."""
    return by_number(getattr(value, "data_type", None))
