"""What the differences of outputs mean: whether B's are as good as those they replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from trtdoctor.model.comparison import OutputDifference
from trtdoctor.model.plural import count

from .outputs import REFERENCE, A, B

# An engine this far from the reference, in dB, computes something else: of other inputs or another model.
_ELSEWHERE = 15.0
# Within so many dB of A, B is as good as A.
_ALIKE = 3.0


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How B's outputs came out.

    Attributes:
        sound: Whether they will do; None where that cannot be told.
        why: One clause: how near they are, or what is wrong with them, or why nobody can tell.
        bad: The outputs that will not do, or may not.
        unjudged: Whether a reference would tell.
        healed: What A has wrong and B has not; one clause.
    """

    sound: bool | None
    why: str
    bad: tuple[str, ...] = ()
    unjudged: bool = False
    healed: str | None = None


def judge_outputs(
    differences: Sequence[OutputDifference], *, budget: float, reference: str | None
) -> Accuracy | None:
    """What the differences of all outputs mean together; None where there are none.

    Args:
        differences: As `compare_outputs` tells them.
        budget: The signal to noise that an output has to keep, in dB.
        reference: What the reference is called, where there is one.
    """
    if not differences:
        return None
    judged = _Judged(differences, budget, reference)
    return (
        judged.not_finite()
        or judged.not_compared()
        or judged.far()
        or judged.whole()
        or judged.near()
    )


class _Judged:
    """The differences by output, against the reference where there is one and else against A."""

    def __init__(
        self, differences: Sequence[OutputDifference], budget: float, reference: str | None
    ) -> None:
        self._found = {(each.name, each.of, each.to): each for each in differences}
        self._names = tuple(dict.fromkeys(each.name for each in differences))
        self._to = A if reference is None else REFERENCE
        self._called = "A's" if reference is None else f"the reference ({reference})"
        self._budget = budget

    def _b(self, name: str) -> OutputDifference:
        return self._found[name, B, self._to]

    def _a(self, name: str) -> OutputDifference | None:
        return self._found.get((name, A, REFERENCE))

    def not_finite(self) -> Accuracy | None:
        """NaN or infinity where there was a number."""
        against_a = [n for n in self._names if _lost(self._found[n, B, A])]
        broken = against_a or [n for n in self._names if _lost(self._b(n))]
        if not broken:
            return None
        each = self._found[broken[0], B, A] if against_a else self._b(broken[0])
        more = f", and {count(len(broken) - 1, 'more output')} alike" if len(broken) > 1 else ""
        whose = "A's" if against_a else "A's is broken too, and that of the reference"
        return Accuracy(
            sound=False,
            why=f"its output {broken[0]} has {_sick(each)} where {whose} has numbers{more}",
            bad=tuple(broken),
        )

    def not_compared(self) -> Accuracy | None:
        """Outputs of which nothing is known."""
        for name in self._names:
            for each in (self._b(name), self._a(name)):
                if each is not None and not each.elements and each.note:
                    why = f"its output {name} could not be compared: {each.note}"
                    return Accuracy(sound=None, why=why)
        return None

    def far(self) -> Accuracy | None:
        """Outputs that lost more than the budget allows."""
        bad = [name for name in self._names if _decibels(self._b(name)) < self._budget]
        if self._to == REFERENCE:
            bad = [name for name in bad if not self._as_good(name)]
        if not bad:
            return None
        worst = min(bad, key=lambda name: _decibels(self._b(name)))
        told = f"its output {worst} {self._agrees(self._b(worst))}"
        before = self._a(worst)
        if before is None:
            why = f"{told}, below {self._budget:g} dB, and nothing shows which of the two is right"
            return Accuracy(sound=None, why=why, bad=tuple(bad), unjudged=True)
        if _decibels(before) < min(_ELSEWHERE, self._budget):
            why = (
                f"{told}, and A's {_only(before)}: either the reference is another model or was given "
                "other inputs, or both engines are wrong"
            )
            return Accuracy(sound=None, why=why, bad=tuple(bad))
        why = f"{told}, A's {_only(before)}, and {self._budget:g} dB are asked for"
        return Accuracy(sound=False, why=why, bad=tuple(bad))

    def _agrees(self, each: OutputDifference) -> str:
        if each.sqnr is None:
            return f"has no finite number beside one of {self._called}"
        return f"agrees with {self._called} {_only(each)} only"

    def _as_good(self, name: str) -> bool:
        before = self._a(name)
        if before is None or _decibels(before) < _ELSEWHERE:
            return False
        return _decibels(self._b(name)) >= _decibels(before) - _ALIKE

    def whole(self) -> Accuracy | None:
        """Whole numbers that differ: an index that flips between equals matters to nobody, or does."""
        for name in self._names:
            each, before = self._b(name), self._a(name)
            if not each.differing or (
                before is not None and (before.differing or 0) >= each.differing
            ):
                continue
            share = each.differing / each.elements
            why = (
                f"its output {name} differs from {self._called} in {share:.2%} of {each.elements:,} whole "
                "numbers, and whether that matters only you can tell"
            )
            return Accuracy(sound=None, why=why, bad=(name,))
        return None

    def near(self) -> Accuracy:
        """Outputs that will do."""
        worst = min(self._names, key=lambda name: _decibels(self._b(name)))
        least = _decibels(self._b(worst))
        if least == inf:
            return Accuracy(
                sound=True, why=f"its outputs equal {self._called}", healed=self._healed()
            )
        less = "" if least >= self._budget else ", no worse than A's"
        plural = "output agrees" if len(self._names) == 1 else "outputs agree"
        return Accuracy(
            sound=True,
            why=f"its {plural} with {self._called} to {least:.0f} dB{less}",
            healed=self._healed(),
        )

    def _healed(self) -> str | None:
        """That A gives NaN or infinity where the reference, and so B, gives numbers."""
        for name in self._names:
            before = self._a(name)
            if before is not None and _lost(before):
                return f"A's output {name} has {_sick(before)} where the reference has numbers"
        return None


def _only(each: OutputDifference) -> str:
    return "in nothing" if _decibels(each) == -inf else f"to {_decibels(each):.0f} dB"


def _sick(each: OutputDifference) -> str:
    parts = [f"{each.nan:,} NaN"] if each.nan else []
    parts += [f"{each.inf:,} infinite"] if each.inf else []
    return f"{' and '.join(parts)} {'element' if each.nan + each.inf == 1 else 'elements'}"


def _lost(each: OutputDifference) -> bool:
    return bool(each.nan or each.inf)


def _decibels(each: OutputDifference) -> float:
    """Signal to noise; infinite where nothing differs, and for whole numbers, which are told apart."""
    if each.equal or each.differing is not None:
        return inf
    return -inf if each.sqnr is None else each.sqnr
