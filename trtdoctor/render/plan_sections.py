"""A plan as titled tables: the answer, the nodes that stay in FP32, what it is beside other sets."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.conversion_plan import Arm, Conversion, ConversionPlan, KeptNode
from trtdoctor.model.model_report import ModelReport

from .explanations import remedy_rows
from .section import Section

_MOST_LISTED = 20
_MOST_CHANGES = 10


def plan_sections(model: ModelReport, *, verbose: bool = False) -> Iterator[Section]:
    """Everything there is to show of one model's plan, in order."""
    plan = model.plan
    if plan is None:
        return
    rows: list[tuple[str, ...]] = []
    if model.answer:
        rows.append(("Answer", model.answer))
    rows.append(("Measured", _measured(plan)))
    if plan.check is not None:
        rows.append(("Your check", plan.check))
    if plan.conversion is not None:
        rows += _converted(plan.conversion)
    rows += [("Note", note) for note in plan.notes]
    yield Section(title=f"Plan of {model.path}", rows=tuple(rows))
    if plan.keep:
        yield _kept(plan.keep, verbose=verbose)
    if plan.arms:
        yield Section(
            title="Beside other sets of nodes in FP32",
            columns=("In FP32", "Nodes", "Worst output", "Work", "Bytes", *_timed(plan), "Budget"),
            rows=tuple(map(_arm, plan.arms)),
        )
    if plan.conversion is not None and plan.conversion.constants:
        yield _changes(plan.conversion, verbose=verbose)
    if plan.remedies:
        yield Section(title="With tools of your own", rows=tuple(remedy_rows(plan.remedies)))


def _measured(plan: ConversionPlan) -> str:
    told = f"{plan.inputs}, node by node with {plan.backend}"
    if plan.weak:
        told += "; random numbers tell little of the ranges of your data: give some with --inputs"
    return told


def _converted(made: Conversion) -> Iterator[tuple[str, str]]:
    number = abs(made.casts)
    casts = (
        f"{number} {'Cast' if number == 1 else 'Casts'} {'more' if made.casts >= 0 else 'fewer'}"
    )
    if made.path is not None:
        yield "Written", f"{made.path}: {made.nodes:,} nodes in {_name(made.type)}, {casts}"
    else:
        yield (
            "Would be",
            f"{made.nodes:,} nodes in {_name(made.type)}, {casts} (-o M.onnx writes it)",
        )
    for label, reason in made.forced[:_MOST_CHANGES]:
        yield "In FP32 too", f"{label}: {reason}"
    if len(made.forced) > _MOST_CHANGES:
        yield "In FP32 too", f"and {len(made.forced) - _MOST_CHANGES:,} more"
    for note in made.notes:
        yield "Note", note


def _kept(keep: tuple[KeptNode, ...], *, verbose: bool) -> Section:
    listed = keep if verbose else keep[:_MOST_LISTED]
    title = f"Nodes that stay in FP32 ({len(keep):,})"
    if len(listed) < len(keep):
        title = f"Nodes that stay in FP32 ({len(listed)} of {len(keep):,}, -v shows all)"
    tried = any(node.bfloat16 is not None for node in keep)
    columns = ("Node", "Operator", *(("BF16",) if tried else ()), "Why")
    rows = []
    for node in listed:
        told = {True: "would do", False: "would not", None: "unknown"}[node.bfloat16]
        rows.append((node.label, node.op, *((told,) if tried else ()), node.reason))
    return Section(title=title, columns=columns, rows=tuple(rows))


def _arm(arm: Arm) -> tuple[str, ...]:
    sqnr = "as in FP32" if arm.sqnr is None and not arm.sick else "broken"
    if arm.sqnr is not None:
        sqnr = f"{arm.sqnr:.0f} dB"
    if arm.sick:
        sqnr += f", {arm.sick:,} sick"
    return (
        arm.name,
        f"{arm.kept:,}",
        sqnr,
        _share(arm.share_flops),
        _share(arm.share_bytes),
        *((f"{arm.saved_ms:.3f} ms",) if arm.saved_ms is not None else ()),
        "met" if arm.meets else "missed",
    )


def _timed(plan: ConversionPlan) -> tuple[str, ...]:
    return ("Saves",) if any(arm.saved_ms is not None for arm in plan.arms) else ()


def _share(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _changes(made: Conversion, *, verbose: bool) -> Section:
    listed = made.constants if verbose else made.constants[:_MOST_CHANGES]
    more = "" if len(listed) == len(made.constants) else f", {len(listed)} shown, -v shows all"
    rows = []
    for each in listed:
        told = []
        if each.clamped:
            told.append(f"{each.clamped:,} clamped")
        if each.flushed:
            told.append(f"{each.flushed:,} became 0")
        example = ", ".join(f"{old:.3g} → {new:.3g}" for old, new in each.examples[:2])
        rows.append((each.name, f"{each.elements:,}", ", ".join(told), example))
    return Section(
        title=f"Stored numbers that changed beyond rounding ({len(made.constants):,}{more})",
        columns=("Tensor", "Elements", "Changed", "For example"),
        rows=tuple(rows),
    )


def _name(kind: str) -> str:
    return {"FLOAT16": "FP16", "BFLOAT16": "BF16"}.get(kind, kind)
