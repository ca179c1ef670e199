"""Reads TensorRT plan files without TensorRT and without a GPU.

`identify` says what a file is and, where a plan is in it, what the plan says of itself;
`static_layers` gives the layers that its bytes tell of; `extract` writes out a plan from the file
around it. Nothing here runs or loads anything from a file, and nothing judges what it finds.
"""

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
