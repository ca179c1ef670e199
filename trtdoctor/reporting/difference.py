"""What differs between two reports: outcomes first, then the facts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trtdoctor.model.difference import Difference, FactChange, OutcomeChange, Said, Side
from trtdoctor.model.report import Outcome, Report

# Measured anew at each look; a difference there tells nothing.
_VOLATILE = (
    "took_ms",
    "free_bytes",
    "available_bytes",
    "memory_free_bytes",
    "memory_used_bytes",
    "per_clock",
    "sm_mhz",
    "sm_mhz_before",
    "sm_mhz_after",
    "build_s",
)
# A value measured several times, and by how much it may change from one look to the next: clocks and
# heat are never quite the same.
_SPREAD = {"median", "low", "high", "samples"}
_DRIFT = 0.1


def difference(before: Report, after: Report) -> Difference:
    """Each outcome and each part of a fact that differs; what is measured anew at each look is none."""
    return Difference(
        before=Side.of(before),
        after=Side.of(after),
        outcomes=tuple(_outcomes(before, after)),
        facts=tuple(_facts(before, after)),
        redacted=before.snapshot.redaction.applied and after.snapshot.redaction.applied,
    )


def _outcomes(before: Report, after: Report) -> Iterator[OutcomeChange]:
    old = {o.check.key: o for o in before.outcomes}
    new = {o.check.key: o for o in after.outcomes}
    for key in sorted({*old, *new}, key=lambda key: (key.id, key.plugin)):
        first, second = old.get(key), new.get(key)
        there = second or first
        if there is not None and _decided(first) != _decided(second):
            yield OutcomeChange(check=there.check, before=_said(first), after=_said(second))


def _decided(outcome: Outcome | None) -> Any:
    return outcome and (outcome.status, tuple(f.message for f in outcome.findings))


def _said(outcome: Outcome | None) -> Said | None:
    if outcome is None:
        return None
    messages = tuple(finding.message for finding in outcome.findings)
    return Said(status=outcome.status, findings=messages, reason=outcome.reason)


def _facts(before: Report, after: Report) -> Iterator[FactChange]:
    facts, others = before.snapshot.facts, after.snapshot.facts
    for name in sorted({*facts, *others}):
        left = msgspec.to_builtins(facts[name]) if name in facts else None
        right = msgspec.to_builtins(others[name]) if name in others else None
        for path, a, b in _changes(left, right, ""):
            yield FactChange(fact=name, path=path, before=a, after=b)


def _changes(left: Any, right: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if left == right or path.rpartition(".")[2] in _VOLATILE:
        return
    if _alike(left, right):
        return
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from _changes(left.get(key), right.get(key), f"{path}.{key}")
    elif (
        isinstance(left, list | tuple)
        and isinstance(right, list | tuple)
        and len(left) == len(right)
    ):
        for index, (a, b) in enumerate(zip(left, right, strict=True)):
            yield from _changes(a, b, f"{path}[{index}]")
    else:
        yield path, left, right


def _alike(left: Any, right: Any) -> bool:
    """Whether both are the same measurement with the same result, as far as two looks can tell."""
    if not all(isinstance(side, dict) and set(side) == _SPREAD for side in (left, right)):
        return False
    apart = left["high"] < right["low"] or right["high"] < left["low"]
    change = abs(left["median"] - right["median"])
    return not apart or change <= _DRIFT * max(abs(left["median"]), abs(right["median"]))
