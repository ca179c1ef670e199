"""DRV005: nvidia-smi hangs or fails where the driver seemed fine."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    FactStatus,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)


@check(
    id="DRV005",
    name="nvidia-smi-fails",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "gpu-lost",
        "no-gpu-visible",
        "cuda-init-fails",
    ),
)
def nvidia_smi_fails(
    smi: Fact[facts.NvidiaSmi], jetson: Fact[facts.Jetson], gpus: Fact[facts.Gpus]
) -> Iterator[Yielded]:
    """nvidia-smi hangs or fails.

    ## What it checks
    Whether `nvidia-smi` ends within its deadline and with exit status 0. Where it fails for a reason
    that another check names (no driver, mismatched versions, denied nodes, no GPU), this one stays
    silent.

    ## Why it matters
    A hanging `nvidia-smi` is the usual sign of a GPU that no longer answers its driver: CUDA programs
    hang in the same place and cannot be killed.

    ## How to fix it
    Look for `Xid` messages in the kernel's log. A GPU that does not answer comes back with a reset or
    a restart. Without persistence mode, the first call on a machine with many GPUs can take long:
    turn it on.

    ## Known limits
    A machine under heavy load can look the same; repeat the call.

    ## References
    - NVIDIA GPU Deployment documentation, Xid Errors:
      https://docs.nvidia.com/deploy/xid-errors/index.html
    - NVIDIA GPU Deployment documentation, Driver Persistence:
      https://docs.nvidia.com/deploy/driver-persistence/index.html
    """
    commands = ["sudo dmesg | grep -iE 'xid|nvrm'"]
    if jetson.value:
        raise NotApplicable("nvidia-smi tells little of a Jetson's GPU")
    if smi.status is FactStatus.TIMEOUT:
        if gpus.value and any(gpu.persistence_mode == "disabled" for gpu in gpus.value.devices):
            commands.append("sudo nvidia-smi -pm 1")
        yield Finding(
            message="nvidia-smi did not answer in time: the driver or a GPU hangs.",
            confidence=Confidence.LIKELY,
            evidence=(Evidence(source="nvidia-smi", value=smi.reason or "timeout"),),
            remedy=Remedy(
                text="Look for Xid messages in the kernel's log; restart if a GPU is lost.",
                commands=to_run(*commands),
            ),
        )
    elif smi.value is not None:
        if smi.value.exit_code != 0:
            message = smi.value.message or "no message"
            yield Finding(
                message=f"nvidia-smi fails with exit status {smi.value.exit_code}: {message}",
                evidence=(Evidence(source="nvidia-smi", value=message),),
                remedy=Remedy(
                    text="Look in the kernel's log for what the driver says of the GPU.",
                    commands=to_run("nvidia-smi", *commands),
                ),
            )
    elif smi.status in (FactStatus.ABSENT, FactStatus.NOT_RUN):
        raise NotApplicable(smi.reason or "nvidia-smi was not run")
    else:
        yield Unknown(reason=f"nvidia-smi: {smi.reason or smi.status.value}")
