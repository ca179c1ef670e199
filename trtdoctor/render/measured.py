"""What was measured on the machine, as titled tables: arithmetic beside the table, copies, engines."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.machine import Machine, MeasuredCard, RateCard

from .engine_sections import Section


def measured_sections(machine: Machine | None) -> Iterator[Section]:
    """A table for each GPU that was measured and for each TensorRT that built a tiny engine."""
    for card in machine.measured if machine else ():
        yield _section(card)


def _section(card: MeasuredCard) -> Section:
    title = f"Measured: {card.subject} {card.name}" if card.subject != card.name else card.name
    if card.name.startswith(card.subject):
        title = f"Measured: {card.name}"
    if not card.rates:
        return Section(title=title, rows=tuple(("", note) for note in card.notes))
    rows = [_row(rate) for rate in card.rates]
    rows += [("", "", "", "", note) for note in card.notes]
    return Section(
        title=title,
        rows=tuple(rows),
        columns=("", "measured", "at most", "share", "remark"),
    )


def _row(rate: RateCard) -> tuple[str, ...]:
    if rate.measured is None:
        return rate.what, "not measured", "", "", rate.remark or ""
    number = f"{rate.measured:.4g}"
    if rate.low is not None and rate.high is not None:
        low, high = f"{rate.low:.4g}", f"{rate.high:.4g}"
        if low != high:
            number += f" ({low} to {high})"
    share = f"{rate.measured / rate.expected:.0%}" if rate.expected else ""
    expected = f"{rate.expected:.4g}" if rate.expected else "unknown" if rate.unit != "ms" else ""
    return rate.what, f"{number} {rate.unit}", expected, share, rate.remark or ""
