"""How precisions look: a colour that colour-blind people can tell apart, a pattern, and a short word.

The colours are those of Okabe and Ito. No look differs from another by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from trtdoctor.model.engine import Layer, Precision, Role


@dataclass(frozen=True, kw_only=True)
class Look:
    """One kind of layer on a map.

    Attributes:
        key: What its pattern is called in a page, ``p-fp32``, and what tells it from the others.
        word: What it is called in a legend.
        short: What stands on a wide part of a map.
        colour: The class that fills it.
        pattern: How it is hatched: a path in a square of 8 by 8, empty for none.
    """

    key: str
    word: str
    short: str
    colour: str
    pattern: str = ""


_UP, _DOWN = "M-2 2L2 -2M0 8L8 0M6 10L10 6", "M-2 6L2 10M0 0L8 8M6 -2L10 2"
_ACROSS, _UPRIGHT = "M0 4H8", "M4 0V8"
_DOTS = "M1.2 2H2.8M5.2 6H6.8"

FP16 = Look(key="fp16", word="FP16", short="16", colour="c-fp16")
CONVERSION = Look(key="convert", word="conversions", short="", colour="c-convert")
MOVEMENT = Look(key="move", word="data movement", short="", colour="c-move")
UNKNOWN = Look(key="unknown", word="unknown", short="?", colour="c-none", pattern=_DOTS)
CHOICE = Look(key="choice", word="the builder's choice", short="?", colour="c-none", pattern=_DOWN)
_LOOKS = {
    Precision.FP16: FP16,
    Precision.BF16: Look(
        key="bf16", word="BF16", short="B16", colour="c-bf16", pattern=_UPRIGHT + _ACROSS
    ),
    Precision.FP32: Look(key="fp32", word="FP32", short="32", colour="c-fp32", pattern=_UP),
    Precision.TF32: Look(key="tf32", word="TF32", short="T32", colour="c-tf32", pattern=_DOWN),
    Precision.FP8: Look(key="fp8", word="FP8", short="F8", colour="c-fp8", pattern=_UPRIGHT),
    Precision.FP4: Look(key="fp4", word="FP4", short="F4", colour="c-int4", pattern=_UPRIGHT),
    Precision.INT8: Look(key="int8", word="INT8", short="I8", colour="c-int8", pattern=_ACROSS),
    Precision.INT4: Look(key="int4", word="INT4", short="I4", colour="c-int4", pattern=_ACROSS),
    Precision.MIXED: Look(
        key="mixed", word="mixed", short="mix", colour="c-fp16", pattern=_UP + _DOWN
    ),
    Precision.UNKNOWN: UNKNOWN,
    **dict.fromkeys(
        (Precision.INT32, Precision.INT64, Precision.BOOL, Precision.UINT8),
        Look(key="whole", word="integers", short="int", colour="c-whole", pattern=_ACROSS),
    ),
}
_WHOLE = {"INT32", "INT64", "BOOL", "UINT8"}
LOOKS = (*dict.fromkeys(_LOOKS.values()), CHOICE, CONVERSION, MOVEMENT)


def look_of(precision: Precision) -> Look:
    """The look of what computes in this precision; a newer report's precision is unknown here."""
    return _LOOKS.get(precision, UNKNOWN)


def layer_look(layer: Layer) -> Look:
    """The look of a layer: its precision's where it computes, else what it moves or converts."""
    if layer.role is Role.COMPUTE:
        return look_of(layer.precision)
    return CONVERSION if converts(layer) else MOVEMENT


def converts(layer: Layer) -> bool:
    """Whether a layer only moves data and changes their floating or quantised type on the way.

    The same that the report's summary counts as conversions.
    """
    if layer.role is not Role.DATA_MOVEMENT or layer.precision is not Precision.MIXED:
        return False
    told = {tensor.dtype for tensor in (*layer.inputs, *layer.outputs)} - {None}
    return not told or bool(told - _WHOLE)
