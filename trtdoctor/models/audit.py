"""What an ONNX model tells before any build: the precision of its parts, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.engine import LayersSource
from trtdoctor.model.facts import EnginePrecision, OnnxModel
from trtdoctor.model.hazard import Effect
from trtdoctor.model.model_report import (
    ConvertedNode,
    Measured,
    ModelIdentity,
    ModelReport,
    ModelTensor,
    OperatorCount,
    PrecisionMap,
)
from trtdoctor.model.typing import Typing
from trtdoctor.model.value_range import ValueRange
from trtdoctor.model.weight_numbers import StoredTensor, WeightNumbers
from trtdoctor.precision.model_map import map_by_builder, map_by_types, mixed_types, parts_of
from trtdoctor.precision.numbers.hazards import OVERFLOWS, find_hazards
from trtdoctor.readers.autocastlog import AutoCastLog
from trtdoctor.readers.onnxmodel import OnnxFacts

from .audit_answer import answer_of
from .audit_facts import facts_of

STRONG = "TensorRT 11, TensorRT-RTX and strongly typed networks of TensorRT 9 and 10"
WEAK = "TensorRT up to 8 and weakly typed networks of TensorRT 9 and 10"
_MOST_REFUSED = 200
_MOST_KEPT = 2000
_MOST_HAZARDS = 1000
_MOST_STORED = 500
# Of less of a tensor than this it does not matter that FP16 holds it with fewer digits.
_FEW_DIGITS = 0.01


class Release(NamedTuple):
    """A release of ``tensorrt`` or ``tensorrt-rtx`` that a model is to be built with."""

    product: str
    version: str

    @property
    def words(self) -> str:
        """As people write it."""
        return f"{'TensorRT-RTX' if self.product == 'tensorrt-rtx' else 'TensorRT'} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What is known of a model's numbers.

    Attributes:
        weights: of stored tensors; None where they were not read, and ``not_read`` says why.
        measured: of values, over samples; None where the model was not run, and ``not_measured``
            says why.
        inputs: what the samples are, in the user's words.
        samples: how many there were.
    """

    weights: WeightNumbers | None = None
    not_read: str | None = None
    measured: Mapping[str, ValueRange] | None = None
    not_measured: str | None = None
    inputs: str = ""
    samples: int = 0


_NOTHING_KNOWN = Numbers()


@dataclass(frozen=True, kw_only=True)
class Audited:
    """One model's part of the report and of the snapshot."""

    report: ModelReport
    facts: OnnxModel
    precision: EnginePrecision


def audit(
    model: OnnxFacts,
    *,
    path: str,
    size: int | None,
    knowledge: Knowledge,
    numbers: Numbers = _NOTHING_KNOWN,
    release: Release | None = None,
    autocast: AutoCastLog | None = None,
    wanted: float | None = None,
) -> Audited:
    """Judge one model by itself.

    Args:
        model: what was read of it.
        path: how the user called it.
        size: of its file, in bytes.
        knowledge: the tables.
        numbers: what is known of its numbers.
        release: what it is to be built with; None where that is open.
        autocast: what AutoCast printed when it converted the model.
        wanted: the share of FP16 that is expected, 0 to 1.
    """
    parts = parts_of(model)
    by_types = map_by_types(parts, STRONG)
    worlds, notes = _worlds(release, knowledge)
    maps = [_named(by_types, release)] if Typing.STRONG in worlds else []
    if Typing.WEAK in worlds:
        maps.append(_named(map_by_builder(parts, WEAK), release))
    refused = tuple(mixed_types(model)) if Typing.STRONG in worlds else ()
    hazards = find_hazards(model, numbers.weights, numbers.measured)
    report = ModelReport(
        path=path,
        size=size,
        identity=_identity(model),
        maps=tuple(maps),
        others=parts.others,
        refusals=refused[:_MOST_REFUSED],
        hazards=hazards[:_MOST_HAZARDS],
        hazards_count=len(hazards),
        stored=_changed(numbers.weights),
        measured=_measured(numbers),
        kept_by_converter=_kept(model, autocast),
        notes=(*notes, *_disordered(model), *_unknown_kept(model, autocast)),
    )
    facts = msgspec.structs.replace(
        facts_of(model, report, by_types, release=release, refused=len(refused)),
        hazards_count=sum(hazard.effect is not Effect.HARMLESS for hazard in hazards),
        not_read=numbers.not_read or _unread(numbers.weights),
        measured=None if numbers.measured is None else len(numbers.measured),
        samples=numbers.samples,
        not_measured=numbers.not_measured,
    )
    report = msgspec.structs.replace(report, answer=answer_of(report, facts))
    return Audited(report=report, facts=facts, precision=_precision(path, by_types, worlds, wanted))


def _disordered(model: OnnxFacts) -> Iterable[str]:
    """A note where nodes read what only later ones make: what follows from types is open there.

    A value that no node makes may be the formal input of a subgraph, and is none of this.
    """
    waiting = {name for node in model.nodes for name in node.outputs if name}
    early: list[tuple[str, str]] = []
    for node in model.nodes:
        early += ((node.label, name) for name in node.inputs if name in waiting)
        waiting.difference_update(node.outputs)
    if early:
        label, read = early[0]
        more = f", as {len(early) - 1:,} more operands are" if len(early) > 1 else ""
        yield (
            f"the model is not valid ONNX: {label} reads {read}, which is made by a later node{more}; "
            "the types behind it may be wrong, and parsers may refuse it (onnx.checker tells more)"
        )


def _changed(weights: WeightNumbers | None) -> tuple[StoredTensor, ...] | None:
    """The stored tensors whose numbers FP16 would change by more than rounding."""
    if weights is None:
        return None
    return tuple(tensor for tensor in weights.tensors if _changes(tensor))[:_MOST_STORED]


def _changes(tensor: StoredTensor) -> bool:
    if tensor.nan or tensor.infinite:
        return True
    if tensor.type == "FLOAT16":
        return False
    share = tensor.subnormal / (tensor.elements or 1)
    return bool(tensor.overflow or tensor.flushed) or share >= _FEW_DIGITS


def _unread(weights: WeightNumbers | None) -> str | None:
    """Why the numbers of some stored tensors are not known."""
    missing = [tensor for tensor in (weights.tensors if weights else ()) if tensor.reason]
    if not missing:
        return None
    more = f" and of {len(missing) - 1:,} more" if len(missing) > 1 else ""
    return f"the numbers of {missing[0].name}{more} were not read: {missing[0].reason}"


def _measured(numbers: Numbers) -> Measured | None:
    """Those ranges that FP16 does not hold, with their extremes."""
    if numbers.measured is None:
        return None
    found = {
        name: seen
        for name, seen in numbers.measured.items()
        if seen.nan or seen.infinite or max(abs(seen.minimum), abs(seen.maximum)) >= OVERFLOWS
    }
    return Measured(
        inputs=numbers.inputs,
        samples=numbers.samples,
        values=len(numbers.measured),
        ranges=dict(list(found.items())[:_MOST_STORED]),
    )


def map_where_types_decide(model: OnnxFacts) -> PrecisionMap:
    """Which precision each computing node has by the model's own types, as a strong build takes it."""
    return map_by_types(parts_of(model), STRONG)


def _worlds(release: Release | None, knowledge: Knowledge) -> tuple[tuple[Typing, ...], list[str]]:
    """Which maps are owed, and a note where the tables do not know the release."""
    both = (Typing.STRONG, Typing.WEAK)
    if release is None:
        return both, []
    try:
        typing, _ = knowledge.typing_mode(release.product, release.version)
    except KnowledgeEnds as ends:
        return both, [f"which of the two maps holds for {release.words} is not known: {ends}"]
    return (both if typing is Typing.BOTH else (typing,)), []


def _named(found: PrecisionMap, release: Release | None) -> PrecisionMap:
    """The map with the one release that was asked about instead of all that it holds for."""
    if release is None:
        return found
    how = "strongly typed" if found.typing is Typing.STRONG else "weakly typed"
    return msgspec.structs.replace(found, releases=f"{release.words}, {how}")


def _identity(model: OnnxFacts) -> ModelIdentity:
    weights: Counter[str] = Counter()
    for stored in model.initializers:
        weights[stored.type.value if stored.type else "unknown"] += stored.elements or 0
    operators = Counter((node.domain, node.op) for node in model.nodes)
    tensors = [("input", value) for value in model.inputs]
    tensors += [("output", value) for value in model.outputs]
    return ModelIdentity(
        producer=model.producer,
        ir_version=model.ir_version,
        opsets=dict(model.opsets),
        nodes=len(model.nodes),
        weights=dict(weights.most_common()),
        external=sum(1 for stored in model.initializers if stored.external),
        io=tuple(
            ModelTensor(
                name=value.name,
                mode=mode,
                dtype=value.type.value if value.type else None,
                shape=value.shape,
            )
            for mode, value in tensors
        ),
        operators=tuple(
            OperatorCount(op=op, domain=domain, nodes=count)
            for (domain, op), count in operators.most_common()
        ),
    )


def _kept(model: OnnxFacts, log: AutoCastLog | None) -> tuple[ConvertedNode, ...]:
    """What AutoCast's log says of nodes that this model has, in the model's order."""
    if log is None:
        return ()
    named = dict.fromkeys(name for node in model.nodes for name in (node.name, node.label))
    found = (log.kept[name] for name in named if name in log.kept)
    return tuple(
        ConvertedNode(node=kept.node, rule=kept.rule.value, text=kept.text, line=kept.line)
        for kept in found
    )[:_MOST_KEPT]


def _unknown_kept(model: OnnxFacts, log: AutoCastLog | None) -> Iterable[str]:
    if log is None or not log.kept:
        return
    names = {name for node in model.nodes for name in (node.name, node.label)}
    missing = [name for name in log.kept if name not in names]
    if missing:
        yield (
            f"AutoCast's log names {len(missing)} of {len(log.kept)} nodes that this model has not, "
            f"{missing[0]} among them: it may be the log of another model"
        )


def _precision(
    path: str, by_types: PrecisionMap, worlds: tuple[Typing, ...], wanted: float | None
) -> EnginePrecision:
    """The model's share as `--expect` asks for it: only where its types decide is there one."""
    decided = Typing.STRONG in worlds
    reason = None
    if not decided:
        reason = "where the builder decides, only a build tells"
    elif by_types.fp16_share is None:
        reason = "the model has no floating-point arithmetic"
    return EnginePrecision(
        path=path,
        source=LayersSource.MODEL,
        layers=by_types.counted.nodes,
        fp16=by_types.fp16_share if decided else None,
        unknown=by_types.unknown_share if decided else None,
        wanted=wanted,
        reason=reason,
    )
