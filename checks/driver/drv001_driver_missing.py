"""DRV001: no NVIDIA driver is loaded, or only half of it is installed."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
)

_LOOK = ("lspci -nnk -d 10de:", "sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia'")


@check(
    id="DRV001",
    name="driver-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("container-without-gpu", "container-driver-capabilities"),
)
def driver_missing(
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    cuda: Fact[facts.CudaDriver],
    pci: Fact[facts.PciDevices],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
) -> Iterator[Yielded]:
    """The NVIDIA driver is missing or not loaded.

    ## What it checks
    The loaded kernel module, and the driver's library `libcuda.so.1` beside it. In WSL the driver is
    Windows' own, lent below `/usr/lib/wsl/lib`; on a Jetson it is part of Jetson Linux. The PCI bus
    tells whether there is an NVIDIA GPU at all, and which kernel driver holds it.

    ## Why it matters
    Nothing of CUDA or TensorRT works without it. Some releases of TensorRT do not even report that:
    they crash on the first object that they create.

    ## How to fix it
    Install the driver of your distribution or NVIDIA's, and restart. Where it is installed but not
    loaded, look at Secure Boot (an unsigned module is refused), at the nouveau driver, and at a
    kernel that is newer than the modules that were built. In WSL install the driver in Windows.

    ## References
    - NVIDIA Driver Installation Guide
    - CUDA on WSL User Guide
    """
    if cuda.value and cuda.value.init_code == 0:
        return
    running = nvml.value is not None and nvml.value.init_code == 0
    no_library = cuda.status is FactStatus.ABSENT
    gone = Evidence(source="libcuda.so.1", value=cuda.reason or "not found")
    if wsl.value:
        if not wsl.value.driver_folder and not running:
            yield Finding(
                message=f"WSL {wsl.value.version} has no NVIDIA driver: Windows lends none.",
                evidence=(Evidence(source="/usr/lib/wsl/lib/libcuda.so.1", value="not there"),),
                remedy=Remedy(
                    text="Install NVIDIA's driver in Windows (none inside WSL) and restart WSL. Only "
                    "WSL 2 can use the GPU.",
                    commands=("wsl.exe --update", "wsl.exe --shutdown"),
                ),
            )
    elif jetson.value:
        if no_library:
            yield Finding(
                message="This Jetson has no CUDA driver library.",
                evidence=(gone,),
                remedy=Remedy(
                    text="Install Jetson Linux' own CUDA driver package.",
                    commands=("sudo apt install --reinstall nvidia-l4t-cuda",),
                ),
            )
        elif cuda.unseen:
            yield Unknown(reason=f"cuda.driver: {cuda.reason or cuda.status.value}")
    elif driver.value or running:
        version = driver.value.version if driver.value else nvml.value and nvml.value.driver_version
        if no_library:
            yield Finding(
                message=f"The kernel module {version} is loaded, but the driver's library "
                "libcuda.so.1 is not installed.",
                evidence=(Evidence(source="kernel module", value=version or "loaded"), gone),
                remedy=Remedy(
                    text="Install the user-space part of the same driver version. Debian and Ubuntu "
                    "have it as libcuda1 or libnvidia-compute-NNN; a container gets it from the host "
                    "through the NVIDIA runtime.",
                    commands=("ldconfig -p | grep libcuda",),
                ),
            )
    elif driver.status is FactStatus.ABSENT or (nvml.value and nvml.value.init_code == 9):
        if blind := next((f for f in (wsl, jetson) if f.status is not FactStatus.ABSENT), None):
            yield Unknown(reason=f"WSL or Jetson? {blind.reason or blind.status.value}")
            return
        yield _not_loaded(driver, nvml, cuda, pci)
    else:
        yield Unknown(reason=f"nvidia.driver: {driver.reason or driver.status.value}")


def _not_loaded(
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    cuda: Fact[facts.CudaDriver],
    pci: Fact[facts.PciDevices],
) -> Finding:
    installed = nvml.value is not None or cuda.value is not None
    evidence = [Evidence(source="/proc/driver/nvidia/version", value=driver.reason or "not there")]
    if nvml.value:
        text = nvml.value.init_error or ""
        evidence.append(Evidence(source="nvml: nvmlInit", value=f"{nvml.value.init_code} {text}"))
    text = "Install the NVIDIA driver, then restart."
    if installed:
        text = "Load the module; if it is refused, look at Secure Boot and at the kernel's version."
    if pci.value is None or not pci.value.devices:
        bus = "could not be looked at"
        if not pci.unseen:
            bus = "has no NVIDIA GPU"
            text = "Use a machine with a GPU, or pass the GPU into this virtual machine."
    else:
        held = sorted({d.driver for d in pci.value.devices if d.driver})
        many = len(pci.value.devices)
        bus = f"has {many} NVIDIA GPU{'s' if many > 1 else ''}"
        bus += f", held by {', '.join(held)}" if held else ", held by no driver"
        if "nouveau" in held:
            text = "The nouveau driver holds the GPU: blacklist it, " + text[0].lower() + text[1:]
        if "vfio-pci" in held:
            text = "vfio-pci keeps the GPU for a virtual machine: look from inside that machine."
        value = ", ".join(
            f"{d.address} [10de:{d.device_id.removeprefix('0x')}]" for d in pci.value.devices
        )
        evidence.append(Evidence(source="PCI bus", value=value))
    what = "is installed, but its kernel module is not loaded" if installed else "is not loaded"
    return Finding(
        message=f"The NVIDIA driver {what}; the PCI bus {bus}.",
        evidence=tuple(evidence),
        remedy=Remedy(text=text, commands=_LOOK if pci.status is not FactStatus.ABSENT else ()),
    )
