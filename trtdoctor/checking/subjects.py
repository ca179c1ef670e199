"""What checks speak about: the GPUs as CUDA numbers them, and the TensorRTs that would be loaded.

Joins the facts of several sources; judges nothing. One place, so that every check names the same
GPU by the same subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trtdoctor.model.facts import (
    CudaDevice,
    CudaDriver,
    Gpu,
    Gpus,
    Imports,
    Install,
    Installs,
    ModuleImport,
)

from .definition import Fact, NotApplicable, Unknown

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


@dataclass(frozen=True, kw_only=True)
class LoadedTensorRT:
    """A TensorRT that a program would load; ``source`` says what told its version.

    By importing it in the target Python, or, where nothing can be imported there, the only one
    among the system's libraries.
    """

    product: str
    version: str
    cuda_major: int | None
    source: str

    @property
    def label(self) -> str:
        """The product and version, for messages."""
        names = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
        return f"{names.get(self.product, self.product)} {self.version}"

    @property
    def family(self) -> str:
        """The product whose releases and requirements it shares."""
        return "tensorrt-rtx" if self.product == "tensorrt-rtx" else "tensorrt"


def loaded_tensorrts(
    imports: Fact[Imports], installs: Fact[Installs]
) -> tuple[LoadedTensorRT, ...] | Unknown:
    """The TensorRTs that would really be loaded, one for each product, or why nobody knows.

    Raises:
        NotApplicable: there is none, or none whose import could be followed to a version.
    """
    found = installs.value.installs if installs.value else ()
    if imports.value:
        loaded: dict[str, LoadedTensorRT] = {}
        for module in imports.value.modules:
            made = _loaded(module, found)
            if made is not None:
                loaded.setdefault(made.product, made)
        if loaded:
            return tuple(loaded.values())
        raise NotApplicable("no TensorRT can be imported")
    if imports.unseen:
        return Unknown(reason=f"the imports: {imports.reason or imports.status.value}")
    if installs.unseen:
        return Unknown(reason=f"the installations: {installs.reason or installs.status.value}")
    libraries = [i for i in found if i.kind != "pip" and i.version]
    if not libraries:
        raise NotApplicable(imports.reason or "no TensorRT")
    first = libraries[0]
    if any((i.product, i.version) != (first.product, first.version) for i in libraries):
        return Unknown(
            reason="several TensorRT libraries; which one is loaded depends on the program"
        )
    majors = {i.cuda_major for i in libraries if i.cuda_major}
    return (
        LoadedTensorRT(
            product=first.product,
            version=first.version or "",
            cuda_major=majors.pop() if len(majors) == 1 else None,
            source=first.location,
        ),
    )


def _loaded(module: ModuleImport, installs: tuple[Install, ...]) -> LoadedTensorRT | None:
    product = module.product
    install = _install_of(module, product, installs)
    metadata = install.version if install else None
    version = module.library_version or module.version or metadata
    if version is None:
        return None
    return LoadedTensorRT(
        product=product,
        version=version,
        cuda_major=(install.cuda_major if install else None)
        or _owners_major(module, installs)
        or _runtime_major(module),
        source=f"import {module.module}" if module.returned else f"metadata of {product}",
    )


def _install_of(
    module: ModuleImport, product: str, installs: tuple[Install, ...]
) -> Install | None:
    own = [i for i in installs if i.kind == "pip" and i.product == product]
    if module.file is None:
        return own[0] if len(own) == 1 else None
    return next((i for i in own if module.file.startswith(i.location.rstrip("/") + "/")), None)


def _owners_major(module: ModuleImport, installs: tuple[Install, ...]) -> int | None:
    """The CUDA of the installs whose libraries were loaded: bindings can run on the system's."""
    loaded = {library.path for library in module.libraries}
    found = {i.cuda_major for i in installs if i.cuda_major and loaded.intersection(i.libraries)}
    return found.pop() if len(found) == 1 else None


def _runtime_major(module: ModuleImport) -> int | None:
    found = {
        int(match.group(1))
        for library in module.libraries
        if (match := re.match(r"libcudart\.so\.(\d+)", library.name))
    }
    return found.pop() if len(found) == 1 else None
