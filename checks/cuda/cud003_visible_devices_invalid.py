"""CUD003: CUDA_VISIBLE_DEVICES names a GPU that CUDA cannot find."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Yielded,
    check,
    count,
    facts,
    to_run,
)


@check(
    id="CUD003",
    name="visible-devices-invalid",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("no-gpu-visible", "cuda-init-fails"),
)
def visible_devices_invalid(cuda: facts.CudaDriver) -> Iterator[Yielded]:
    """CUDA_VISIBLE_DEVICES names a GPU that does not exist.

    ## What it checks
    Whether CUDA offers as many devices as the variable names. CUDA stops at the first name that it
    does not know, and does not say so.

    ## Why it matters
    That GPU and all that are named after it are missing without a message.

    ## How to fix it
    Name GPUs that exist, by the index or the UUID that `nvidia-smi -L` shows. A process can use one
    MIG instance at most.

    ## References
    - CUDA Programming Guide, CUDA Environment Variables:
      https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
    """
    variable = cuda.visible_devices
    if variable is None:
        raise NotApplicable("CUDA_VISIBLE_DEVICES is not set")
    names = [name.strip() for name in variable.rstrip(", ").split(",")]
    if "-1" in names:
        # The documented way to end the list on purpose.
        names = names[: names.index("-1")]
    if not cuda.devices or len(cuda.devices) >= len(names):
        return
    refused = names[len(cuda.devices)]
    why = f"{refused!r} is not a GPU that it knows"
    if any(name.startswith("MIG-") for name in names):
        why = f"it could not add {refused!r}"
    yield Finding(
        message=f"CUDA_VISIBLE_DEVICES={variable} names {count(len(names), 'device')}, but CUDA offers "
        f"{len(cuda.devices)}: {why}.",
        evidence=(
            Evidence(source="CUDA_VISIBLE_DEVICES", value=variable),
            Evidence(source="cuDeviceGetCount", value=str(len(cuda.devices))),
        ),
        remedy=Remedy(text="Name only GPUs that exist.", commands=to_run("nvidia-smi -L")),
    )
