"""An ONNX model in the report: what it is, and what FP16 does to it."""

from __future__ import annotations

from .base import Frozen, PathText
from .conversion_plan import ConversionPlan


class ModelReport(Frozen, frozen=True, kw_only=True):
    """One ONNX model. ``answer`` is what there is to say of it, in at most two sentences.

    ``size`` is the file's, in bytes, without data that lie in other files. ``plan`` is null where
    none was asked for.
    """

    path: PathText
    size: int | None = None
    answer: str | None = None
    plan: ConversionPlan | None = None
