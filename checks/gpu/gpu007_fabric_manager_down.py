"""GPU007: an NVSwitch machine whose fabric is not up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    to_run,
)

_NOT_READY = 802
_UNREGISTERED = ("not-started", "in-progress")


@dataclass(frozen=True, kw_only=True)
class _Fabric:
    """The GPUs of a fabric, by index, and what else belongs to it."""

    gpus: dict[int, facts.Fabric]
    switches: int
    stopped: bool

    @property
    def waiting(self) -> dict[int, facts.Fabric]:
        """The GPUs that did not complete their registration, or not with success."""
        return {
            index: gpu
            for index, gpu in self.gpus.items()
            if gpu.state in _UNREGISTERED or (gpu.state == "completed" and gpu.status)
        }

    @property
    def suspect(self) -> bool:
        """Whether it looks down, whatever CUDA says."""
        return bool(self.waiting) or (self.stopped and self.switches > 0)

    @property
    def registered(self) -> bool:
        """Whether a GPU completed its registration."""
        return any(gpu.state == "completed" for gpu in self.gpus.values())


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
    fabric = _fabric(manager, pci, gpus)
    if fabric is None:
        yield _unseen(pci, gpus, cuda)
    elif cuda.value is None:
        if fabric.suspect:
            yield _finding(fabric, manager, cuda, driver, container)
        elif cuda.unseen and not fabric.registered:
            yield Unknown(reason=f"cuInit: {cuda.reason or cuda.status.value}")
    elif cuda.value.init_code == _NOT_READY:
        yield _finding(fabric, manager, cuda, driver, container)
    elif cuda.value.init_code == 0 and (fabric.stopped or fabric.waiting):
        yield Note(text="CUDA starts although the fabric manager does not run here")


def _fabric(
    manager: Fact[facts.FabricManager], pci: Fact[facts.PciDevices], gpus: Fact[facts.Gpus]
) -> _Fabric | None:
    """The fabric; None where nothing that was seen belongs to one."""
    listed = gpus.value.devices if gpus.value else ()
    told = {gpu.index: gpu.fabric for gpu in listed if gpu.fabric}
    members = {index: gpu for index, gpu in told.items() if gpu.state != "not-supported"}
    switches = pci.value.nvswitches if pci.value else 0
    if not (switches or members or manager.value):
        return None
    stopped = manager.value is not None and manager.value.running is False
    return _Fabric(gpus=members, switches=switches, stopped=stopped)


def _unseen(
    pci: Fact[facts.PciDevices], gpus: Fact[facts.Gpus], cuda: Fact[facts.CudaDriver]
) -> Unknown:
    """What to say without a fabric: it could be the cause only where CUDA may not be ready.

    Raises:
        NotApplicable: there is none, or CUDA does not wait for one.
    """
    may_wait = cuda.unseen or (cuda.value is not None and cuda.value.init_code == _NOT_READY)
    blind = [fact for fact in (gpus, pci) if fact.unseen]
    if may_wait and blind:
        return Unknown(reason=f"NVSwitches could not be looked for: {blind[0].reason}")
    raise NotApplicable("no NVSwitch and no NVLink fabric")


def _finding(
    fabric: _Fabric,
    manager: Fact[facts.FabricManager],
    cuda: Fact[facts.CudaDriver],
    driver: Fact[facts.KernelDriver],
    container: Fact[facts.Container],
) -> Finding:
    version = driver.value.version if driver.value else None
    return Finding(
        message=f"CUDA cannot start on this NVSwitch machine: {_why(manager, version)}.",
        confidence=Confidence.CERTAIN if cuda.value else Confidence.LIKELY,
        evidence=tuple(_evidence(fabric, cuda)),
        remedy=Remedy(
            text="Start the fabric manager, of exactly the driver's version"
            + (f" ({version})" if version else "")
            + (", on the host." if container.value else "."),
            commands=to_run(
                "systemctl status nvidia-fabricmanager",
                "sudo systemctl enable --now nvidia-fabricmanager",
                "nvidia-smi -q | grep -A 4 Fabric",
            ),
        ),
    )


def _evidence(fabric: _Fabric, cuda: Fact[facts.CudaDriver]) -> Iterator[Evidence]:
    if cuda.value:
        yield Evidence(source="cuInit", value=str(cuda.value.init_code))
    alike: dict[str, list[int]] = {}
    for index, gpu in fabric.waiting.items():
        status = "" if gpu.status is None else f" ({gpu.status})"
        alike.setdefault(f"{gpu.state}{status}", []).append(index)
    for state, which in alike.items():
        value = f"gpu:{_range(which)} {state}"
        yield Evidence(source="nvml: nvmlDeviceGetGpuFabricInfo", value=value)
    if fabric.switches:
        yield Evidence(source="PCI bus", value=f"{fabric.switches} NVSwitches")


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
