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
    to_run,
)

_LIST = "lspci -nnk -d 10de:"
_LOAD = (_LIST, "sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia'")
_BLACKLIST = (
    "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | "
    "sudo tee /etc/modprobe.d/blacklist-nouveau.conf"
)
# By the distribution's id: how it installs its own packages of the driver, and remakes its initramfs.
_INSTALL = {"ubuntu": "sudo ubuntu-drivers install", "debian": "sudo apt install nvidia-driver"}
_INITRAMFS = "sudo update-initramfs -u"


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
    system: Fact[facts.OperatingSystem],
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
    - NVIDIA Driver Installation Guide:
      https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/
    - CUDA on WSL User Guide: https://docs.nvidia.com/cuda/wsl-user-guide/
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
                    commands=to_run("wsl.exe --update", "wsl.exe --shutdown"),
                ),
            )
    elif jetson.value:
        if no_library:
            yield Finding(
                message="This Jetson has no CUDA driver library.",
                evidence=(gone,),
                remedy=Remedy(
                    text="Install Jetson Linux' own CUDA driver package.",
                    commands=to_run("sudo apt install --reinstall nvidia-l4t-cuda"),
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
                    commands=to_run("ldconfig -p | grep libcuda"),
                ),
            )
    elif driver.status is FactStatus.ABSENT or (nvml.value and nvml.value.init_code == 9):
        if blind := next((f for f in (wsl, jetson) if f.status is not FactStatus.ABSENT), None):
            yield Unknown(reason=f"WSL or Jetson? {blind.reason or blind.status.value}")
            return
        yield _not_loaded(driver, nvml, cuda, pci, system.value)
    else:
        yield Unknown(reason=f"nvidia.driver: {driver.reason or driver.status.value}")


def _not_loaded(
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    cuda: Fact[facts.CudaDriver],
    pci: Fact[facts.PciDevices],
    system: facts.OperatingSystem | None,
) -> Finding:
    installed = nvml.value is not None or cuda.value is not None
    bare = nvml.status is FactStatus.ABSENT and cuda.status is FactStatus.ABSENT
    evidence = [Evidence(source="/proc/driver/nvidia/version", value=driver.reason or "not there")]
    if nvml.value:
        text = nvml.value.init_error or ""
        evidence.append(Evidence(source="nvml: nvmlInit", value=f"{nvml.value.init_code} {text}"))
    what, besides = "The NVIDIA driver is not loaded", "no driver is loaded"
    if installed:
        what = "The NVIDIA driver is installed, but its kernel module is not loaded"
        besides = "the installed driver is not loaded"
    elif bare:
        what, besides = "No NVIDIA driver is installed", "no driver is installed"
        for name, reason in (("libnvidia-ml.so.1", nvml.reason), ("libcuda.so.1", cuda.reason)):
            evidence.append(Evidence(source=name, value=reason or "not found"))
    found = pci.value.devices if pci.value else ()
    if not found and not pci.unseen:
        evidence.append(Evidence(source="PCI bus", value=pci.reason or "no NVIDIA GPU"))
        return Finding(
            message=f"This machine has no NVIDIA GPU on its PCI bus, and {besides}.",
            evidence=tuple(evidence),
            remedy=Remedy(
                text="Use a machine with a GPU, or pass the GPU into this virtual machine."
            ),
        )
    if found:
        value = ", ".join(f"{d.address} [10de:{d.device_id.removeprefix('0x')}]" for d in found)
        evidence.append(Evidence(source="PCI bus", value=value))
    return Finding(
        message=f"{what}; the PCI bus {_bus(found)}.",
        evidence=tuple(evidence),
        remedy=_remedy(_holders(found), installed, bare, system.id if system else None),
    )


def _bus(found: tuple[facts.PciDevice, ...]) -> str:
    if not found:
        return "could not be looked at"
    held = ", ".join(_holders(found)) or "no driver"
    return f"has {len(found)} NVIDIA GPU{'s' if len(found) > 1 else ''}, held by {held}"


def _holders(found: tuple[facts.PciDevice, ...]) -> list[str]:
    return sorted({device.driver for device in found if device.driver})


def _remedy(held: list[str], installed: bool, bare: bool, distribution: str | None) -> Remedy:
    if "vfio-pci" in held:
        return Remedy(
            text="vfio-pci keeps the GPU for a virtual machine: look from inside that machine.",
            commands=to_run(_LIST),
        )
    text = "Install the NVIDIA driver, then restart."
    if installed:
        text = "Load the module; if it is refused, look at Secure Boot and at the kernel's version."
    commands = [_LIST] if bare else [*_LOAD]
    known = distribution in _INSTALL
    if "nouveau" in held:
        text = "The nouveau driver holds the GPU: blacklist it, " + text[0].lower() + text[1:]
        commands = [_LIST, _BLACKLIST, *([_INITRAMFS] if known else [])]
        commands += [] if bare else _LOAD[1:]
    if bare and distribution and known:
        commands.append(_INSTALL[distribution])
    return Remedy(text=text, commands=to_run(*commands))
