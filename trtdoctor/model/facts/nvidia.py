"""Facts of the NVIDIA driver and the GPUs, as kernel, NVML and nvidia-smi tell them."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText, Serial, Uuid


class KernelDriver(FactValue, frozen=True, kw_only=True):
    """The loaded kernel module; absent where none is loaded. ``version`` as ``580.159.04``."""

    FACT: ClassVar[str] = "nvidia.driver"

    version: str
    flavour: str | None = None


class PciDevice(Frozen, frozen=True, kw_only=True):
    """A PCI function of NVIDIA's; ``driver`` is the kernel driver bound to it."""

    address: str
    device_id: str
    class_code: str
    driver: str | None = None


class PciDevices(FactValue, frozen=True, kw_only=True):
    """NVIDIA display and 3D controllers on the PCI bus (vendor 10de); absent where there are none."""

    FACT: ClassVar[str] = "nvidia.pci"

    devices: tuple[PciDevice, ...]
    nvswitches: int = 0


class DeviceNode(Frozen, frozen=True, kw_only=True):
    """One device node, and whether this user may read and write it."""

    path: str
    accessible: bool


class DeviceNodes(FactValue, frozen=True, kw_only=True):
    """The nodes of the driver below ``/dev``; absent where there are none."""

    FACT: ClassVar[str] = "nvidia.nodes"

    nodes: tuple[DeviceNode, ...]


class Nvml(FactValue, frozen=True, kw_only=True):
    """NVML itself: how ``nvmlInit`` ended and which driver it speaks for.

    ``cuda_driver_version`` is the highest CUDA version the driver supports, as ``13.0``;
    ``library_version`` is in the name of the file loaded, so it is known even where ``nvmlInit``
    fails. Absent where there is no NVML library.
    """

    FACT: ClassVar[str] = "nvidia.nvml"

    init_code: int
    init_error: str | None = None
    driver_version: str | None = None
    nvml_version: str | None = None
    cuda_driver_version: str | None = None
    library: PathText | None = None
    library_version: str | None = None


class NvidiaSmi(FactValue, frozen=True, kw_only=True):
    """What ``nvidia-smi`` printed; absent where there is no such program."""

    FACT: ClassVar[str] = "nvidia.smi"

    exit_code: int
    driver_version: str | None = None
    cuda_version: str | None = None
    message: str | None = None


class Fabric(Frozen, frozen=True, kw_only=True):
    """NVLink fabric registration: ``state`` as NVML names it, ``status`` its nvmlReturn."""

    state: str
    status: int | None = None


class Gpu(Frozen, frozen=True, kw_only=True):
    """One GPU as NVML sees it. Bytes, MHz, watts, degrees Celsius; null where NVML would not say.

    ``throttle_reasons`` names the bits of ``nvmlDeviceGetCurrentClocksEventReasons``; ``errors``
    maps a refused NVML call to its error.
    """

    index: int
    name: str | None = None
    uuid: Uuid | None = None
    serial: Serial | None = None
    pci_bus_id: str | None = None
    compute_capability: str | None = None
    memory_total_bytes: int | None = None
    memory_free_bytes: int | None = None
    memory_used_bytes: int | None = None
    mig_mode: str | None = None
    ecc_mode: str | None = None
    ecc_uncorrected: int | None = None
    sm_clock_mhz: int | None = None
    sm_clock_max_mhz: int | None = None
    memory_clock_mhz: int | None = None
    memory_clock_max_mhz: int | None = None
    throttle_reasons: tuple[str, ...] | None = None
    utilisation_percent: int | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    power_default_limit_watts: float | None = None
    temperature_celsius: int | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    persistence_mode: str | None = None
    compute_mode: str | None = None
    compute_processes: int | None = None
    fabric: Fabric | None = None
    errors: dict[str, str] = {}


class Gpus(FactValue, frozen=True, kw_only=True):
    """Every GPU that NVML lists; absent where it lists none."""

    FACT: ClassVar[str] = "nvidia.gpus"

    devices: tuple[Gpu, ...]


class FabricManager(FactValue, frozen=True, kw_only=True):
    """The fabric manager of NVSwitch machines; absent where it is not installed."""

    FACT: ClassVar[str] = "nvidia.fabric_manager"

    version: str | None = None
    running: bool | None = None
