"""The kinds of files that people take for plans, and where a plan lies in one of them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from ...model.base import Frozen


class Container(str, Enum):
    """What kind of file it is."""

    PLAN = "plan"
    ULTRALYTICS = "ultralytics"
    TORCH2TRT = "torch2trt"
    TORCH_TENSORRT = "torch-tensorrt"
    TORCHSCRIPT = "torchscript"
    TORCH = "torch"
    GZIP = "gzip"
    BASE64 = "base64"
    WRAPPER = "wrapper"
    ONNX = "onnx"
    EP_CONTEXT = "onnxruntime-context"
    TIMING_CACHE = "timing-cache"
    CALIBRATION_CACHE = "calibration-cache"
    LFS_POINTER = "git-lfs-pointer"
    ARCHIVE = "archive"
    TERRAFORM = "terraform-plan"
    PROGRAM = "program"
    HTML = "html"
    JSON = "json"
    TEXT = "text"
    EMPTY = "empty"
    ZEROS = "zeros"
    OPAQUE = "encrypted-or-compressed"
    UNKNOWN = "unknown"


class Encoding(str, Enum):
    """How the bytes of an inner plan are written into the file around it."""

    RAW = "raw"
    GZIP = "gzip"
    BASE64 = "base64"
    UTF8 = "utf-8"


class PlanSpan(Frozen, frozen=True, kw_only=True):
    """Where in the file the plan lies. ``length`` counts its bytes as ``encoding`` writes them."""

    offset: int
    length: int
    encoding: Encoding = Encoding.RAW


class Recognised(Frozen, frozen=True, kw_only=True):
    """What a file is, seen from outside.

    Attributes:
        plan: Where a plan lies in it, if one does.
        metadata: What the wrapper says of the plan.
        damaged: What is wrong with the wrapper.
    """

    container: Container
    what: str
    to_do: str | None = None
    plan: PlanSpan | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    damaged: str | None = None
