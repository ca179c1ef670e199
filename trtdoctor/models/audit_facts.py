"""What is known of a model as facts for the checks, which see no nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from trtdoctor.model.cause import Cause
from trtdoctor.model.facts import Named, OnnxModel, OperatorUse, RefusedNode
from trtdoctor.model.model_report import ModelReport, PrecisionMap
from trtdoctor.precision.graph import edge_casts, operators
from trtdoctor.readers.onnxmodel import OnnxFacts, TensorType

_MOST = 50
_MOST_NAMES = 8


class _Release(Protocol):
    @property
    def product(self) -> str: ...
    @property
    def version(self) -> str: ...


def facts_of(
    model: OnnxFacts,
    report: ModelReport,
    by_types: PrecisionMap,
    *,
    release: _Release | None,
    refused: int,
) -> OnnxModel:
    """The facts of one model.

    Args:
        model: what was read of it.
        report: its part of the report so far.
        by_types: its map where types decide, whether the report shows it or not.
        release: what it is to be built with.
        refused: how many nodes are refused, of which the report may name fewer.
    """
    islands = [r for r in by_types.regions if r.cause is Cause.CAST_ISLAND]
    wide = [
        value
        for value in (*model.inputs, *model.outputs)
        if value.type in (TensorType.FLOAT, TensorType.DOUBLE)
    ]
    whole = [v for v in (*model.inputs, *model.outputs) if v.type is TensorType.INT64]
    doubles = [
        node.label
        for node in model.nodes
        if any(model.types.get(name) is TensorType.DOUBLE for name in node.outputs)
    ]
    return OnnxModel(
        path=report.path,
        opsets=dict(model.opsets),
        ir_version=model.ir_version,
        product=release.product if release else None,
        version=release.version if release else None,
        compute=by_types.counted.nodes,
        by_type={words: work.nodes for words, work in by_types.shares.items()},
        refused=tuple(
            RefusedNode(node=item.node, op=item.op, what=item.what)
            for item in report.refusals[:_MOST]
        ),
        refused_count=refused,
        islands=tuple(
            Named(count=island.work.nodes, names=island.nodes[:_MOST_NAMES])
            for island in islands[:_MOST]
        ),
        islands_count=len(islands),
        dq_scales=_of_cause(by_types, Cause.DQ_SCALE_FP32),
        fp32_only=_of_cause(by_types, Cause.FP32_ONLY_OPERATOR),
        wide_io=_named(value.name for value in wide),
        casts_at_io=edge_casts(model),
        double=_named(doubles),
        int64_io=_named(value.name for value in whole),
        operators=_uses(model),
        hazards=None if report.hazards is None else report.hazards[:_MOST],
        stored=None if report.stored is None else report.stored[:_MOST],
    )


def _named(names: Iterable[str]) -> Named:
    names = tuple(names)
    return Named(count=len(names), names=names[:_MOST_NAMES])


def _of_cause(found: PrecisionMap, cause: Cause) -> Named:
    """The nodes of all regions of one cause; its deciding places where the cause has any."""
    of_it = [region for region in found.regions if region.cause is cause]
    places = dict.fromkeys(place for region in of_it for place in region.places)
    names = tuple(places) or tuple(label for region in of_it for label in region.nodes)
    return Named(count=sum(region.work.nodes for region in of_it), names=names[:_MOST_NAMES])


def _uses(model: OnnxFacts) -> tuple[OperatorUse, ...]:
    counts: dict[tuple[str, str], list[str]] = {}
    for node in model.nodes:
        counts.setdefault((node.domain, node.op), []).append(node.label)
    return tuple(
        OperatorUse(op=op, domain=domain, nodes=len(labels), node=labels[0])
        for (domain, op), labels in counts.items()
        if op not in operators.CASTS
    )
