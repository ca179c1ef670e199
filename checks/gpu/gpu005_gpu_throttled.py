"""GPU005: a GPU that runs below its clocks because of heat or power."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Device,
    Evidence,
    Fact,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    nvml_devices,
    to_run,
)

_BAD = {
    "hw-thermal-slowdown": "overheating (hardware thermal slowdown)",
    "sw-thermal-slowdown": "hot (software thermal slowdown)",
    "hw-power-brake-slowdown": "an external power brake",
    "hw-slowdown": "hardware slowdown",
}


@check(
    id="GPU005",
    name="gpu-throttled",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing", "no-gpu-visible"),
    blinded_by=("cuda-init-fails",),
)
def gpu_throttled(gpus: facts.Gpus, cuda: Fact[facts.CudaDriver]) -> Iterator[Yielded]:
    """The GPU is slowed down by heat or by its power supply.

    ## What it checks
    The reasons that NVML gives for the present clocks. Thermal slowdown, hardware slowdown and power
    brake are problems. Idle clocks, application clocks and sync boost are not; a software power cap
    is the ordinary limit of a busy GPU and only noted.

    ## Why it matters
    Latency rises and varies. TensorRT chooses its kernels by timing them, so an engine that is built
    meanwhile can be worse for ever.

    ## How to fix it
    Look after cooling, airflow and dust; check the power cables and the supply, and on a laptop the
    mains adapter. Build engines again once the clocks are steady.

    ## Known limits
    It is one look: a GPU that throttles under load only shows it under load.

    ## References
    - NVML API Reference, NvmlClocksEventReasons:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
    """
    offering = [d for d in nvml_devices(gpus, cuda) if not d[0].not_offered("ClocksEventReasons")]
    offering = [d for d in offering if not d[0].not_offered("ClocksThrottleReasons")]
    if not offering:
        raise NotApplicable("NVML offers no reasons for the clocks of these devices")
    for device, gpu in offering:
        yield from _judge(device, gpu)


def _judge(device: Device, gpu: facts.Gpu) -> Iterator[Yielded]:
    if gpu.throttle_reasons is None:
        why = device.refusal("ClocksEventReasons") or device.refusal("ClocksThrottleReasons")
        yield Unknown(reason=why or "NVML gave no reasons for its clocks", subject=device.label)
        return
    bad = [text for reason, text in _BAD.items() if reason in gpu.throttle_reasons]
    if len(bad) > 1 and _BAD["hw-slowdown"] in bad:
        # It only sums up the other hardware reasons.
        bad.remove(_BAD["hw-slowdown"])
    if not bad:
        if "sw-power-cap" in gpu.throttle_reasons:
            yield Note(text=f"{device.label}: at its power limit{_watts(gpu)}")
        return
    state = []
    if gpu.temperature_celsius is not None:
        state.append(f"{gpu.temperature_celsius} °C")
    if gpu.sm_clock_mhz is not None and gpu.sm_clock_max_mhz is not None:
        state.append(f"SM clock {gpu.sm_clock_mhz} of {gpu.sm_clock_max_mhz} MHz")
    numbers = f" ({', '.join(state)})" if state else ""
    yield Finding(
        message=f"{device.label} is slowed down now: {', '.join(bad)}{numbers}.",
        subject=device.subject,
        # Without load the clocks would be low anyway.
        confidence=Confidence.CERTAIN if gpu.utilisation_percent else Confidence.LIKELY,
        evidence=(
            Evidence(
                source="nvml: nvmlDeviceGetCurrentClocksEventReasons",
                value=", ".join(gpu.throttle_reasons),
            ),
        ),
        remedy=Remedy(
            text="Check cooling, airflow and power; then build again what was built meanwhile.",
            commands=to_run("nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER,CLOCK"),
        ),
    )


def _watts(gpu: facts.Gpu) -> str:
    if gpu.power_limit_watts is None:
        return ""
    lowered = ""
    if gpu.power_default_limit_watts and gpu.power_limit_watts < gpu.power_default_limit_watts:
        lowered = f", lowered from {gpu.power_default_limit_watts:.0f} W"
    return f" of {gpu.power_limit_watts:.0f} W{lowered}"
