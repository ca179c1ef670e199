"""The costs that a problem consists of, with the line of the log that each was read from."""

from __future__ import annotations

from trtdoctor.readers.buildlog import Conversion, Outcome

from .conversions import ConversionCosts
from .problem import IMPOSSIBLE, Term, TermKind


class Terms:
    """All terms of a problem. Those that ``NOTHING`` and ``IMPOSSIBLE`` name come first.

    ``unknown`` counts the costs that the log does not hold.
    """

    def __init__(self, costs: ConversionCosts) -> None:
        self.all = [Term(TermKind.NONE, 0.0), Term(TermKind.NONE, float("inf"))]
        self.unknown = 0
        self._costs = costs
        self._by_line: dict[tuple[TermKind, int], int] = {}

    def kernel(self, ms: float, line: int, *, known: bool = True) -> int:
        """The term of a kernel's time."""
        return self._add(TermKind.KERNEL, ms, line, known=known)

    def conversion(self, tried: Conversion, *, into: bool = False) -> int:
        """The term of a conversion, or ``IMPOSSIBLE`` where it cannot be done.

        ``into`` says whether it goes into a tensor's own format, where the log does not.
        """
        ms, line = self._costs.time_of(tried, into=into)
        if ms is not None:
            return self._add(TermKind.CONVERSION, ms, line, known=True)
        if tried.outcome in (Outcome.INFINITE, Outcome.NO_TACTICS):
            return IMPOSSIBLE
        return self._add(TermKind.CONVERSION, self._costs.typical, tried.line, known=False)

    def unpriced(self) -> int:
        """The term of a conversion that the log does not tell of, though the engine runs it."""
        return self._add(TermKind.CONVERSION, self._costs.typical, None, known=False)

    def _add(self, kind: TermKind, ms: float, line: int | None, *, known: bool) -> int:
        if known and line is not None:
            same = self._by_line.get((kind, line))
            if same is not None and self.all[same].ms == ms:
                return same
            self._by_line[kind, line] = len(self.all)
        elif not known:
            self.unknown += 1
        self.all.append(Term(kind, ms, line, known))
        return len(self.all) - 1
