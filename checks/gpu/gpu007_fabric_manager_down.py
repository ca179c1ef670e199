"""GPU007: an NVSwitch machine whose fabric is not up."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    FactStatus,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
)

_NOT_READY = 802


@check(
    id="GPU007",
    name="fabric-manager-down",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
    ),
    blinded_by=("cuda-init-fails",),
)
def fabric_manager_down(
    manager: Fact[facts.FabricManager],
    pci: Fact[facts.PciDevices],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    driver: Fact[facts.KernelDriver],
    container: Fact[facts.Container],
) -> Iterator[Yielded]:
    """The fabric of this NVSwitch machine is not up.

    ## What it checks
    Machines with NVSwitches, or whose GPUs report a fabric: whether the GPUs completed their
    registration, whether `cuInit` returns 802, and whether the fabric manager runs and has the
    driver's version. Where CUDA starts, nothing is wrong.

    ## Why it matters
    On these machines CUDA does not start on any GPU, not even for a program that uses a single one.

    ## How to fix it
    Install the fabric manager of exactly the driver's version, start it, and have it started at
    boot. After a driver update it must be updated too. In a container or a virtual machine this is
    for the host to do.

    ## References
    - NVIDIA Fabric Manager User Guide:
      https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html
    - NVML API Reference, nvmlGpuFabricState_t
    """
    states = {g.index: g.fabric for g in (gpus.value.devices if gpus.value else ()) if g.fabric}
    fabric = {i: f for i, f in states.items() if f.state != "not-supported"}
    waiting = {
        i: f
        for i, f in fabric.items()
        if f.state in ("not-started", "in-progress") or (f.state == "completed" and f.status)
    }
    switches = pci.value.nvswitches if pci.value else 0
    if not (switches or fabric or manager.value):
        not_started = cuda.unseen or (cuda.value and cuda.value.init_code == _NOT_READY)
        if not_started and (gpus.unseen or pci.unseen):
            why = gpus.reason if gpus.unseen else pci.reason
            yield Unknown(reason=f"NVSwitches could not be looked for: {why}")
            return
        raise NotApplicable("no NVSwitch and no NVLink fabric")
    stopped = manager.value is not None and manager.value.running is False
    if cuda.value and cuda.value.init_code != _NOT_READY:
        if cuda.value.init_code == 0 and (stopped or waiting):
            yield Note(text="CUDA starts although the fabric manager does not run here")
        return
    not_ready = cuda.value is not None
    if not not_ready and not waiting and not (stopped and switches):
        if cuda.unseen and not any(f.state == "completed" for f in fabric.values()):
            yield Unknown(reason=f"cuInit: {cuda.reason or cuda.status.value}")
        return
    evidence = [Evidence(source="cuInit", value="802")] if not_ready else []
    alike: dict[str, list[int]] = {}
    for i, f in waiting.items():
        status = "" if f.status is None else f" ({f.status})"
        alike.setdefault(f"{f.state}{status}", []).append(i)
    evidence += [
        Evidence(source="nvml: nvmlDeviceGetGpuFabricInfo", value=f"gpu:{_range(which)} {state}")
        for state, which in alike.items()
    ]
    if switches:
        evidence.append(Evidence(source="PCI bus", value=f"{switches} NVSwitches"))
    version = driver.value.version if driver.value else None
    yield Finding(
        message=f"CUDA cannot start on this NVSwitch machine: {_why(manager, version)}.",
        confidence=Confidence.CERTAIN if not_ready else Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Start the fabric manager, of exactly the driver's version"
            + (f" ({version})" if version else "")
            + (", on the host." if container.value else "."),
            commands=(
                "systemctl status nvidia-fabricmanager",
                "sudo systemctl enable --now nvidia-fabricmanager",
                "nvidia-smi -q | grep -A 4 Fabric",
            ),
        ),
    )


def _range(numbers: list[int]) -> str:
    """Rising numbers with runs taken together: ``0-3,5``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _why(manager: Fact[facts.FabricManager], driver: str | None) -> str:
    if manager.status is FactStatus.ABSENT:
        return "its NVLink fabric is not up, and no fabric manager is installed here"
    version = manager.value.version if manager.value else None
    if version and driver and version != driver:
        return f"the fabric manager is {version}, the driver {driver}"
    if manager.value and manager.value.running is False:
        return "the fabric manager does not run"
    return "its NVLink fabric is not up"
