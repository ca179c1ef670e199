"""GPU001: the driver is there, but no GPU is."""

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

_NO_DEVICE = 100


@check(
    id="GPU001",
    name="no-gpu-visible",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "container-driver-capabilities",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "fabric-manager-down",
        "gpu-lost",
        "wsl-driver-shadowed",
        "container-gpu-access-lost",
        "wsl-container-toolkit-too-old",
    ),
    blinded_by=("cuda-init-fails",),
)
def no_gpu_visible(
    cuda: Fact[facts.CudaDriver],
    nvml: Fact[facts.Nvml],
    gpus: Fact[facts.Gpus],
    pci: Fact[facts.PciDevices],
) -> Iterator[Yielded]:
    """The driver works, but a program started here sees no GPU.

    ## What it checks
    Whether CUDA offers a device. If not, why: `CUDA_VISIBLE_DEVICES` hides all of them, MIG mode is
    on without an instance, or NVML lists no GPU either.

    ## Why it matters
    `cuInit` or the first CUDA call fails with code 100: nothing can be built or run.

    ## How to fix it
    Unset `CUDA_VISIBLE_DEVICES` or correct it: an empty value, `-1`, or an index that does not exist
    hides every GPU. With MIG mode on, make an instance or turn the mode off. Where NVML lists no GPU,
    the kernel's log says why the driver did not take it.

    ## References
    - CUDA Programming Guide, CUDA Environment Variables:
      https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
    - NVIDIA Multi-Instance GPU User Guide: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
    """
    if cuda.value and cuda.value.devices:
        return
    listed = gpus.value.devices if gpus.value else ()
    started = nvml.value is not None and nvml.value.init_code == 0
    if cuda.value and cuda.value.init_code not in (0, _NO_DEVICE):
        raise NotApplicable(f"cuInit fails with code {cuda.value.init_code}")
    if started and gpus.status is FactStatus.ABSENT:
        yield _none_listed(gpus, pci)
    elif cuda.value is None:
        if cuda.status is FactStatus.ABSENT and not listed:
            raise NotApplicable(cuda.reason or "no CUDA driver library")
        yield Unknown(reason=f"CUDA's devices: {cuda.reason or cuda.status.value}")
    else:
        yield _none_offered(cuda.value, listed)


def _none_listed(gpus: Fact[facts.Gpus], pci: Fact[facts.PciDevices]) -> Finding:
    evidence = [Evidence(source="nvml: nvmlDeviceGetCount", value=gpus.reason or "0")]
    bus = ""
    if pci.value and pci.value.devices:
        bus = " although the PCI bus has one"
        addresses = ", ".join(
            f"{d.address} [10de:{d.device_id.removeprefix('0x')}]" for d in pci.value.devices
        )
        evidence.append(Evidence(source="PCI bus", value=addresses))
    elif not pci.unseen:
        bus = ", and the PCI bus has none"
    return Finding(
        message=f"The driver is loaded, but it lists no GPU{bus}.",
        evidence=tuple(evidence),
        remedy=Remedy(
            text="See in the kernel's log whether the driver refused the GPU (too old or too new for "
            "this driver, or the wrong one of its open and proprietary modules) or lost it.",
            commands=to_run("sudo dmesg | grep -iE 'nvrm|xid'", "lspci -nnk -d 10de:"),
        ),
    )


def _none_offered(cuda: facts.CudaDriver, listed: tuple[facts.Gpu, ...]) -> Finding:
    variable = cuda.visible_devices
    evidence = [
        Evidence(source="cuInit", value=f"{cuda.init_code} {cuda.init_error or ''}".strip())
    ]
    if listed:
        evidence.append(Evidence(source="nvml: nvmlDeviceGetCount", value=str(len(listed))))
    seen = f" NVML lists {len(listed)}." if listed else ""
    if variable is not None:
        evidence.append(Evidence(source="CUDA_VISIBLE_DEVICES", value=repr(variable)))
        return Finding(
            message=f"CUDA offers no GPU: CUDA_VISIBLE_DEVICES is {variable!r}.{seen}",
            confidence=Confidence.CERTAIN if listed else Confidence.LIKELY,
            evidence=tuple(evidence),
            remedy=Remedy(
                text="Unset the variable, or name GPUs that exist.",
                commands=to_run("unset CUDA_VISIBLE_DEVICES", "nvidia-smi -L"),
            ),
        )
    if listed and all(gpu.mig_mode == "enabled" for gpu in listed):
        evidence.append(Evidence(source="nvml: nvmlDeviceGetMigMode", value="enabled"))
        return Finding(
            message="CUDA offers no GPU: MIG mode is on and no MIG instance can be used.",
            confidence=Confidence.LIKELY,
            evidence=tuple(evidence),
            remedy=Remedy(
                text="Make a GPU instance with a compute instance, or turn MIG mode off.",
                commands=to_run(
                    "nvidia-smi -L",
                    "sudo nvidia-smi mig -lgip",
                    "sudo nvidia-smi mig -cgi PROFILE -C",
                    "sudo nvidia-smi -mig 0",
                ),
            ),
        )
    return Finding(
        message=f"CUDA offers no GPU.{seen}",
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Compare what NVML and CUDA see; in a container, give it the GPU.",
            commands=to_run("nvidia-smi -L", "sudo dmesg | grep -iE 'nvrm|xid'"),
        ),
    )
