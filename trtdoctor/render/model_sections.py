"""An audited model as titled tables: the answer, the map in both worlds, hazards, what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trtdoctor.model.hazard import Effect, Hazard
from trtdoctor.model.model_report import ModelReport, ModelTensor, PrecisionMap, Region, Work
from trtdoctor.model.typing import Typing

from .section import Section

_MOST_LISTED = 10
_MOST_NAMED = 3
_DTYPES = {"FLOAT": "FP32", "FLOAT16": "FP16", "BFLOAT16": "BF16", "DOUBLE": "FP64"}


def model_sections(
    model: ModelReport, *, verbose: bool = False, numbers_only: bool = False
) -> Iterator[Section]:
    """Everything there is to show of one audited model, in order.

    With ``numbers_only`` what FP16 does to its numbers alone: the rest is told in other words.
    """
    if model.identity is None:
        return
    rows: list[tuple[str, ...]] = []
    if model.answer:
        rows.append(("Answer", model.answer))
    rows += _identity(model)
    if model.measured is not None:
        told = f"{model.measured.values:,} values over {model.measured.inputs}"
        rows.append(("Measured", told))
    rows += [("Note", note) for note in model.notes]
    if not numbers_only:
        yield Section(title=f"Model {model.path}", rows=tuple(rows))
        for found in model.maps:
            yield _map(found, verbose=verbose)
    if model.hazards:
        yield from _hazards(model, verbose=verbose)
    if model.refusals:
        yield _shortened(
            "Refused where types decide",
            ("Node", "Operator", "What"),
            [(each.node, each.op, each.what) for each in model.refusals],
            verbose=verbose,
        )
    if model.stored:
        yield _stored(model, verbose=verbose)
    if model.kept_by_converter:
        yield _shortened(
            "Kept in FP32 by AutoCast",
            ("Node", "Rule", "Its words"),
            [(each.node, each.rule, each.text) for each in model.kept_by_converter],
            verbose=verbose,
        )


def _identity(model: ModelReport) -> Iterator[tuple[str, str]]:
    made = model.identity
    assert made is not None
    opsets = ", ".join(
        f"{domain or 'ai.onnx'} {version}" for domain, version in made.opsets.items()
    )
    by = f" by {made.producer}" if made.producer else ""
    ir = f", IR {made.ir_version}" if made.ir_version is not None else ""
    yield "File", f"ONNX{by}, opset {opsets or 'unknown'}{ir}, {made.nodes:,} nodes"
    weights = ", ".join(
        f"{count:,} {_DTYPES.get(kind, kind)}" for kind, count in made.weights.items()
    )
    outside = f"; {made.external:,} tensors in other files" if made.external else ""
    if weights:
        yield "Stored", f"{weights}{outside}"
    for mode in ("input", "output"):
        tensors = [tensor for tensor in made.io if tensor.mode == mode]
        if tensors:
            listed = ", ".join(map(_tensor, tensors[:_MOST_LISTED]))
            more = len(tensors) - _MOST_LISTED
            yield f"{mode.capitalize()}s", listed + (f" and {more} more" if more > 0 else "")
    others = model.others
    if others is not None:
        kinds = (
            (others.movement, "move data"),
            (others.conversions, "convert types"),
            (others.integers, "handle integers and shapes"),
            (others.constants, "fold into constants"),
        )
        told = ", ".join(f"{count:,} {words}" for count, words in kinds if count)
        if told:
            yield "Beside", f"{told}: no floating-point arithmetic"


def _tensor(tensor: ModelTensor) -> str:
    kind = _DTYPES.get(tensor.dtype or "", tensor.dtype or "unknown")
    if tensor.shape is None:
        return f"{tensor.name} ({kind})"
    shape = "x".join("?" if extent is None else str(extent) for extent in tensor.shape)
    return f"{tensor.name} ({kind} {shape or 'scalar'})"


def _map(found: PrecisionMap, *, verbose: bool) -> Section:
    regions = sorted(found.regions, key=lambda region: -_weight(region.work))
    listed = regions if verbose else regions[:_MOST_LISTED]
    rows = [_share(words, work, found.counted) for words, work in found.shares.items()]
    rows.sort(key=lambda row: row[0] != "FP16")
    rows += [_region(region, found.counted) for region in listed if _owed(region)]
    how = "its types decide" if found.typing is Typing.STRONG else "the builder decides"
    title = f"Where {how}: {found.releases}"
    if len(listed) < len(regions):
        title += f" (the largest {len(listed)} of {len(regions):,} regions, -v shows all)"
    return Section(
        title=title, columns=("Type", "Nodes", "Work", "Bytes", "Where and why"), rows=tuple(rows)
    )


def _owed(region: Region) -> bool:
    """Whether a region needs words: one that is FP16, or the builder's to choose, does not."""
    return region.because is not None


def _share(words: str, work: Work, whole: Work) -> tuple[str, ...]:
    return (
        words,
        f"{work.nodes:,}",
        _part(work.flops, whole.flops),
        _part(work.bytes, whole.bytes),
        f"{work.nodes / whole.nodes:.0%} of {whole.nodes:,} compute nodes" if whole.nodes else "",
    )


def _region(region: Region, whole: Work) -> tuple[str, ...]:
    words = " or ".join(precision.value for precision in region.precisions)
    named = ", ".join(region.nodes[:_MOST_NAMED])
    more = region.work.nodes - min(_MOST_NAMED, len(region.nodes))
    named += f" and {more:,} more" if more > 0 else ""
    places = f" ({', '.join(region.places[:_MOST_NAMED])})" if region.places else ""
    return (
        f"  {words}",
        f"{region.work.nodes:,}",
        _part(region.work.flops, whole.flops),
        _part(region.work.bytes, whole.bytes),
        f"{named}: {region.because}{places}",
    )


def _part(some: int | None, whole: int | None) -> str:
    return "unknown" if some is None or not whole else f"{some / whole:.1%}"


def _weight(work: Work) -> int:
    return work.flops if work.flops is not None else work.nodes


def _hazards(model: ModelReport, *, verbose: bool) -> Iterator[Section]:
    hazards = model.hazards or ()
    harmless = [each for each in hazards if each.effect is Effect.HARMLESS]
    others = [each for each in hazards if each.effect is not Effect.HARMLESS]
    beyond = max(0, model.hazards_count - len(hazards))
    for title, group, more in (
        ("What FP16 would do to its numbers", others, beyond),
        ("What looks dangerous and is not", harmless, 0),
    ):
        if not group:
            continue
        alike: dict[tuple[str, str], list[Hazard]] = {}
        for each in group:
            alike.setdefault((each.what.replace(each.value or "\0", ""), each.advice), []).append(
                each
            )
        several = list(alike.values())
        listed = several if verbose else several[:_MOST_LISTED]
        rows = [row for each in listed for row in _alike(each)]
        count = f"{len(group) + more:,} {'place' if len(group) + more == 1 else 'places'}"
        if len(listed) < len(several):
            count += f"; {len(listed)} of {len(several):,} kinds, -v shows all"
        yield Section(title=f"{title} ({count})", rows=tuple(rows))


def _alike(hazards: list[Hazard]) -> Iterator[tuple[str, str]]:
    """Places that have the same thing said of them, as one."""
    first = hazards[0]
    named = ", ".join(first.nodes[:_MOST_NAMED])
    more = len(first.nodes) - _MOST_NAMED
    named += f" and {more} more" if more > 0 else ""
    if len(hazards) > 1:
        named += (
            f"; and {len(hazards) - 1:,} more such {'place' if len(hazards) == 2 else 'places'}"
        )
    yield first.kind.value, named
    yield "", first.what
    proof = "; ".join(f"{e.source}: {e.value}" for e in first.evidence)
    yield "", f"{first.confidence.value}{f' by {proof}' if proof else ''}"
    yield "", f"→ {first.advice}"


def _stored(model: ModelReport, *, verbose: bool) -> Section:
    stored = sorted(
        model.stored or (),
        key=lambda each: -(each.overflow + each.infinite + each.nan + each.flushed),
    )
    rows = []
    for each in stored:
        parts = (
            (each.nan, "is NaN", "are NaN"),
            (each.infinite, "is infinite", "are infinite"),
            (each.overflow, "passes 65504", "pass 65504"),
            (each.flushed, "becomes 0", "become 0"),
            (each.subnormal, "loses digits", "lose digits"),
        )
        told = ", ".join(
            f"{count:,} {one if count == 1 else more}" for count, one, more in parts if count
        )
        largest = "unknown" if each.largest is None else f"{each.largest:.3g}"
        rows.append((each.name, f"{each.elements or 0:,}", largest, told))
    return _shortened(
        "Stored numbers that FP16 changes",
        ("Tensor", "Elements", "Largest", "In FP16"),
        rows,
        verbose=verbose,
    )


def _shortened(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, verbose: bool
) -> Section:
    listed = rows if verbose else rows[:_MOST_LISTED]
    count = f"{len(rows):,}"
    if len(listed) < len(rows):
        count = f"{len(listed)} of {len(rows):,}, -v shows all"
    return Section(title=f"{title} ({count})", columns=columns, rows=tuple(listed))
