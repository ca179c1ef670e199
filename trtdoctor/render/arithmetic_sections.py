"""What was measured on the machine, as titled tables: arithmetic beside the table, copies, engines."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.machine import Machine, MeasuredCard, RateCard

from .section import Section


def arithmetic_sections(machine: Machine | None) -> Iterator[Section]:
    """A table for each GPU that was measured and for each TensorRT that built a tiny engine."""
    for card in machine.measured if machine else ():
        yield _section(card)


def _section(card: MeasuredCard) -> Section:
    title = f"Measured: {card.subject} {card.name}"
    sentences = [f"{note[0].upper()}{note[1:]}." for note in card.notes if note]
    if not card.rates:
        return Section(title=title, rows=tuple(("", sentence) for sentence in sentences))
    rows = tuple(_row(rate) for rate in card.rates)
    columns = ("", "measured", "interval", "at best", "share", "remark")
    return Section(title=title, rows=rows, columns=columns, note=" ".join(sentences))


def _row(rate: RateCard) -> tuple[str, ...]:
    if rate.measured is None:
        return rate.what, "not measured", "", "", "", rate.remark or ""
    interval = ""
    if rate.low is not None and rate.high is not None:
        interval = f"{_short(rate.low)} to {_short(rate.high)}"
    share = f"{rate.measured / rate.expected:.0%}" if rate.expected else ""
    best = _short(rate.expected) if rate.expected else ""
    measured = f"{_short(rate.measured)} {rate.unit}"
    return rate.what, measured, interval, best, share, rate.remark or ""


def _short(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 10_000 else f"{number:.0f}"
