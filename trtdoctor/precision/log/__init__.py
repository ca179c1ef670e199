"""What the builder decided, by solving the problem its log prints, and why it is not FP16."""

from __future__ import annotations

from .analysis import (
    Alternative,
    Analysis,
    Change,
    Choice,
    DecidedAgain,
    LayerVerdict,
    NetworkFormat,
    NetworkIo,
    SolvedConversion,
    SolvedLayer,
)
from .banner import not_enabled_by_banner
from .causes import causes_of
from .counterfactuals import analyse
from .witness import Cause, Cost, LayerReasons, Reason

__all__ = [
    "Alternative",
    "Analysis",
    "Cause",
    "Change",
    "Choice",
    "Cost",
    "DecidedAgain",
    "LayerReasons",
    "LayerVerdict",
    "NetworkFormat",
    "NetworkIo",
    "Reason",
    "SolvedConversion",
    "SolvedLayer",
    "analyse",
    "causes_of",
    "not_enabled_by_banner",
]
