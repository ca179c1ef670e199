"""Reads TensorRT plan files without TensorRT or a GPU, never loading or running what is in them."""

from ..files.kinds import Container, Encoding, PlanSpan
from .identify import extract, identify
from .layers import static_layers
from .result import FileIdentity, FusedBlock, IntegrityProblem, Problem, StaticLayers

__all__ = [
    "Container",
    "Encoding",
    "FileIdentity",
    "FusedBlock",
    "IntegrityProblem",
    "PlanSpan",
    "Problem",
    "StaticLayers",
    "extract",
    "identify",
    "static_layers",
]
