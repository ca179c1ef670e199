"""What each node alone does to a model's results when it computes in 16 bits.

One run in FP32 is kept. Of every node the error at what reads it is measured; how it reaches the
network's outputs is measured by running on from the node, and from nowhere before. Nodes that do
nothing at what reads them are run on from together, and apart only where together they do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ...model.watch import OutOfTime, Watch
from ..emulation import Deviation, Network, Rounding, deviation
from ..emulation.network import Step

# Rounding to eleven digits of a binary number costs about 70 dB; a node below this does more.
_QUIET = 50.0
_TOGETHER = 16


@dataclass
class Sensitivity:
    """One node alone.

    Attributes:
        index: The step's.
        local: At what reads it, the worst of them; None where it was not measured.
        outputs: At the network's outputs; of several together where ``together`` is above one.
        together: How many nodes were measured in one run; each has at most their error.
        sick: Whether a value right behind it died or broke.
    """

    index: int
    local: Deviation | None = None
    outputs: Deviation | None = None
    together: int = 1
    sick: bool = False


@dataclass
class Measuring:
    """Measures one network on one sample.

    Args:
        network: The network.
        rounding: To the 16-bit type.
        base: Every value in FP32, inputs included.
        narrow: Indices of the steps that can be 16-bit.
        watch: Ends it, and is told.
        budget: In dB, what the whole is to reach; decides which groups are looked at closer.
    """

    network: Network
    rounding: Rounding
    base: Mapping[str, Any]
    narrow: Sequence[int]
    watch: Watch
    budget: float
    found: dict[int, Sensitivity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.floors = self.network.floors()

    def all(self) -> dict[int, Sensitivity]:
        """The sensitivity of every node; those that time did not suffice for are left out."""
        try:
            self._locally()
            self._onwards()
        except OutOfTime:
            pass
        return self.found

    def _locally(self) -> None:
        for count, index in enumerate(self.narrow, start=1):
            self.watch.check()
            if index in self.found:
                continue
            if count % 20 == 1:
                self.watch.tell(f"measuring node {count:,} of {len(self.narrow):,}")
            self.found[index] = self._local(self.network.steps[index])

    def _local(self, step: Step) -> Sensitivity:
        made = self._rounded(step)
        floors = self.floors
        own = [
            deviation(self.base[name], value, floor=floors.get(name, 0.0))
            for name, value in made.items()
        ]
        worst = _worst(own)
        sick = any(each.sick for each in own)
        readers = {r.index: r for name in made for r in self.network.readers.get(name, ())}
        for reader in readers.values():
            if reader.node.op == "Constant":
                continue
            after = self.network.step(reader, _Over(made, self.base), None)
            seen = [
                deviation(self.base[name], value, floor=floors.get(name, 0.0))
                for name, value in zip(reader.makes, after, strict=False)
            ]
            sick = sick or any(each.sick for each in seen)
            worst = _worst([worst, *seen])
        return Sensitivity(index=step.index, local=worst, sick=sick)

    def _rounded(self, step: Step) -> dict[str, Any]:
        made = self.network.step(step, self.base, self.rounding)
        return dict(zip(step.makes, made, strict=False))

    def _onwards(self) -> None:
        quiet: list[int] = []
        loud: list[int] = []
        for index in self.narrow:
            if self.found[index].outputs is not None:
                continue
            local = self.found[index].local
            heard = self.found[index].sick or (local is not None and local.sqnr < _QUIET)
            (loud if heard else quiet).append(index)
        for start in range(0, len(quiet), _TOGETHER):
            self._group(quiet[start : start + _TOGETHER], len(quiet))
        for index in loud:
            # Where values break or die right behind it, the outputs decide nothing more.
            if not self.found[index].sick:
                self._group([index], 1)

    def _group(self, group: Sequence[int], of: int) -> None:
        """Measures nodes together, and halves of them where they do more than their share."""
        self.watch.check()
        self.watch.tell(f"running on from node {group[0] + 1:,} of {len(self.network.steps):,}")
        seen = self.onwards(group)
        share = len(group) / max(1, of)
        allowed = self.budget + 6.0 + (-10.0 * _log10(share) if share else 0.0)
        if len(group) > 1 and (seen.sqnr < allowed or seen.sick):
            middle = len(group) // 2
            self._group(group[:middle], of)
            self._group(group[middle:], of)
            return
        for index in group:
            self.found[index].outputs = seen
            self.found[index].together = len(group)

    def onwards(self, group: Collection[int]) -> Deviation:
        """The worst output with these nodes in 16 bits and all others in FP32."""
        values: dict[str, Any] = {}
        wanted = set(group)
        first = min(wanted)
        for step in self.network.steps[first:]:
            chosen = step.index in wanted
            if step.node.op == "Constant":
                continue
            if not chosen and not any(name in values for name in step.reads):
                continue
            self.watch.check()
            rounding = self.rounding if chosen else None
            made = self.network.step(step, _Over(values, self.base), rounding)
            for name, value in zip(step.makes, made, strict=False):
                if not _same(value, self.base[name]):
                    values[name] = value
        return _worst(
            [
                deviation(self.base[name], values[name], floor=self.floors.get(name, 0.0))
                for name in self.network.outputs
                if name in values
            ]
        )


class _Over(Mapping[str, Any]):
    """Values, and beneath them those of the run in FP32."""

    def __init__(self, values: Mapping[str, Any], base: Mapping[str, Any]) -> None:
        self._values, self._base = values, base

    def __getitem__(self, name: str) -> Any:
        return self._values[name] if name in self._values else self._base[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values or name in self._base

    def __iter__(self) -> Any:
        yield from {*self._values, *self._base}

    def __len__(self) -> int:
        return len({*self._values, *self._base})


def _same(now: Any, was: Any) -> bool:
    return now is was or bool(
        getattr(now, "shape", None) == getattr(was, "shape", 0) and (now == was).all()
    )


def _worst(several: Sequence[Deviation]) -> Deviation:
    return min(several, key=lambda each: each.sqnr, default=Deviation(signal=1.0, noise=0.0))


def _log10(value: float) -> float:
    from math import log10

    return log10(value) if value > 0 else -inf
