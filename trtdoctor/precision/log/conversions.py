"""The conversions that the builder tried, and what each costs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property

from trtdoctor.readers.buildlog import (
    Attempt,
    Build,
    Conversion,
    ConversionSide,
    Outcome,
    TensorFormat,
)

from .network import edge_copies, plain


class ConversionCosts:
    """The conversions tried, by tensor; a time not printed is that of identical text.

    TensorRT times a conversion into a tensor (from its writer) apart from the same one out of it
    (to a reader), so a time stands for another only on the same side.

    Args:
        build: the build, whose other attempts' times may stand in.
        attempt: the attempt that tried them.
        renamed: the network's tensors by names that only autotuning gives them.
    """

    def __init__(self, build: Build, attempt: Attempt, renamed: Mapping[str, str]) -> None:
        self._out: dict[str, dict[tuple[str, str], Conversion]] = {}
        self._in: dict[str, dict[tuple[str, str], Conversion]] = {}
        self._unnamed: dict[tuple[str, str], Conversion] = {}
        self._timed: dict[tuple[str, str], _Times] = {}
        self._unmarked: dict[tuple[str, str], _Times] = {}
        self._inward: set[int] = set()
        self._nameless: set[int] = set()
        names = {**edge_copies(build), **renamed}
        self._parts: dict[str, list[str]] = {}
        for part, whole in build.parts:
            self._parts.setdefault(whole, []).append(part)
        for tried in attempt.conversions:
            pairs = {(c.source.text, c.target.text): c for c in tried.conversions}
            if tried.tensor is None:
                self._unnamed.update(pairs)
                continue
            tensor = names.get(plain(tried.tensor), plain(tried.tensor))
            if tried.side is ConversionSide.IN:
                self._in.setdefault(tensor, {}).update(pairs)
                continue
            self._out.setdefault(tensor, {}).update(pairs)
            if tried.target is not None:
                self._in.setdefault(names.get(plain(tried.target), plain(tried.target)), {}).update(
                    pairs
                )
        for other in build.attempts:
            for tried in other.conversions:
                into = tried.side is ConversionSide.IN
                for conversion in tried.conversions:
                    if into:
                        self._inward.add(conversion.line)
                    elif tried.tensor is None:
                        self._nameless.add(conversion.line)
                    if conversion.time_ms is not None:
                        key = (conversion.source.text, conversion.target.text)
                        self._timed.setdefault(key, _Times()).add(conversion, into=into)
                        self._unmarked.setdefault(_unmarked(conversion), _Times()).add(
                            conversion, into=into
                        )

    def fixed_source(self, tensor: str) -> TensorFormat | None:
        """The one format that a network input is held in, where conversions from it were tried."""
        sources = {c.source.text: c.source for c in self._out.get(tensor, {}).values()}
        return next(iter(sources.values())) if len(sources) == 1 else None

    def fixed_target(self, tensor: str) -> TensorFormat | None:
        """The one format that a network output is held in, where conversions to it were tried.

        None where conversions out of the tensor start from another format: its writer's formats are
        offered to its readers then, as those of any tensor inside the network.
        """
        targets = {c.target.text: c.target for c in self._in.get(tensor, {}).values()}
        sources = {c.source.text for c in self._out.get(tensor, {}).values()}
        return (
            next(iter(targets.values())) if len(targets) == 1 and sources <= set(targets) else None
        )

    def both_sides(self, tensor: str) -> bool:
        """Whether conversions into a tensor were tried, and others out of it."""
        return bool(self._in.get(tensor)) and bool(self._out.get(tensor))

    def free(self, tensor: str) -> bool:
        """Whether conversions into several formats of it were tried: its format is not fixed."""
        return len({c.target.text for c in self._in.get(tensor, {}).values()}) > 1

    def held_in(self, tensor: str) -> list[TensorFormat]:
        """The formats that a tensor can be held in between its writer and its readers."""
        into = [
            c.target
            for name in (tensor, *self._parts.get(tensor, []))
            for c in self._in.get(name, {}).values()
        ]
        out = [c.source for c in self._out.get(tensor, {}).values()]
        return list({form.text: form for form in (*into, *out)}.values())

    def tried(
        self, tensor: str, source: TensorFormat, target: TensorFormat, *, into: bool = False
    ) -> Conversion | None:
        """The conversion as the log tried it for this tensor, or for one it does not name.

        ``into`` asks for the one into the tensor. A set that is cached whole has no name, so the
        other side's counts only where no such set has it.
        """
        key = (source.text, target.text)
        out, inward = self._out.get(tensor, {}), self._in.get(tensor, {})
        asked, other = (inward, out) if into else (out, inward)
        return asked.get(key) or self._part(tensor, key) or self._unnamed.get(key) or other.get(key)

    def _part(self, tensor: str, key: tuple[str, str]) -> Conversion | None:
        """One into a concatenation, tried under the name of the part that its writer writes."""
        for part in self._parts.get(tensor, []):
            found = self._in.get(part, {}).get(key) or self._part(part, key)
            if found is not None:
                return found
        return None

    def time_of(self, conversion: Conversion, *, into: bool = False) -> tuple[float | None, int]:
        """Its time and line; for an untimed one those of the nearest identical text before it.

        TensorRT's cache does not know the notes of formats, so text without them is identical too.
        One of the other side stands in only where its own side has none. ``into`` is the side of
        one that the log does not name.
        """
        if conversion.time_ms is not None:
            return conversion.time_ms, conversion.time_line or conversion.line
        if conversion.outcome is not Outcome.UNTIMED:
            return None, conversion.line
        same = self._timed.get((conversion.source.text, conversion.target.text))
        same = same or self._unmarked.get(_unmarked(conversion))
        if same is None:
            return None, conversion.line
        inward = into if conversion.line in self._nameless else conversion.line in self._inward
        twin = same.nearest(conversion.line, into=inward)
        return twin.time_ms, twin.time_line or twin.line

    def timed(
        self, source: TensorFormat, target: TensorFormat, *, into: bool = False
    ) -> Conversion | None:
        """Any timed conversion of this text, of whatever tensor, where possible on this side."""
        found = self._timed.get((source.text, target.text))
        return found.first(into=into) if found else None

    @cached_property
    def typical(self) -> float:
        """The median of all timed conversions: stands in where no time is printed at all."""
        found = (c for times in self._timed.values() for c in times.all)
        times = sorted(c.time_ms for c in found if c.time_ms)
        return times[len(times) // 2] if times else 0.0


class _Times:
    """Timed conversions of one text, in the order of their lines."""

    def __init__(self) -> None:
        self.all: list[Conversion] = []
        self._sides: dict[bool, list[Conversion]] = {True: [], False: []}

    def add(self, conversion: Conversion, *, into: bool) -> None:
        """Add the next one; ``into`` says on which side it was timed."""
        self.all.append(conversion)
        self._sides[into].append(conversion)

    def first(self, *, into: bool) -> Conversion:
        """The first, of this side where there is one."""
        return (self._sides[into] or self.all)[0]

    def nearest(self, line: int, *, into: bool) -> Conversion:
        """The last before a line, else the first; of this side where there is one."""
        same = self._sides[into] or self.all
        return same[max(0, bisect_left(same, line, key=lambda one: one.line) - 1)]


def _unmarked(conversion: Conversion) -> tuple[str, str]:
    return conversion.source.unmarked, conversion.target.unmarked
