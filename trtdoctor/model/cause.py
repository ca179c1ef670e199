"""The causes that a layer's arithmetic is not FP16; their names are part of the report document.

Not here: what proves a cause, and what to do about it.
"""

from __future__ import annotations

from .base import Vocabulary


class Cause(Vocabulary):
    """Why a layer does not compute in FP16."""

    NOT_ENABLED = "not-enabled"
    GRAPH_SAYS_FP32 = "graph-says-fp32"
    GRAPH_SAYS_BF16 = "graph-says-bf16"
    DQ_SCALE_FP32 = "dq-scale-fp32"
    FP32_ONLY_OPERATOR = "fp32-only-operator"
    COMPUTED_IN_FP32_INSIDE = "computed-in-fp32-inside"
    CAST_ISLAND = "cast-island"
    FASTER_IN_FP32 = "faster-in-fp32"
    CONVERSION_COSTS_MORE = "conversion-costs-more"
    NO_FP16_KERNEL = "no-fp16-kernel"
    PINNED = "pinned"
    CONSTRAINT_NOT_HONOURED = "constraint-not-honoured"
    TYPE_LOCKED = "type-locked"
    NETWORK_IO = "network-io"
    NEAR_TIE = "near-tie"
    NORMALIZATION_FP32 = "normalization-fp32"
    PLUGIN_FORMATS = "plugin-formats"
    HARDWARE = "hardware-no-fast-fp16"
    INT8_WITHOUT_FP16 = "int8-without-fp16"
    TACTIC_MEMORY = "tactic-memory"
    DLA_FALLBACK = "dla-fallback"
    INSIDE_FUSED_BLOCK = "inside-fused-block"
    UNKNOWN = "unknown"


class DecidedAgain(Vocabulary):
    """Whether another build would decide the same, by perturbing the times as measurements vary."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNLIKELY = "unlikely"
