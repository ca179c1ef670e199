"""What was measured on a GPU beside what the tables say that it does at the clock that it had."""

from __future__ import annotations

from dataclasses import dataclass

from trtdoctor.knowledge import ArithmeticRates, Knowledge, KnowledgeEnds
from trtdoctor.model.facts import ArithmeticRate, MeasuredGpu, Rate

_TENSOR = "tensor-"


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One kind of arithmetic, measured and by the table; rates are in 10^12 operations a second.

    Attributes:
        kind: As the fact names it.
        measured: None where it was not, and then ``reason`` says why.
        expected: What the chip does at the clock that the SMs had.
        floor: What any board of this kind does by the way that was measured; None where the table
            does not know.
        reason: Why ``measured`` or ``expected`` is None.
    """

    kind: str
    measured: Rate | None = None
    expected: float | None = None
    floor: float | None = None
    reason: str | None = None

    @property
    def share(self) -> float | None:
        """The measured median as a part of what is expected."""
        if self.measured is None or not self.expected:
            return None
        return self.measured.median / self.expected


def beside(gpu: MeasuredGpu, knowledge: Knowledge) -> tuple[Beside, ...]:
    """Every kind that was tried on a GPU, beside the table's row for its board."""
    try:
        row: ArithmeticRates | None = rates_of(gpu, knowledge)
        why = None
    except KnowledgeEnds as end:
        row, why = None, str(end)
    coreless = _coreless(gpu, knowledge)
    return tuple(_one(gpu, rate, row, why, coreless) for rate in gpu.rates)


def rates_of(gpu: MeasuredGpu, knowledge: Knowledge) -> ArithmeticRates:
    """The table's row for a GPU.

    Raises:
        KnowledgeEnds: there is none.
    """
    return knowledge.arithmetic_rates(gpu.compute_capability or "unknown", gpu.name or "")


def _coreless(gpu: MeasuredGpu, knowledge: Knowledge) -> bool:
    """Whether it is a board without tensor cores where others of its compute capability have them."""
    cc = gpu.compute_capability or ""
    return knowledge.board_without_tensor_cores(cc, gpu.name or "") is not None


def _one(
    gpu: MeasuredGpu,
    rate: ArithmeticRate,
    row: ArithmeticRates | None,
    why: str | None,
    coreless: bool,
) -> Beside:
    if rate.rate is None:
        return Beside(kind=rate.kind, reason=rate.reason)

    def alone(reason: str) -> Beside:
        return Beside(kind=rate.kind, measured=rate.rate, reason=reason)

    tensor = rate.kind.startswith(_TENSOR)
    if tensor and coreless:
        return alone("this board has no tensor cores")
    if row is None:
        return alone(why or "the table has no such GPU")
    fma = row.fma.get(rate.kind)
    if fma is None:
        return alone((row.board and row.note) or "no rate in the table")
    if rate.sm_mhz is None or gpu.multiprocessors is None:
        return alone("the clock that its SMs had is not known")
    by_clock = 2 * gpu.multiprocessors * rate.sm_mhz / 1e6
    reach = row.mma_sync if tensor else 1.0
    least = row.least.get(rate.kind, fma)
    return Beside(
        kind=rate.kind,
        measured=rate.rate,
        expected=fma * by_clock,
        floor=None if reach is None else least * reach * by_clock,
        reason="what mma.sync reaches of it is not known" if reach is None else None,
    )
