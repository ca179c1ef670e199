"""What the model's converter says of its own choice: why it left a node in FP32."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from trtdoctor.model.cause import Cause
from trtdoctor.model.finding import Evidence
from trtdoctor.model.plural import count
from trtdoctor.precision.reasons import LayerReasons, PlaceKind, Reason
from trtdoctor.readers.autocastlog import AutoCastLog, Rule

# The causes by which a strongly typed build follows what a converter wrote.
_FOLLOWED = frozenset({Cause.CAST_ISLAND, Cause.GRAPH_SAYS_FP32, Cause.NORMALIZATION_FP32})
_MOST = 4
_MEANS = {
    Rule.VALUES: "its values leave the range that AutoCast was told to allow, by the data that it ran "
    "with (random data, where it was given none)",
    Rule.INITIALIZER: "one of its initializers is beyond FP16's range",
    Rule.REDUCTION: "it adds up more terms than AutoCast was told to allow",
    Rule.NAME: "its name was excluded in AutoCast's command",
    Rule.OPERATOR: "its operator was excluded in AutoCast's command",
    Rule.OTHER: "of a rule of AutoCast",
}


def with_rules(found: LayerReasons, nodes: Iterable[str], log: AutoCastLog) -> LayerReasons:
    """The reasons with AutoCast's rule for each of their nodes that its log names.

    Args:
        found: the reasons for one layer.
        nodes: the ONNX nodes that the layer was made of.
        log: what AutoCast printed.
    """
    return msgspec.structs.replace(
        found, reasons=tuple(_with_rules(reason, nodes, log) for reason in found.reasons)
    )


def _with_rules(reason: Reason, nodes: Iterable[str], log: AutoCastLog) -> Reason:
    if reason.cause not in _FOLLOWED:
        return reason
    places = [place.name for place in reason.places if place.kind is PlaceKind.NODE]
    kept = [log.kept[node] for node in dict.fromkeys((*nodes, *places)) if node in log.kept]
    if not kept:
        return reason
    source = Path(log.source).name
    told = [
        Evidence(
            source=f"{source}:{one.line}",
            value=f"AutoCast kept {one.node} in FP32, because {_MEANS[one.rule]}: {one.text}",
        )
        for one in kept[:_MOST]
    ]
    if len(kept) > _MOST:
        more = f"and {count(len(kept) - _MOST, 'more node')} of it, by rules of its own"
        told.append(Evidence(source=source, value=more))
    return msgspec.structs.replace(reason, evidence=(*told, *reason.evidence))
