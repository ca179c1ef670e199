"""The card of the machine: facts joined with what the tables know of the hardware."""

from __future__ import annotations

from typing import Any

import msgspec

from trtdoctor.checking.definition import NotApplicable, Unknown
from trtdoctor.checking.devices import Device, devices
from trtdoctor.checking.facts import Fact, Facts
from trtdoctor.knowledge import Knowledge, KnowledgeEnds
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
from trtdoctor.model.report import FactStatus, Snapshot
from trtdoctor.model.typing import Typing
from trtdoctor.precision.typing import typing_of_module, typing_of_release

from .measured_cards import measured_cards

_NO_DEVICE = 100
_PRODUCT_OF_MODULE = {
    "tensorrt": "tensorrt",
    "tensorrt_bindings": "tensorrt",
    "tensorrt_rtx": "tensorrt-rtx",
    "tensorrt_lean": "tensorrt-lean",
    "tensorrt_dispatch": "tensorrt-dispatch",
}


def machine_card(snapshot: Snapshot, knowledge: Knowledge) -> Machine:
    """Summarise a snapshot. What it does not hold is null, with the reason beside it."""
    facts = Facts(snapshot)
    python = facts.value(TargetPython)
    imports = facts.value(Imports)
    installs = facts.value(Installs)
    kernel, nvml, cuda = facts.value(KernelDriver), facts.value(Nvml), facts.value(CudaDriver)
    runtimes = facts.value(CudaRuntimes)
    driver = kernel.version if kernel else nvml.driver_version if nvml else None
    cuda_version = cuda.version if cuda else nvml.cuda_driver_version if nvml else None
    gpus = _gpus(facts, knowledge)
    return Machine(
        os=_os(facts.value(OperatingSystem)),
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
        cuda_reason=None if runtimes else _why(facts.fact(CudaRuntimes)),
        python=python.executable if python else None,
        python_version=python.version if python else None,
        python_chosen_by=python.chosen_by if python else _why(facts.fact(TargetPython)),
        tensorrts=_tensorrts(installs, imports, knowledge) if installs or imports else None,
        tensorrts_reason=None if installs or imports else _why(facts.fact(Installs)),
        typing=_typing(imports),
        measured=measured_cards(facts, knowledge),
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


def _environment(facts: Facts) -> tuple[str, ...]:
    found = []
    if container := facts.value(Container):
        found.append(f"in a {container.engine} container")
    if wsl := facts.value(Wsl):
        found.append(f"WSL {wsl.version}")
    if jetson := facts.value(Jetson):
        l4t = f", L4T {jetson.l4t}" if jetson.l4t else ""
        found.append(f"{jetson.model or 'Jetson'}{l4t}")
    return tuple(found)


def _gpus(facts: Facts, knowledge: Knowledge) -> tuple[GpuCard, ...] | None:
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


def _no_gpus(facts: Facts) -> str | None:
    reason, bus = _why(facts.fact(Gpus)), facts.value(PciDevices)
    return f"{reason}; the PCI bus has {len(bus.devices)}" if reason and bus else reason


def _no_driver(facts: Facts, nvml: Nvml | None) -> str | None:
    if facts.value(Wsl) is None:
        return _why(facts.fact(KernelDriver))
    # WSL has no kernel module to look for: only NVML knows Windows' driver.
    if nvml is None:
        return _why(facts.fact(Nvml))
    return f"unknown: nvmlInit: {nvml.init_error} ({nvml.init_code})"


def _why(fact: Fact[Any]) -> str | None:
    """Why there is no value; null where there is one. Only absence is a claim, so the rest says more."""
    if fact.status is FactStatus.OK:
        return None
    prefix = "" if fact.status is FactStatus.ABSENT else "unknown: "
    return f"{prefix}{fact.reason or fact.status.value}"


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
