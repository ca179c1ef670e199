"""GPU011: FP16 arithmetic that was measured and is slower than the GPU's kind does it."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Beside,
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    beside,
    check,
    facts,
    rates_of,
    to_run,
)

# Sound GPUs come within a few percent of the table, clock for clock; boards that are held back, or
# shared, are so by halves and more. Between the two nothing is known, so the limit is there.
_LIMIT = 0.7
_WORDS = {
    "fp32": "FP32",
    "fp16": "FP16 on the ordinary cores",
    "tensor-fp16": "FP16 on tensor cores with FP16 sums",
    "tensor-fp16-fp32": "FP16 on tensor cores with FP32 sums",
    "wgmma-fp16": "FP16 on tensor cores by wgmma",
}
_HALVES = tuple(kind for kind in _WORDS if kind != "fp32")
_HELD = {
    "hw-slowdown": "a hardware slowdown",
    "hw-thermal-slowdown": "heat",
    "sw-thermal-slowdown": "heat",
    "hw-power-brake-slowdown": "a power brake",
}


@check(
    id="GPU011",
    name="fp16-slower-than-expected",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "container-driver-capabilities",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "no-gpu-visible",
        "cuda-init-fails",
    ),
)
def fp16_slower_than_expected(
    arithmetic: facts.Arithmetic, tiny: Fact[facts.TinyEngines], kb: Knowledge
) -> Iterator[Yielded]:
    """FP16 arithmetic is slower here than the GPU's kind does it.

    ## What it checks
    With `--active`, how many FP16 operations a second each GPU does on its tensor cores, or on its
    ordinary cores where it has no others, in small kernels of trtdoctor's own. Beside it stands what
    the table says of the compute capability at the clock that the SMs had meanwhile, by their own
    counter. It fails where even the upper end of what was measured is below 70% of what the slowest
    board of that compute capability does, while FP32 is as fast as it should be.

    ## Why it matters
    TensorRT takes FP16 kernels where they are faster. Where the arithmetic itself is held back, an
    FP16 engine gains little or nothing, and no flag, no layout and no model change helps.

    ## How to fix it
    Measure again with nothing else on the GPU. If it stays so, compare with another board of the same
    model: what is held back in a board's firmware or by a virtual GPU's profile cannot be switched on.
    Until then trust measured engines alone, and expect the gain from INT8 where that is fast.

    ## Known limits
    Tensor cores are measured by the instruction `mma.sync`. On compute capability 9.0 that reaches
    about 62% of what they do, which is allowed for, and `wgmma`, which reaches all, is measured too.
    On 10.x it is not known what `mma.sync` reaches, and tensor cores are not judged. A GPU that other
    processes use, or that is slowed down, is not judged where it looks slow. Boards that are known to
    be held back are not judged either.

    ## References
    - CUDA C++ Programming Guide, Arithmetic Instructions:
      https://docs.nvidia.com/cuda/archive/12.9.1/cuda-c-programming-guide/index.html#arithmetic-instructions
    - Benchmarking and Dissecting the Nvidia Hopper GPU Architecture: https://arxiv.org/abs/2402.13499
    """
    for gpu in arithmetic.devices:
        # The tiny engines ran on the first GPU.
        engines = _engines(tiny) if gpu.ordinal == 0 else ()
        yield _judge(gpu, engines, kb)


def _judge(gpu: facts.MeasuredGpu, engines: tuple[Evidence, ...], kb: Knowledge) -> Yielded:
    label = f"cuda:{gpu.ordinal} ({gpu.name})" if gpu.name else f"cuda:{gpu.ordinal}"
    if gpu.reason is not None:
        return Unknown(reason=f"nothing could be measured: {gpu.reason}", subject=label)
    try:
        row = rates_of(gpu, kb)
    except KnowledgeEnds as end:
        return Unknown(reason=str(end), subject=label)
    rates = {rate.kind: rate for rate in beside(gpu, kb)}
    halves = [rates[kind] for kind in _HALVES if kind in rates]
    if not row.board and not any(kind in row.fma for kind in _HALVES):
        return Note(text=f"{label}: without FP16 arithmetic, see hardware-no-fast-fp16")
    judged = [rate for rate in halves if rate.measured and rate.floor]
    slow = [rate for rate in _deciding(judged) if _slow(rate)]
    if slow:
        excuse = _excuse(gpu, rates.get("fp32"))
        if excuse is not None:
            return Unknown(reason=f"{_told(slow[0])}, but {excuse}", subject=label)
        return _finding(gpu, label, slow, rates, engines, row.source)
    if not judged:
        whys = dict.fromkeys(rate.reason for rate in halves if rate.reason) or {"not measured": 0}
        return Unknown(reason=f"FP16 cannot be judged: {'; '.join(map(str, whys))}", subject=label)
    told = "; ".join(_told(rate) for rate in judged)
    ratio = _ratio(rates)
    return Note(text=f"{label}: {told}{f'; {ratio}' if ratio else ''}")


def _deciding(judged: list[Beside]) -> list[Beside]:
    """What FP16 in TensorRT runs on, measured in the way that reaches most of it.

    Where there are tensor cores it is theirs. On the ordinary cores of 8.0 and 9.0 two pipes share it,
    and which of them a driver's assembler uses is not ours to choose.
    """
    for way in ("wgmma-", "tensor-"):
        found = [rate for rate in judged if rate.kind.startswith(way)]
        if found:
            return found
    return judged


def _slow(rate: Beside) -> bool:
    if rate.measured is None or rate.floor is None:
        return False
    return rate.measured.high < _LIMIT * rate.floor


def _excuse(gpu: facts.MeasuredGpu, fp32: Beside | None) -> str | None:
    """Why a rate that looks slow says nothing of the GPU's FP16."""
    if gpu.other_processes:
        many = gpu.other_processes
        return f"{many} other {'process' if many == 1 else 'processes'} computed on this GPU"
    held = dict.fromkeys(_HELD[reason] for reason in gpu.throttled or () if reason in _HELD)
    if held:
        return f"{' and '.join(held)} held the GPU back meanwhile"
    if fp32 is None or fp32.measured is None or fp32.floor is None:
        return "FP32 could not be measured beside it"
    if _slow(fp32):
        return f"so is all arithmetic here ({_told(fp32)}): something else uses or slows the GPU"
    return None


def _told(rate: Beside) -> str:
    measured, words = rate.measured, _WORDS[rate.kind]
    if measured is None or rate.floor is None:
        return f"{words} is not known"
    return f"{words} does {measured.median:.4g} TFLOPS where {rate.floor:.4g} is expected"


def _ratio(rates: dict[str, Beside]) -> str | None:
    """How many times FP32 the fastest FP16 does, and how many are expected at least."""
    fp32 = rates.get("fp32")
    halves = [rates[kind] for kind in _HALVES if kind in rates]
    seen = [rate.measured.median for rate in halves if rate.measured and rate.floor]
    floors = [rate.floor for rate in halves if rate.measured and rate.floor]
    if fp32 is None or fp32.measured is None or not fp32.floor or not seen:
        return None
    times, least = max(seen) / fp32.measured.median, max(floors) / fp32.floor
    return f"the fastest does {times:.3g} times FP32 where {least:.3g} times is expected"


def _finding(
    gpu: facts.MeasuredGpu,
    label: str,
    slow: list[Beside],
    rates: dict[str, Beside],
    engines: tuple[Evidence, ...],
    source: str,
) -> Finding:
    ratio = _ratio(rates)
    evidence = []
    for kind, words in _WORDS.items():
        rate, raw = rates.get(kind), gpu.rate_of(kind)
        if rate is None or rate.measured is None or raw is None or rate.expected is None:
            continue
        m = rate.measured
        at = f" at {raw.sm_mhz:.0f} MHz" if raw.sm_mhz else ""
        value = f"{m.median:.4g} TFLOPS ({m.low:.4g} to {m.high:.4g}){at}; "
        value += f"the chip does {rate.expected:.4g} at best"
        if rate.floor is not None and rate.floor < 0.995 * rate.expected:
            value += f", and every such board {rate.floor:.4g} when measured so"
        evidence.append(Evidence(source=f"measured, {words}", value=value))
    return Finding(
        message=f"{label} is slower in FP16 than compute capability {gpu.compute_capability} is: "
        f"{'; '.join(_told(rate) for rate in slow)}{f'; {ratio}' if ratio else ''}.",
        subject=f"cuda:{gpu.ordinal}",
        # That the table holds for this very board is not proven by its compute capability.
        confidence=Confidence.LIKELY,
        evidence=(*evidence, *engines),
        remedy=Remedy(
            text="Measure again with nothing else on the GPU, then on another board of the same model; "
            "what this board's firmware or virtual GPU holds back, no flag switches on.",
            commands=to_run(
                "nvidia-smi -q -d PERFORMANCE,CLOCK",
                "trtdoctor check --active --select GPU011",
            ),
        ),
        references=(source,),
    )


def _engines(tiny: Fact[facts.TinyEngines]) -> tuple[Evidence, ...]:
    """What the tiny engines took."""
    told = []
    for trial in tiny.value.trials if tiny.value else ():
        times = [
            f"{engine.precision.upper()} {engine.time.median:.4g} ms "
            f"({engine.time.low:.4g} to {engine.time.high:.4g})"
            for engine in trial.engines
            if engine.time is not None
        ]
        if times:
            name = f"{trial.module} {trial.version}" if trial.version else trial.module
            told.append(Evidence(source=f"tiny engine of {name}", value=", ".join(times)))
    return tuple(told)
