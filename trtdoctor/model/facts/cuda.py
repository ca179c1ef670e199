"""Facts of the CUDA driver API and of the CUDA libraries on the machine."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText, Uuid


class CudaDevice(Frozen, frozen=True, kw_only=True):
    """One device as the CUDA driver API numbers it, after ``CUDA_VISIBLE_DEVICES``."""

    ordinal: int
    name: str | None = None
    compute_capability: str | None = None
    uuid: Uuid | None = None
    pci_bus_id: str | None = None
    memory_total_bytes: int | None = None
    multiprocessors: int | None = None
    integrated: bool | None = None
    l2_bytes: int | None = None


class CudaDriver(FactValue, frozen=True, kw_only=True):
    """The CUDA driver API: what ``cuInit`` returned and the devices it offers.

    ``init_code`` is a CUresult; ``version`` the CUDA version the driver library implements, as
    ``13.0``; ``via`` the binding that asked (``pycuda``, ``cuda-bindings`` or ``ctypes``). Absent
    where there is no ``libcuda``.
    """

    FACT: ClassVar[str] = "cuda.driver"

    via: str
    library: PathText | None = None
    init_code: int
    init_error: str | None = None
    version: str | None = None
    devices: tuple[CudaDevice, ...] = ()
    visible_devices: str | None = None
    device_order: str | None = None


class CudaRuntime(Frozen, frozen=True, kw_only=True):
    """One CUDA runtime library: ``version`` as ``12.8`` or longer, ``kind`` pip, toolkit or system."""

    version: str | None
    major: int | None
    kind: str
    location: PathText


class CudaRuntimes(FactValue, frozen=True, kw_only=True):
    """Every CUDA runtime found; absent where none was.

    ``unseen`` maps a place that could not be looked at to why.
    """

    FACT: ClassVar[str] = "cuda.runtimes"

    runtimes: tuple[CudaRuntime, ...]
    compat_folders: tuple[PathText, ...] = ()
    unseen: dict[str, str] = {}
