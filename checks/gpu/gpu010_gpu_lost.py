"""GPU010: a GPU that the driver lists but can no longer reach."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

_OPEN = "nvmlDeviceGetHandleByIndex"
_LOST = {"(15)": "is lost: it does not answer its driver", "(16)": "must be reset before any use"}


@check(
    id="GPU010",
    name="gpu-lost",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "wsl-driver-shadowed",
    ),
    blinded_by=("cuda-init-fails",),
)
def gpu_lost(gpus: facts.Gpus) -> Iterator[Yielded]:
    """A GPU does not answer its driver any more.

    ## What it checks
    Whether NVML can open each GPU that it lists. Codes 15 (lost) and 16 (reset required) are the
    hardware's; where a batch system keeps a GPU from this user, that is another code and no problem.

    ## Why it matters
    The GPU cannot be used, and CUDA may fail or hang on the others too.

    ## How to fix it
    Restart the machine. If it happens again, check power, cooling and the slot, look for Xid 79 in
    the kernel's log, and have the board replaced.

    ## References
    - NVML API Reference, nvmlReturn_t: NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
    - NVIDIA GPU Deployment documentation, Xid Errors:
      https://docs.nvidia.com/deploy/xid-errors/index.html
    """
    for gpu in gpus.devices:
        error = gpu.errors.get(_OPEN)
        if error is None:
            continue
        what = next((text for code, text in _LOST.items() if error.endswith(code)), None)
        if what is None:
            if not error.endswith("(4)"):
                yield Unknown(reason=f"NVML cannot open it: {error}", subject=f"gpu:{gpu.index}")
            continue
        yield Finding(
            message=f"gpu:{gpu.index} {what}.",
            subject=f"gpu:{gpu.index}",
            evidence=(Evidence(source=f"nvml: {_OPEN}", value=error),),
            remedy=Remedy(
                text="Restart the machine; look for Xid 79 in the kernel's log.",
                commands=to_run("sudo dmesg | grep -i xid", "nvidia-smi -L"),
            ),
        )
