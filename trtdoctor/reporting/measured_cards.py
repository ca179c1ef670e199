"""What ``--active`` measured, in words: rates beside the table, copies, tiny engines."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.checking.facts import Facts
from trtdoctor.checking.rates import Beside, beside, rates_of
from trtdoctor.knowledge import Knowledge, KnowledgeEnds
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
    "tensor-fp16": "FP16 tensor cores, FP16 sums",
    "tensor-fp16-fp32": "FP16 tensor cores, FP32 sums",
    "tensor-bf16": "BF16 tensor cores",
    "tensor-tf32": "TF32 tensor cores",
    "tensor-int8": "INT8 tensor cores",
    "tensor-fp8": "FP8 tensor cores",
    "wgmma-fp16": "FP16 by wgmma, FP32 sums",
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
    rates = [_rate(rate, gpu, knowledge) for rate in beside(gpu, knowledge)]
    rates += [_copy(copy) for copy in gpu.copies]
    return MeasuredCard(
        subject=f"cuda:{gpu.ordinal}",
        name=gpu.name or "unnamed GPU",
        rates=tuple(rates),
        notes=tuple(_notes(gpu)),
    )


def _notes(gpu: MeasuredGpu) -> Iterator[str]:
    if gpu.reason is not None:
        yield f"nothing could be measured: {gpu.reason}"
    clocks = [rate.sm_mhz for rate in gpu.rates if rate.sm_mhz]
    if clocks:
        low, high = min(clocks), max(clocks)
        span = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
        yield f"the SMs ran at {span} MHz meanwhile; arithmetic at best is what the chip does at that clock"
    if gpu.throttled:
        yield f"NVML's reasons for the clocks meanwhile: {', '.join(gpu.throttled)}"
    if gpu.other_processes:
        many = gpu.other_processes
        yield f"{many} other {'process' if many == 1 else 'processes'} computed on it"


def _rate(rate: Beside, gpu: MeasuredGpu, knowledge: Knowledge) -> RateCard:
    card = RateCard(
        kind=rate.kind,
        what=_KINDS.get(rate.kind, rate.kind),
        unit="TOPS" if "int8" in rate.kind else "TFLOPS",
        remark=rate.reason,
    )
    if rate.measured is None:
        return card
    return RateCard(
        kind=card.kind,
        what=card.what,
        unit=card.unit,
        measured=rate.measured.median,
        low=rate.measured.low,
        high=rate.measured.high,
        expected=None if rate.expected is None else float(f"{rate.expected:.4g}"),
        remark=rate.reason or _reach(rate, gpu, knowledge),
    )


def _reach(rate: Beside, gpu: MeasuredGpu, knowledge: Knowledge) -> str | None:
    try:
        row = rates_of(gpu, knowledge)
    except KnowledgeEnds:
        return None
    remarks = []
    if rate.kind.startswith("tensor-") and row.mma_sync is not None and row.mma_sync < 1:
        remarks.append(f"by mma.sync, which reaches about {row.mma_sync:.0%} of it")
    if rate.kind in row.least:
        share = row.least[rate.kind] / row.fma[rate.kind]
        remarks.append(f"some boards do {share:.0%} of it by design")
    return "; ".join(remarks) or None


def _copy(copy: CopyRate) -> RateCard:
    what, remark = _COPIES.get(copy.direction, (copy.direction, None))
    rate = copy.rate
    return RateCard(
        kind=copy.direction,
        what=what,
        unit="GB/s",
        measured=rate.median if rate else None,
        low=rate.low if rate else None,
        high=rate.high if rate else None,
        expected=copy.limit,
        remark=remark if rate else copy.reason,
    )


def _engines(trial: TinyEngineTrial) -> MeasuredCard:
    name = f"{trial.module} {trial.version}" if trial.version else trial.module
    notes = []
    if trial.attempt.ending is not Ending.RETURNED:
        detail = trial.attempt.detail or trial.attempt.ending.value
        notes.append(f"no tiny engine could be built: {detail}")
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
