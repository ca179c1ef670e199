"""The GPUs that checks speak about, as CUDA numbers them where it was asked, else as NVML does.

Joins the facts of several sources; judges nothing. One place, so that every check names the same
GPU by the same subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trtdoctor.model.facts import CudaDevice, CudaDriver, Gpu, Gpus

from .definition import NotApplicable, Unknown
from .facts import Fact

_NOT_OFFERED = ("not supported", "not_supported", "function not found", "function_not_found")


@dataclass(frozen=True, kw_only=True)
class Device:
    """One GPU: ``cuda:N`` in CUDA's order where CUDA was asked, else ``gpu:N`` in NVML's.

    ``cuda`` and ``nvml`` are what either says of it; at least one is there.
    """

    subject: str
    cuda: CudaDevice | None = None
    nvml: Gpu | None = None

    @property
    def name(self) -> str | None:
        """The board's name."""
        return (self.cuda and self.cuda.name) or (self.nvml and self.nvml.name) or None

    @property
    def label(self) -> str:
        """The subject with the board's name, for messages."""
        return f"{self.subject} ({self.name})" if self.name else self.subject

    @property
    def compute_capability(self) -> str | None:
        """The compute capability, as ``8.6``."""
        of_cuda = self.cuda and self.cuda.compute_capability
        return of_cuda or (self.nvml and self.nvml.compute_capability) or None

    @property
    def compute_capability_source(self) -> str:
        """Which call told the compute capability."""
        if self.cuda and self.cuda.compute_capability:
            return "cuda: cuDeviceGetAttribute"
        return "nvml: nvmlDeviceGetCudaComputeCapability"

    @property
    def memory_total_bytes(self) -> int | None:
        """All of its memory; of a MIG instance its own, which only CUDA tells."""
        if self.cuda and self.cuda.memory_total_bytes:
            return self.cuda.memory_total_bytes
        if self.nvml is None or (self.cuda and self.nvml.mig_mode == "enabled"):
            return None
        return self.nvml.memory_total_bytes

    def refusal(self, call: str) -> str | None:
        """NVML's error for the call whose name contains ``call``, if it refused it."""
        errors = self.nvml.errors if self.nvml else {}
        return next((text for name, text in errors.items() if call in name), None)

    def not_offered(self, call: str) -> bool:
        """Whether this kind of device has no such value at all, by NVML's own answer."""
        return any(mark in (self.refusal(call) or "").casefold() for mark in _NOT_OFFERED)


def devices(gpus: Fact[Gpus], cuda: Fact[CudaDriver]) -> tuple[Device, ...] | Unknown:
    """The GPUs that a program started here would use, or why nobody knows them.

    CUDA's devices where it offers any (``CUDA_VISIBLE_DEVICES`` has then been applied), each with
    its NVML record; otherwise all that NVML lists.

    Raises:
        NotApplicable: there is no GPU.
    """
    listed = gpus.value.devices if gpus.value else ()
    if cuda.value and cuda.value.devices:
        return tuple(
            Device(subject=f"cuda:{found.ordinal}", cuda=found, nvml=_same(found, listed))
            for found in cuda.value.devices
        )
    if listed:
        return tuple(Device(subject=f"gpu:{gpu.index}", nvml=gpu) for gpu in listed)
    if gpus.unseen or cuda.unseen:
        blind = gpus if gpus.unseen else cuda
        return Unknown(reason=f"no GPU could be looked at: {blind.reason or blind.status.value}")
    raise NotApplicable(gpus.reason or "no GPU is visible")


def nvml_devices(gpus: Gpus, cuda: Fact[CudaDriver]) -> tuple[tuple[Device, Gpu], ...]:
    """The GPUs of :func:`devices` that NVML tells more of; all that it lists, where none can be matched."""
    offered = cuda.value.devices if cuda.value else ()
    matched = tuple(
        (Device(subject=f"cuda:{found.ordinal}", cuda=found, nvml=gpu), gpu)
        for found in offered
        if (gpu := _same(found, gpus.devices))
    )
    if matched:
        return matched
    return tuple((Device(subject=f"gpu:{gpu.index}", nvml=gpu), gpu) for gpu in gpus.devices)


def _same(device: CudaDevice, listed: tuple[Gpu, ...]) -> Gpu | None:
    bus = _bus(device.pci_bus_id)
    for gpu in listed:
        if (bus and bus == _bus(gpu.pci_bus_id)) or (device.uuid and device.uuid == gpu.uuid):
            return gpu
    return None


def _bus(address: str | None) -> tuple[int, ...] | None:
    """A PCI address as numbers: NVML writes the domain in eight digits, CUDA in four."""
    parts = re.fullmatch(r"([0-9A-Fa-f]+):([0-9A-Fa-f]+):([0-9A-Fa-f]+)(?:\.\d)?", address or "")
    return tuple(int(part, 16) for part in parts.groups()) if parts else None
