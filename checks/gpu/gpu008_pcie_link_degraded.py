"""GPU008: a PCIe link that is narrower, or slower under load, than it could be."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Device,
    Evidence,
    Fact,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    nvml_devices,
    to_run,
)

_BUSY_PERCENT = 50


@check(
    id="GPU008",
    name="pcie-link-degraded",
    severity=Severity.INFO,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing", "no-gpu-visible"),
    blinded_by=("cuda-init-fails",),
)
def pcie_link_degraded(gpus: facts.Gpus, cuda: Fact[facts.CudaDriver]) -> Iterator[Yielded]:
    """The GPU's PCIe link is narrower or slower than it could be.

    ## What it checks
    The link's width against the widest that the GPU and its slot allow. The generation is compared
    only while the GPU is busy: an idle GPU lowers it to save power.

    ## Why it matters
    Inputs and outputs travel over this link. Models with large inputs, and engines that stream their
    weights, get slower; computation on the GPU does not.

    ## How to fix it
    Seat the card and its riser anew, and look at the board's manual: many boards split 16 lanes into
    two slots of 8, or wire a long slot with 4. Then it is right so.

    ## Known limits
    It cannot tell a bad contact from a slot that is wired with fewer lanes.

    ## References
    - NVML API Reference, nvmlDeviceGetCurrPcieLinkWidth:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
    """
    offering = [d for d in nvml_devices(gpus, cuda) if not d[0].not_offered("PcieLinkWidth")]
    if not offering:
        raise NotApplicable("NVML offers no PCIe link of these devices")
    for device, gpu in offering:
        yield from _judge(device, gpu)


def _judge(device: Device, gpu: facts.Gpu) -> Iterator[Yielded]:
    if not gpu.pcie_width or not gpu.pcie_width_max:
        why = device.refusal("PcieLinkWidth") or "NVML did not report its PCIe link"
        yield Unknown(reason=why, subject=device.label)
        return
    busy = (gpu.utilisation_percent or 0) >= _BUSY_PERCENT
    now, best = gpu.pcie_generation, gpu.pcie_generation_max
    if gpu.pcie_width < gpu.pcie_width_max:
        what = f"x{gpu.pcie_width} of x{gpu.pcie_width_max} lanes"
    elif busy and now and best and now < best:
        what = f"generation {now} of {best}, although the GPU is busy"
    else:
        return
    yield Finding(
        message=f"{device.label} uses a PCIe link of {what}.",
        subject=device.subject,
        confidence=Confidence.LIKELY,
        evidence=(
            Evidence(
                source="nvml: nvmlDeviceGetCurrPcieLinkWidth, nvmlDeviceGetMaxPcieLinkWidth",
                value=f"x{gpu.pcie_width}, x{gpu.pcie_width_max}; generation {now}, {best}",
            ),
        ),
        remedy=Remedy(
            text="Check the slot, the riser and the board's manual; some slots are wired like this.",
            commands=to_run("nvidia-smi -q | grep -A 12 'GPU Link Info'"),
        ),
    )
