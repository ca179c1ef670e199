"""GPU006: little GPU memory left, because others use it."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
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

_GIB = 1 << 30


@check(
    id="GPU006",
    name="gpu-memory-low",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing", "no-gpu-visible"),
    blinded_by=("cuda-init-fails",),
)
def gpu_memory_low(gpus: facts.Gpus, cuda: Fact[facts.CudaDriver]) -> Iterator[Yielded]:
    """Little GPU memory is free, because other programs hold it.

    ## What it checks
    The free memory that NVML reports. Low is less than a tenth of the total, but not less than 1 GiB
    nor more than 4 GiB, and for very small GPUs half of the total.

    ## Why it matters
    Builds skip the kernels that need more workspace than there is, FP16 ones among them, and say so
    only in the verbose log. Engines fail to load, or fail at the first inference.

    ## How to fix it
    End or move the programs that hold the memory, or choose another GPU with
    `CUDA_VISIBLE_DEVICES`.

    ## Known limits
    With MIG on, the numbers are the whole GPU's and are not judged. GPUs that share the main memory
    have no such number.

    ## References
    - NVML API Reference, nvmlDeviceGetMemoryInfo:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
    """
    offering = [d for d in nvml_devices(gpus, cuda) if not d[0].not_offered("MemoryInfo")]
    if not offering:
        raise NotApplicable("NVML offers no memory numbers of these devices")
    for device, gpu in offering:
        yield from _judge(device, gpu)


def _judge(device: Device, gpu: facts.Gpu) -> Iterator[Yielded]:
    if gpu.mig_mode == "enabled":
        yield Note(
            text=f"{device.label}: MIG is on; an instance's memory is not reported separately"
        )
        return
    if gpu.memory_free_bytes is None or not gpu.memory_total_bytes:
        why = device.refusal("MemoryInfo") or "NVML gave no memory numbers"
        yield Unknown(reason=why, subject=device.label)
        return
    free, total = gpu.memory_free_bytes, gpu.memory_total_bytes
    low = min(max(total // 10, _GIB), 4 * _GIB, total // 2)
    if free >= low:
        return
    many = gpu.compute_processes
    by = f"; {many} compute process{'es' if many != 1 else ''} on it" if many else ""
    yield Finding(
        message=f"{device.label} has only {free / _GIB:.1f} of {total / _GIB:.1f} GiB free{by}.",
        subject=device.subject,
        evidence=(
            Evidence(
                source="nvml: nvmlDeviceGetMemoryInfo",
                value=f"free {free} of {total} bytes",
            ),
        ),
        remedy=Remedy(
            text="See who holds the memory; end it, or use another GPU.",
            commands=to_run("nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv"),
        ),
    )
