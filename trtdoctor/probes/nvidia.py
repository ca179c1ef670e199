"""Probes of the NVIDIA driver as kernel, device nodes and driver programs show it."""

from __future__ import annotations

import re

from trtdoctor.host import Host, HostError, Missing
from trtdoctor.model.facts import (
    DeviceNode,
    DeviceNodes,
    FabricManager,
    KernelDriver,
    NvidiaSmi,
    PciDevice,
    PciDevices,
)

from .asking import list_or_none
from .observing import Cost, NotThere, Observed, probe
from .system import container

_VERSION_FILE = "/proc/driver/nvidia/version"
_MODULE_FILE = "/sys/module/nvidia/version"
_PCI = "/sys/bus/pci/devices"
_NODE = re.compile(r"nvidia(ctl|\d+|-uvm(-tools)?|-modeset|-nvswitch(ctl|\d+))|nvhost-.+|nvmap|dxg")
_SWITCH_CLASS = "0x0680"


def _on_linux(host: Host) -> None:
    system = host.system().get("system", "")
    if system != "Linux":
        raise HostError(f"how to look at the NVIDIA driver on {system} is not known")


def _refuse_without_proc(host: Host) -> None:
    """Where ``/proc`` is not mounted, a file missing in it says nothing of the machine."""
    try:
        host.read("/proc/meminfo")
    except Missing:
        raise HostError("/proc is not mounted, so the kernel's modules cannot be seen") from None


@probe(KernelDriver, Cost.PASSIVE)
def kernel_driver(host: Host) -> Observed[KernelDriver]:
    """What the loaded kernel module says of itself."""
    _on_linux(host)
    try:
        text = host.read_text(_VERSION_FILE)
    except Missing:
        try:
            version = host.read_text(_MODULE_FILE).strip()
        except Missing:
            _refuse_without_proc(host)
            raise NotThere(
                f"no {_VERSION_FILE} and no {_MODULE_FILE}: no NVIDIA kernel module is loaded",
                source=_VERSION_FILE,
            ) from None
        if not re.fullmatch(r"\d+(\.\d+)+", version):
            raise ValueError(f"{_MODULE_FILE} holds no version: {version[:80]!r}") from None
        return Observed(value=KernelDriver(version=version), source=_MODULE_FILE)
    found = re.search(r"NVRM version:.*?\s(\d{2,}(?:\.\d+)+)\s", text + " ")
    if found is None:
        raise ValueError(f"{_VERSION_FILE} names no version: {text[:80]!r}")
    flavour = "open" if "Open Kernel Module" in text else "proprietary"
    return Observed(
        value=KernelDriver(version=found.group(1), flavour=flavour), source=_VERSION_FILE
    )


@probe(PciDevices, Cost.PASSIVE)
def pci_devices(host: Host) -> Observed[PciDevices]:
    """NVIDIA's display controllers and NVSwitches on the PCI bus."""
    _on_linux(host)
    addresses = list_or_none(host, _PCI)
    if addresses is None:
        if "pci" not in host.list_folder("/sys/bus"):
            raise NotThere("this kernel shows no PCI bus", source="/sys/bus")
        raise HostError(f"there is no {_PCI}")
    devices, switches = [], 0
    for address in addresses:
        try:
            if host.read_text(f"{_PCI}/{address}/vendor").strip().lower() != "0x10de":
                continue
            kind = host.read_text(f"{_PCI}/{address}/class").strip().lower()
            device = host.read_text(f"{_PCI}/{address}/device").strip().lower()
        except Missing:
            # A device can leave the bus between the list and the look.
            continue
        if kind.startswith(_SWITCH_CLASS):
            switches += 1
        elif kind.startswith("0x03"):
            devices.append(
                PciDevice(
                    address=address,
                    device_id=device,
                    class_code=kind,
                    driver=_bound_driver(host, address),
                )
            )
    if not devices and not switches:
        raise NotThere(
            f"none of {len(addresses)} PCI functions is a GPU or an NVSwitch of NVIDIA's",
            source=_PCI,
        )
    return Observed(value=PciDevices(devices=tuple(devices), nvswitches=switches), source=_PCI)


def _bound_driver(host: Host, address: str) -> str | None:
    try:
        return host.resolve(f"{_PCI}/{address}/driver").rpartition("/")[2]
    except Missing:
        return None


def device_node_paths(host: Host) -> tuple[str, ...]:
    """The driver's nodes below ``/dev``: those of Jetson and of WSL too."""
    names = host.list_folder("/dev")
    return tuple(f"/dev/{name}" for name in names if _NODE.fullmatch(name))


@probe(DeviceNodes, Cost.PASSIVE)
def device_nodes(host: Host) -> Observed[DeviceNodes]:
    """Which nodes there are, and whether this user may read and write each."""
    _on_linux(host)
    nodes = []
    for path in device_node_paths(host):
        try:
            found = host.stat(path)
        except Missing:
            continue
        if found.kind != "folder":
            accessible = found.readable and found.writable
            nodes.append(DeviceNode(path=path, accessible=accessible))
    if not nodes:
        raise NotThere("no device node of NVIDIA's below /dev", source="/dev")
    return Observed(value=DeviceNodes(nodes=tuple(nodes)), source="/dev")


@probe(NvidiaSmi, Cost.LIGHT)
def nvidia_smi(host: Host) -> Observed[NvidiaSmi]:
    """The head of what ``nvidia-smi`` prints, or what it complains of."""
    program = host.which("nvidia-smi")
    wsl = "/usr/lib/wsl/lib/nvidia-smi"
    if program is None and host.exists(wsl):
        program = wsl
    if program is None:
        raise NotThere("no nvidia-smi on PATH", source="PATH")
    done = host.run((program,), deadline=10)
    said = "\n".join(part for part in (done.stdout, done.stderr) if part)
    driver = re.search(r"\b(?:Driver|KMD) Version\s*:\s*(\d+(?:\.\d+)+)", done.stdout)
    cuda = re.search(r"\bCUDA (?:UMD )?Version\s*:\s*(\d+\.\d+)", done.stdout)
    message = None
    if done.exit_code != 0 or driver is None:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        message = " ".join(lines)[:500] or None
    return Observed(
        value=NvidiaSmi(
            exit_code=done.exit_code,
            driver_version=driver.group(1) if driver else None,
            cuda_version=cuda.group(1) if cuda else None,
            message=message,
        ),
        source=program,
    )


_FABRIC_PROGRAM = "nv-fabricmanager"
_FABRIC_GROUPS = (
    "/sys/fs/cgroup/system.slice/nvidia-fabricmanager.service/cgroup.procs",
    "/sys/fs/cgroup/systemd/system.slice/nvidia-fabricmanager.service/cgroup.procs",
)


@probe(FabricManager, Cost.LIGHT)
def fabric_manager(host: Host) -> Observed[FabricManager]:
    """Whether the fabric manager is installed here, which version, and whether it runs."""
    program = host.which(_FABRIC_PROGRAM)
    if program is None and host.exists(f"/usr/bin/{_FABRIC_PROGRAM}"):
        program = f"/usr/bin/{_FABRIC_PROGRAM}"
    if program is None:
        _refuse_in_container_of_nvswitch_host(host)
        raise NotThere(f"no {_FABRIC_PROGRAM}", source="PATH, /usr/bin")
    version = None
    try:
        text = host.run((program, "--version"), deadline=5)
        found = re.search(r"\d{3,}(?:\.\d+)+", text.stdout + text.stderr)
        version = found.group(0) if found else None
    except HostError:
        version = None
    return Observed(
        value=FabricManager(version=version, running=_fabric_manager_runs(host)), source=program
    )


def _refuse_in_container_of_nvswitch_host(host: Host) -> None:
    """Inside a container the fabric manager is the host's, and cannot be seen."""
    try:
        seen = pci_devices.look(host).value
        container.look(host)
    except NotThere:
        return
    if seen.nvswitches:
        raise HostError("the fabric manager of a container's host cannot be seen from inside")


def _fabric_manager_runs(host: Host) -> bool | None:
    for path in _FABRIC_GROUPS:
        try:
            if host.read_text(path).strip():
                return True
        except HostError:
            continue
    try:
        # Where process 1 is hidden, so are the others, and not finding one says nothing.
        if not host.exists("/proc/1/comm"):
            return None
        processes = [name for name in host.list_folder("/proc") if name.isdigit()]
    except HostError:
        return None
    return any(_is_fabric_manager(host, process) for process in processes)


def _is_fabric_manager(host: Host, process: str) -> bool:
    try:
        # The kernel keeps 15 characters of a program's name.
        return host.read_text(f"/proc/{process}/comm").strip() == _FABRIC_PROGRAM[:15]
    except HostError:
        return False
