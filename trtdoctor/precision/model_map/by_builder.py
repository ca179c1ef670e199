"""What may become FP16 where the builder chooses (TensorRT up to 10, weakly typed), and what cannot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...model.cause import Cause
from ...model.engine import Precision
from ...model.finding import Confidence
from ...model.model_report import PrecisionMap, Region
from ...model.typing import Typing
from ...readers.onnxmodel import OnnxNode
from .parts import Kind, Parts, described, regions, shares, total

_P = Precision
_STANDARD = ("", "ai.onnx")


def map_by_builder(parts: Parts, releases: str) -> PrecisionMap:
    """The map where the builder decides, with FP16 allowed.

    The model's floating types bind nothing there: a node of FP32 tensors may become FP16 and one of
    FP16 tensors may not. Explicitly quantised arithmetic is INT8 or FP8 where those are allowed too.

    Args:
        parts: the model.
        releases: of what the map is true, in words.
    """
    kinds = {place: _kind(node, precision) for place, (node, _, precision) in parts.compute}

    def describe(kind: Kind, places: Sequence[int]) -> Region:
        region = described(parts, places, kind)
        if kind.cause is not Cause.PLUGIN_FORMATS:
            return region
        because = "a plugin's own table of formats decides its type"
        return msgspec.structs.replace(region, because=because, confidence=Confidence.LIKELY)

    found = regions(parts, kinds, describe)
    works = shares(found)
    return PrecisionMap(
        typing=Typing.WEAK,
        releases=releases,
        regions=found,
        shares=works,
        counted=total(works.values()),
    )


def _kind(node: OnnxNode, precision: Precision) -> Kind:
    """What a node may compute in, as far as it can be said without timing."""
    if node.domain not in _STANDARD:
        return Kind((_P.UNKNOWN,), Cause.PLUGIN_FORMATS)
    if precision in (_P.INT8, _P.FP8, _P.FP4):
        return Kind((precision,))
    return Kind((_P.FP16, _P.FP32))
