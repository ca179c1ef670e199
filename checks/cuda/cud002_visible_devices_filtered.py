"""CUD002: CUDA_VISIBLE_DEVICES hides some GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)


@check(
    id="CUD002",
    name="visible-devices-filtered",
    severity=Severity.INFO,
    since="0.1.0",
    explained_by=("no-gpu-visible", "cuda-init-fails", "visible-devices-invalid"),
)
def visible_devices_filtered(cuda: facts.CudaDriver, gpus: facts.Gpus) -> Iterator[Yielded]:
    """CUDA_VISIBLE_DEVICES hides some of the GPUs.

    ## What it checks
    Whether the variable is set and CUDA offers fewer GPUs than NVML lists.

    ## Why it matters
    Often this is meant, by the user or by a batch system. Where it is not, programs run on another
    GPU than expected. The hidden GPUs were not judged, and CUDA numbers the remaining ones from 0.

    ## How to fix it
    If it was not meant, unset the variable. Its numbers follow the order of `nvidia-smi` only with
    `CUDA_DEVICE_ORDER=PCI_BUS_ID`; by default CUDA puts the fastest GPU first.

    ## References
    - CUDA Programming Guide, CUDA Environment Variables:
      https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
    """
    variable = cuda.visible_devices
    if variable is None:
        raise NotApplicable("CUDA_VISIBLE_DEVICES is not set")
    if "MIG-" in variable or any(gpu.mig_mode == "enabled" for gpu in gpus.devices):
        yield Note(text=f"CUDA_VISIBLE_DEVICES chooses among MIG instances: {variable!r}")
        return
    if not cuda.devices or len(cuda.devices) >= len(gpus.devices):
        return
    left = ", ".join(f"cuda:{d.ordinal} {d.name or ''}".strip() for d in cuda.devices)
    yield Finding(
        message=f"CUDA_VISIBLE_DEVICES={variable} leaves {len(cuda.devices)} of "
        f"{len(gpus.devices)} GPUs visible: {left}.",
        evidence=(
            Evidence(source="CUDA_VISIBLE_DEVICES", value=variable),
            Evidence(source="nvml: nvmlDeviceGetCount", value=str(len(gpus.devices))),
        ),
        remedy=Remedy(text="If this was not meant, unset it.", commands=to_run("nvidia-smi -L")),
    )
