"""The card of the machine: facts joined with what the tables know of the hardware."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from trtdoctor.checking.definition import Fact, NotApplicable, Unknown
from trtdoctor.checking.subjects import Device, devices
from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.base import FactValue
from trtdoctor.model.facts import (
    Container,
    CudaDriver,
    CudaRuntimes,
    Ending,
    Gpus,
    Imports,
    Install,
    Installs,
    Jetson,
    KernelDriver,
    ModuleImport,
    Nvml,
    OperatingSystem,
    PciDevices,
    TargetPython,
    Wsl,
)
from trtdoctor.model.machine import GpuCard, Machine, TensorRTCard
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.model.typing import Typing
from trtdoctor.precision.typing import typing_of_module, typing_of_release

Value = TypeVar("Value", bound=FactValue)
_NO_DEVICE = 100
_PRODUCT_OF_MODULE = {
    "tensorrt": "tensorrt",
    "tensorrt_bindings": "tensorrt",
    "tensorrt_rtx": "tensorrt-rtx",
    "tensorrt_lean": "tensorrt-lean",
    "tensorrt_dispatch": "tensorrt-dispatch",
}


class _Facts:
    def __init__(self, snapshot: Snapshot) -> None:
        self._facts = snapshot.facts

    def get(self, kind: type[Value]) -> Value | None:
        record = self.record(kind)
        if record.status is not FactStatus.OK:
            return None
        try:
            return msgspec.convert(record.value, kind)
        except msgspec.ValidationError:
            return None

    def fact(self, kind: type[Value]) -> Fact[Value]:
        record = self.record(kind)
        return Fact(
            status=record.status,
            value=self.get(kind),
            reason=record.reason,
            source=record.source,
        )

    def record(self, kind: type[FactValue]) -> FactRecord:
        missing = FactRecord(status=FactStatus.NOT_RUN, reason="not looked at")
        return self._facts.get(kind.FACT, missing)

    def why(self, kind: type[FactValue]) -> str | None:
        record = self.record(kind)
        if record.status is FactStatus.OK:
            return None
        prefix = "" if record.status is FactStatus.ABSENT else "unknown: "
        return f"{prefix}{record.reason or record.status.value}"


def machine_card(snapshot: Snapshot, knowledge: Knowledge) -> Machine:
    """Summarise a snapshot. What it does not hold is null, with the reason beside it."""
    facts = _Facts(snapshot)
    python = facts.get(TargetPython)
    imports = facts.get(Imports)
    installs = facts.get(Installs)
    kernel, nvml, cuda = facts.get(KernelDriver), facts.get(Nvml), facts.get(CudaDriver)
    runtimes = facts.get(CudaRuntimes)
    driver = kernel.version if kernel else nvml.driver_version if nvml else None
    cuda_version = cuda.version if cuda else nvml.cuda_driver_version if nvml else None
    gpus = _gpus(facts, knowledge)
    return Machine(
        os=_os(facts.get(OperatingSystem)),
        environment=_environment(facts),
        gpus=gpus,
        gpus_reason=None if gpus else _no_gpus(facts),
        driver=driver,
        driver_reason=None if driver else _no_driver(facts, nvml),
        cuda_driver=cuda_version,
        cuda_runtimes=tuple(
            dict.fromkeys(
                f"{r.version or 'version unknown'} ({r.kind})"
                for r in (runtimes.runtimes if runtimes else ())
            )
        ),
        cuda_reason=None if runtimes else facts.why(CudaRuntimes),
        python=python.executable if python else None,
        python_version=python.version if python else None,
        python_chosen_by=python.chosen_by if python else facts.why(TargetPython),
        tensorrts=_tensorrts(installs, imports, knowledge) if installs or imports else None,
        tensorrts_reason=None if installs or imports else facts.why(Installs),
        typing=_typing(imports),
    )


def _typing(imports: Imports | None) -> Typing:
    if imports is None:
        return Typing.UNKNOWN
    found = {
        typing_of_module(m) for m in imports.modules if m.module in ("tensorrt", "tensorrt_rtx")
    }
    found.discard(Typing.UNKNOWN)
    return found.pop() if len(found) == 1 else Typing.UNKNOWN


def _os(system: OperatingSystem | None) -> str | None:
    if system is None:
        return None
    libc = f", glibc {system.glibc}" if system.glibc else ""
    return f"{system.name or system.system}, kernel {system.kernel}, {system.machine}{libc}"


def _environment(facts: _Facts) -> tuple[str, ...]:
    found = []
    if container := facts.get(Container):
        found.append(f"in a {container.engine} container")
    if wsl := facts.get(Wsl):
        found.append(f"WSL {wsl.version}")
    if jetson := facts.get(Jetson):
        l4t = f", L4T {jetson.l4t}" if jetson.l4t else ""
        found.append(f"{jetson.model or 'Jetson'}{l4t}")
    return tuple(found)


def _gpus(facts: _Facts, knowledge: Knowledge) -> tuple[GpuCard, ...] | None:
    cuda, gpus = facts.fact(CudaDriver), facts.fact(Gpus)
    try:
        found = devices(gpus, cuda)
    except NotApplicable:
        found = ()
    if found and not isinstance(found, Unknown):
        return tuple(_gpu(device, knowledge) for device in found)
    # CUDA also says "no device" where this user may not open one: NVML has to agree.
    no_device = cuda.status is FactStatus.ABSENT or (
        cuda.value is not None and cuda.value.init_code == _NO_DEVICE
    )
    return () if no_device and gpus.status is FactStatus.ABSENT else None


def _no_gpus(facts: _Facts) -> str | None:
    reason, bus = facts.why(Gpus), facts.get(PciDevices)
    return f"{reason}; the PCI bus has {len(bus.devices)}" if reason and bus else reason


def _no_driver(facts: _Facts, nvml: Nvml | None) -> str | None:
    if facts.get(Wsl) is None:
        return facts.why(KernelDriver)
    # WSL has no kernel module to look for: only NVML knows Windows' driver.
    if nvml is None:
        return facts.why(Nvml)
    return f"unknown: nvmlInit: {nvml.init_error} ({nvml.init_code})"


def _gpu(device: Device, knowledge: Knowledge) -> GpuCard:
    cc, name = device.compute_capability, device.name
    card = GpuCard(
        subject=device.subject,
        name=name or "unnamed GPU",
        compute_capability=cc,
        memory_bytes=device.memory_total_bytes,
    )
    if cc is None:
        return card
    try:
        row = knowledge.compute_capability(cc)
    except KnowledgeEnds as end:
        return msgspec.structs.replace(card, source=str(end))
    board = knowledge.board_without_tensor_cores(cc, name or "")
    return msgspec.structs.replace(
        card,
        fast_fp16=row.fast_fp16,
        tensor_cores=False if board else row.tensor_cores,
        precisions=dict(row.precisions),
        source=board.source if board else row.source,
    )


def _tensorrts(
    installs: Installs | None, imports: Imports | None, knowledge: Knowledge
) -> tuple[TensorRTCard, ...]:
    modules = {
        _PRODUCT_OF_MODULE.get(m.module, m.module): m for m in (imports.modules if imports else ())
    }
    cards = []
    shown: set[str] = set()
    for install in installs.installs if installs else ():
        module = modules.get(install.product) if _imports_from(install, modules) else None
        if module is not None:
            shown.add(install.product)
        cards.append(_card(install, module, knowledge))
    for product, module in modules.items():
        if product not in shown and module.attempt.ending is Ending.RETURNED:
            found = Install(
                product=product,
                kind="module",
                version=module.library_version or module.version,
                location=module.file or module.module,
            )
            cards.append(_card(found, module, knowledge))
    return tuple(cards)


def _imports_from(install: Install, modules: dict[str, ModuleImport]) -> bool:
    module = modules.get(install.product)
    if module is None or install.kind != "pip":
        return False
    return module.file is None or module.file.startswith(install.location.rstrip("/") + "/")


def _card(install: Install, module: ModuleImport | None, knowledge: Knowledge) -> TensorRTCard:
    typing = typing_of_module(module) if module else Typing.UNKNOWN
    if typing is Typing.UNKNOWN:
        typing = typing_of_release(install.product, install.version, knowledge)
    return TensorRTCard(
        product=install.product,
        version=install.version,
        kind=install.kind,
        location=install.location,
        imported=None if module is None else module.attempt.ending is Ending.RETURNED,
        typing=typing,
    )
