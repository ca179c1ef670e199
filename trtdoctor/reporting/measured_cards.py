"""What ``--active`` measured, in words: rates beside the table, copies, tiny engines."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.checking.facts import Facts
from trtdoctor.checking.rates import Beside, beside, rates_of
from trtdoctor.knowledge import ArithmeticRates, Knowledge, KnowledgeEnds
from trtdoctor.model.facts import (
    Arithmetic,
    CopyRate,
    Ending,
    MeasuredGpu,
    TinyEngine,
    TinyEngines,
    TinyEngineTrial,
)
from trtdoctor.model.machine import MeasuredCard, RateCard

_KINDS = {
    "fp32": "FP32",
    "fp16": "FP16",
    "bf16": "BF16",
    "int8": "INT8 (dp4a)",
    "tensor-fp16": "FP16 tensor cores (FP16 sums)",
    "tensor-fp16-fp32": "FP16 tensor cores (FP32 sums)",
    "tensor-bf16": "BF16 tensor cores",
    "tensor-tf32": "TF32 tensor cores",
    "tensor-int8": "INT8 tensor cores",
    "tensor-fp8": "FP8 tensor cores",
    "wgmma-fp16": "FP16 by wgmma (FP32 sums)",
    "wgmma-bf16": "BF16 by wgmma",
    "wgmma-tf32": "TF32 by wgmma",
    "wgmma-int8": "INT8 by wgmma",
    "wgmma-fp8": "FP8 by wgmma",
}
_COPIES = {
    "d2d": ("copy within the GPU", "bytes read and written"),
    "h2d": ("copy to the GPU", "from page-locked memory"),
    "d2h": ("copy from the GPU", "to page-locked memory"),
}


def measured_cards(facts: Facts, knowledge: Knowledge) -> tuple[MeasuredCard, ...]:
    """A card for each GPU that was measured, and one for each TensorRT's tiny engines."""
    arithmetic, tiny = facts.value(Arithmetic), facts.value(TinyEngines)
    cards = [_gpu(gpu, knowledge) for gpu in (arithmetic.devices if arithmetic else ())]
    cards += [_engines(trial) for trial in (tiny.trials if tiny else ())]
    return tuple(cards)


def _gpu(gpu: MeasuredGpu, knowledge: Knowledge) -> MeasuredCard:
    try:
        row: ArithmeticRates | None = rates_of(gpu, knowledge)
    except KnowledgeEnds:
        row = None
    cards = [_rate(rate, row) for rate in beside(gpu, knowledge)]
    cards += [_copy(copy) for copy in gpu.copies]
    return MeasuredCard(
        subject=f"cuda:{gpu.ordinal}",
        name=gpu.name or "unnamed GPU",
        rates=tuple(card for card in cards if card.measured is not None),
        notes=(*_notes(gpu, row), *_missing(cards)),
    )


def _notes(gpu: MeasuredGpu, row: ArithmeticRates | None) -> Iterator[str]:
    if gpu.reason is not None:
        yield f"nothing could be measured: {gpu.reason}"
    clocks = [rate.sm_mhz for rate in gpu.rates if rate.sm_mhz]
    if clocks:
        low, high = min(clocks), max(clocks)
        span = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
        yield f"the SMs ran at {span} MHz; at best is what the chip does at that clock"
    tensor = any(rate.kind.startswith("tensor-") and rate.rate for rate in gpu.rates)
    if tensor and row and row.mma_sync is None:
        yield "tensor cores are measured by mma.sync, and what that reaches of them is not known"
    elif tensor and row and row.mma_sync is not None and row.mma_sync < 1:
        way = "tensor cores are measured by mma.sync where nothing else is said"
        yield f"{way}, which reaches about {row.mma_sync:.0%} of them"
    if gpu.throttled:
        yield f"NVML's reasons for the clocks meanwhile: {', '.join(gpu.throttled)}"
    if gpu.other_processes:
        many = gpu.other_processes
        yield f"{many} other {'process' if many == 1 else 'processes'} computed on it"


def _missing(cards: list[RateCard]) -> Iterator[str]:
    """What was not measured, by why not."""
    whys: dict[str, list[str]] = {}
    for card in cards:
        if card.measured is None:
            whys.setdefault(card.remark or "the reason is not known", []).append(card.what)
    for why, names in whys.items():
        yield f"not measured: {', '.join(names)} ({why})"


def _rate(rate: Beside, row: ArithmeticRates | None) -> RateCard:
    what, unit = _KINDS.get(rate.kind, rate.kind), "TOPS" if "int8" in rate.kind else "TFLOPS"
    if rate.measured is None:
        return RateCard(kind=rate.kind, what=what, unit=unit, remark=rate.reason)
    return RateCard(
        kind=rate.kind,
        what=what,
        unit=unit,
        measured=rate.measured.median,
        low=rate.measured.low,
        high=rate.measured.high,
        expected=None if rate.expected is None else float(f"{rate.expected:.4g}"),
        remark=_by_design(rate, row) if rate.expected is not None else rate.reason,
    )


def _by_design(rate: Beside, row: ArithmeticRates | None) -> str | None:
    if row is None or rate.kind not in row.least:
        return None
    return f"some boards do {row.least[rate.kind] / row.fma[rate.kind]:.0%} of it by design"


def _copy(copy: CopyRate) -> RateCard:
    what, remark = _COPIES.get(copy.direction, (copy.direction, None))
    if copy.rate is None:
        return RateCard(kind=copy.direction, what=what, unit="GB/s", remark=copy.reason)
    return RateCard(
        kind=copy.direction,
        what=what,
        unit="GB/s",
        measured=copy.rate.median,
        low=copy.rate.low,
        high=copy.rate.high,
        expected=copy.limit,
        remark=remark,
    )


def _engines(trial: TinyEngineTrial) -> MeasuredCard:
    name = f"{trial.module} {trial.version}" if trial.version else trial.module
    notes = []
    if trial.attempt.ending is not Ending.RETURNED:
        detail = trial.attempt.detail or trial.attempt.ending.value
        notes.append(f"no tiny engine could be built: {detail}")
    if trial.log and not all(engine.time for engine in trial.engines):
        notes.append(f"TensorRT's log: {trial.log[-1]}")
    gain = _gain(trial)
    if gain is not None:
        notes.append(f"FP16 is {gain:.3g} times as fast as FP32 without TF32")
    return MeasuredCard(
        subject="tiny engine of",
        name=name,
        rates=tuple(_engine(engine) for engine in trial.engines),
        notes=tuple(notes),
    )


def _gain(trial: TinyEngineTrial) -> float | None:
    times = {engine.precision: engine.time.median for engine in trial.engines if engine.time}
    if not times.get("fp32") or not times.get("fp16"):
        return None
    return times["fp32"] / times["fp16"]


def _engine(engine: TinyEngine) -> RateCard:
    time = engine.time
    typed = f"{engine.typing}ly typed" if engine.typing else None
    return RateCard(
        kind=engine.precision,
        what=engine.precision.upper(),
        unit="ms",
        measured=time.median if time else None,
        low=time.low if time else None,
        high=time.high if time else None,
        remark=typed if time else engine.reason,
    )
