"""What the builder decided, by solving the problem its log prints, and why it is not FP16."""

from __future__ import annotations

from .analysis import (
    Alternative,
    Analysis,
    Change,
    Choice,
    DecidedAgain,
    Gain,
    LayerVerdict,
    NetworkFormat,
    NetworkIo,
    SolvedConversion,
    SolvedLayer,
)
from .banner import mistaken_workspace, not_enabled_by_banner
from .causes import causes_of
from .counterfactuals import analyse
from .machine import BuiltOn, built_on, no_fast_fp16
from .witness import Cause, Cost, LayerReasons, Reason

__all__ = [
    "Alternative",
    "Analysis",
    "BuiltOn",
    "Cause",
    "Change",
    "Choice",
    "Cost",
    "DecidedAgain",
    "Gain",
    "LayerReasons",
    "LayerVerdict",
    "NetworkFormat",
    "NetworkIo",
    "Reason",
    "SolvedConversion",
    "SolvedLayer",
    "analyse",
    "built_on",
    "causes_of",
    "mistaken_workspace",
    "no_fast_fp16",
    "not_enabled_by_banner",
]
