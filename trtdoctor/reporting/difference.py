"""What differs between two reports, for a person: outcomes first, then the facts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

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


def difference(before: Report, after: Report) -> list[str]:
    """One line for each outcome and each fact that differs; empty where none does."""
    lines = []
    old = {o.check.key: o for o in before.outcomes}
    new = {o.check.key: o for o in after.outcomes}
    for key in sorted({*old, *new}, key=lambda key: (key.id, key.plugin)):
        first, second = old.get(key), new.get(key)
        if _said(first) != _said(second):
            check = (second or first).check  # type: ignore[union-attr]  # one of them is there
            lines.append(f"{check.label}: {_words(first)} -> {_words(second)}")
    facts, others = before.snapshot.facts, after.snapshot.facts
    for name in sorted({*facts, *others}):
        left = msgspec.to_builtins(facts[name]) if name in facts else None
        right = msgspec.to_builtins(others[name]) if name in others else None
        lines += [f"{name}{path}: {a} -> {b}" for path, a, b in _changes(left, right, "")]
    return lines


def _said(outcome: Outcome | None) -> Any:
    return outcome and (outcome.status, tuple(f.message for f in outcome.findings))


def _words(outcome: Outcome | None) -> str:
    if outcome is None:
        return "no such check"
    said = "; ".join(f.message for f in outcome.findings) or outcome.reason
    return f"{outcome.status.value} ({said})" if said else outcome.status.value


def _changes(left: Any, right: Any, path: str) -> Iterator[tuple[str, str, str]]:
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
        yield path, _short(left), _short(right)


def _alike(left: Any, right: Any) -> bool:
    """Whether both are the same measurement with the same result, as far as two looks can tell."""
    if not all(isinstance(side, dict) and set(side) == _SPREAD for side in (left, right)):
        return False
    apart = left["high"] < right["low"] or right["high"] < left["low"]
    change = abs(left["median"] - right["median"])
    return not apart or change <= _DRIFT * max(abs(left["median"]), abs(right["median"]))


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else text[:197] + "..."
